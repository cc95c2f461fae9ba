"""A network that was rounded anew, at one mu."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from hd_plugin._ratios import mean_times
from hd_plugin.streaming import Rounding, StreamPlan
from hd_plugin.weights import Layer

__all__ = ["RoundedNetwork", "SimulatedTiles"]


@dataclass(frozen=True)
class SimulatedTiles:
    """Energy of the PEs (``energy.TOTALS``) for a tile of every layer at gate level, in fJ: as the network
    was in file order, and rounded.
    """

    technology: str
    simulated_fJ_file_order: tuple[float, ...]
    simulated_fJ: tuple[float, ...]

    @property
    def mean_energy_reduction(self) -> float:
        """Mean over layers of before / after."""
        return mean_times(self.simulated_fJ_file_order, self.simulated_fJ)


@dataclass(frozen=True)
class RoundedNetwork:
    """The network rounded at one mu. before : as it was, by nearest rounding, under the orders of the same
    method.

    error : mean squared rounding error of every layer, in squared steps (with calibration: as it reaches the
    outputs). top1 : percent of the test images, None without any.
    """

    mu: float
    roundings: tuple[Rounding, ...] = field(repr=False)
    flips_file_order: tuple[int, ...]
    top1: float | None = None
    simulated: SimulatedTiles | None = None

    @property
    def layers(self) -> list[Layer]:
        """The rounded layers."""
        return [r.layer for r in self.roundings]

    @property
    def plans(self) -> dict[tuple[str, str], StreamPlan]:
        """The plans that they were rounded for, by (layer, method)."""
        return {(r.layer.name, r.plan.method): r.plan for r in self.roundings}

    @property
    def noise_dB(self) -> float | None:
        """Rounding noise against nearest rounding."""
        after, before = (
            sum(getattr(r, which) * r.layer.codes.size for r in self.roundings)
            for which in ("error", "error_before")
        )
        return 10 * float(np.log10(after / before)) if min(after, before) > 0 else None

    @property
    def mean_hd_reduction(self) -> float:
        """Against nearest rounding in file order: mean over layers of before / after."""
        return mean_times(self.flips_file_order, [r.flips for r in self.roundings])

    @property
    def mean_over_method(self) -> float:
        """Against nearest rounding under the same method's orders."""
        return mean_times([r.flips_before for r in self.roundings], [r.flips for r in self.roundings])

    def to_dict(self) -> dict[str, Any]:
        """One entry of ``runs`` in round.json."""
        found = {
            "mu": self.mu,
            "noise_dB": self.noise_dB,
            "mean_hd_reduction": self.mean_hd_reduction,
            "mean_over_method": self.mean_over_method,
            "flips": [r.flips for r in self.roundings],
            "flips_before": [r.flips_before for r in self.roundings],
            "flips_file_order": list(self.flips_file_order),
            "error": [r.error for r in self.roundings],
            "error_before": [r.error_before for r in self.roundings],
            "top1": self.top1,
        }
        if self.simulated:
            told = asdict(self.simulated)
            found |= {k: list(v) if isinstance(v, tuple) else v for k, v in told.items()}
            found["mean_energy_reduction"] = self.simulated.mean_energy_reduction
        return found
