"""Trained networks beside their baseline, as the paper's Table 4: every reduction is against the baseline in file order."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hd_plugin.errors import InputError

if TYPE_CHECKING:
    from hd_plugin.comparison import Comparison

__all__ = ["Combined", "combine"]


@dataclass(frozen=True)
class Combined:
    """One network under one method; hd_reductions : of every layer, against the baseline network streamed in file order."""

    network: str
    method: str
    mean_hd_reduction: float
    best_hd_reduction: float
    mean_energy_reduction: float
    best_energy_reduction: float
    hd_reductions: list[float]


def combine(base: Comparison, others: Sequence[Comparison]) -> list[Combined]:
    """``base`` and every other comparison, method by method. Raises InputError when their layers are not of the same shapes."""
    first = base.of("baseline")
    found = []
    for result in (base, *others):
        for method in result.methods:
            rows = result.of(method)
            if [(r.layer, r.K, r.C, r.taps) for r in rows] != [(r.layer, r.K, r.C, r.taps) for r in first]:
                raise InputError(f"trained: network {result.network!r} has other layers than {base.network!r}; reductions are layer by "
                                 "layer, so both need the same ones")
            flips = [b.flips / r.flips if r.flips else float("inf") for b, r in zip(first, rows)]
            energy = [b.energy.datapath_J / r.energy.datapath_J for b, r in zip(first, rows)]
            found.append(Combined(result.network, method, float(np.mean(flips)), max(flips), float(np.mean(energy)), max(energy), flips))
    return found
