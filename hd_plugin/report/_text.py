"""Numbers and names as people read them."""

from __future__ import annotations

import math

from hd_plugin.energy import TOTALS

__all__ = ["MEAN_NOTE", "TOTALS_NOTE", "energy", "engineering", "percent", "ratio", "shorten", "unit_of"]

MEAN_NOTE = "mean = mean over layers of per-layer ratios (the paper's way); energies and flips are sums"
TOTALS_NOTE = f"datapath = {TOTALS['datapath'].contents()}"

_PREFIXES = {-18: "a", -15: "f", -12: "p", -9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T"}


def engineering(value: float, unit: str = "", digits: int = 3) -> str:
    """``4.34 uJ``: three significant digits, and the prefix that leaves one to three of them before the
    point, from a (1e-18) to T (1e12).
    """
    if not value or not math.isfinite(value):
        return f"{value:g} {unit}".rstrip()
    exponent = int(f"{abs(value):.{digits - 1}e}".partition("e")[2])  # of the rounded value
    power = _power(exponent)
    shown = value / 10.0**power
    return f"{shown:.{max(digits - 1 - (exponent - power), 0)}f} {_PREFIXES[power]}{unit}".rstrip()


def _power(exponent: int) -> int:
    return min(max(3 * (exponent // 3), min(_PREFIXES)), max(_PREFIXES))


def unit_of(most: float, unit: str) -> tuple[float, str]:
    """What values up to ``most`` are divided by on an axis, and the unit's name there."""
    if not most or not math.isfinite(most):
        return 1.0, unit
    power = _power(int(f"{abs(most):.2e}".partition("e")[2]))
    return 10.0**power, f"{_PREFIXES[power]}{unit}"


def energy(joules: float) -> str:
    """Joules with the unit that fits: ``4.34 uJ``."""
    return engineering(joules, "J")


def ratio(value: float | None) -> str:
    """``2.31x``; a layer whose flips vanished altogether has no finite ratio."""
    return "all" if value is None or math.isinf(value) else f"{value:.2f}x"


def percent(share: float, digits: int = 1) -> str:
    """``13.5 %`` of a share of 0.135."""
    return f"{100 * share:.{digits}f} %"


def shorten(name: str, width: int = 34) -> str:
    """Long names lose their middle: both ends tell layers apart."""
    if len(name) <= width:
        return name
    left = (width - 3) // 2
    return name[:left] + "..." + name[-(width - 3 - left) :]
