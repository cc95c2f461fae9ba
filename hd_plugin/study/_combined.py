"""A network under one method against another network in file order, as the paper's Table 4."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hd_plugin.energy import EnergyBreakdown
from hd_plugin.errors import InputError
from hd_plugin.weights import Network

__all__ = ["Combined", "check_same_layers"]


@dataclass(frozen=True)
class Combined:
    """Reductions of one network under one method, against the baseline network in file order.

    hd_reductions, energy_reductions, nhd : of every layer, in network order; energy : sums over layers. The
    energy reductions are of the datapath, mean_clocked_reduction of the datapath with its clock.
    """

    network: str
    method: str
    mean_hd_reduction: float
    best_hd_reduction: float
    mean_energy_reduction: float
    best_energy_reduction: float
    mean_clocked_reduction: float
    hd_reductions: tuple[float, ...]
    energy_reductions: tuple[float, ...]
    nhd: tuple[float, ...]
    energy: EnergyBreakdown

    def to_dict(self) -> dict[str, Any]:
        """One entry of ``trained`` in compare.json; energies in joules."""
        out = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items() if k != "energy"}
        out |= {"datapath_energy_J": self.energy.datapath_J, "total_energy_J": self.energy.total_J}
        return out | {"energy_J": self.energy.to_dict()}


def check_same_layers(base: Network, others: Sequence[Network]) -> None:
    """Raises InputError when a network's layers are not of the same names and shapes."""
    wanted = [(la.name, la.codes.shape) for la in base.layers]
    for other in others:
        if [(la.name, la.codes.shape) for la in other.layers] != wanted:
            raise InputError(
                f"trained: network {other.name!r} has other layers than {base.name!r}; reductions are layer "
                f"by layer, "
                "so both need the same ones"
            )
