"""Numbers and names as people read them."""

from __future__ import annotations

import math

__all__ = ["MEAN_NOTE", "energy", "ratio", "shorten"]

MEAN_NOTE = "mean = mean over layers of per-layer ratios (the paper's way); energies and flips are sums"

_PREFIXES = ((1.0, "J"), (1e-3, "mJ"), (1e-6, "uJ"), (1e-9, "nJ"), (1e-12, "pJ"))


def energy(joules: float) -> str:
    """Three significant digits with a unit from J to pJ."""
    for size, unit in _PREFIXES:
        if joules >= size:
            return f"{joules / size:.3g} {unit}"
    return f"{joules / 1e-12:.3g} pJ"


def ratio(value: float | None) -> str:
    """``2.31x``; a layer whose flips vanished altogether has no finite ratio."""
    return "all" if value is None or math.isinf(value) else f"{value:.2f}x"


def shorten(name: str, width: int = 34) -> str:
    """Long names lose their middle: both ends tell layers apart."""
    if len(name) <= width:
        return name
    left = (width - 3) // 2
    return name[:left] + "..." + name[-(width - 3 - left) :]
