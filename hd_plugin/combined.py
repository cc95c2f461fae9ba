"""Trained networks beside their baseline, as the paper's Table 4: every reduction is against the baseline in file order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hd_plugin.errors import InputError

if TYPE_CHECKING:
    from hd_plugin.comparison import Comparison
    from hd_plugin.weights import Network

__all__ = ["Combined", "check_same_layers", "combine"]


@dataclass(frozen=True)
class Combined:
    """One network under one method; hd_reductions : of every layer, against the baseline network streamed in file order. The energy reductions are of
    the datapath, mean_clocked_reduction of the datapath with its clock."""

    network: str
    method: str
    mean_hd_reduction: float
    best_hd_reduction: float
    mean_energy_reduction: float
    best_energy_reduction: float
    mean_clocked_reduction: float
    hd_reductions: list[float]


def check_same_layers(base: Network, others: Sequence[Network]) -> None:
    """Raises InputError when a network's layers are not of the same names and shapes."""
    for other in others:
        if [(la.name, la.codes.shape) for la in other.layers] != [
            (la.name, la.codes.shape) for la in base.layers
        ]:
            raise InputError(
                f"trained: network {other.name!r} has other layers than {base.name!r}; reductions are layer by layer, so "
                "both need the same ones"
            )


def combine(base: Comparison, others: Sequence[Comparison]) -> list[Combined]:
    """``base`` and every other comparison, method by method."""
    first = base.of("baseline")
    found = []
    for result in (base, *others):
        for method in result.methods:
            rows = result.of(method)
            flips = [
                b.flips / r.flips if r.flips else (float("inf") if b.flips else 1.0)
                for b, r in zip(first, rows)
            ]
            energy = [b.energy.datapath_J / r.energy.datapath_J for b, r in zip(first, rows)]
            clocked = [
                (b.energy.datapath_J + b.energy.clock_J) / (r.energy.datapath_J + r.energy.clock_J)
                for b, r in zip(first, rows)
            ]
            found.append(
                Combined(
                    result.network,
                    method,
                    float(np.mean(flips)),
                    max(flips),
                    float(np.mean(energy)),
                    max(energy),
                    float(np.mean(clocked)),
                    flips,
                )
            )
    return found
