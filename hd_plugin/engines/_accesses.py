"""What an engine that looks at every component tells of each: accesses by dataspace, and their energy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Accesses", "ComponentResult"]


@dataclass(frozen=True)
class Accesses:
    """Whole-array scalar accesses of one dataspace at one level, and their dynamic energy."""

    reads: int
    fills: int
    updates: int
    energy_pJ: float


@dataclass(frozen=True)
class ComponentResult:
    """Whole-array sums of one component.

    computes, compute_pJ : of the compute level, else 0. accesses : by dataspace, only those that the level
    keeps. per_cycle_pJ : ``leak`` of all instances, idle ones included; from the table, or for a MAC, which
    Timeloop does not ask about, from hd_plugin.
    """

    computes: int
    compute_pJ: float
    per_cycle_pJ: float
    accesses: Mapping[str, Accesses]

    @property
    def reads(self) -> int:
        return sum(a.reads for a in self.accesses.values())

    @property
    def fills(self) -> int:
        return sum(a.fills for a in self.accesses.values())

    @property
    def updates(self) -> int:
        return sum(a.updates for a in self.accesses.values())

    @property
    def energy_pJ(self) -> float:
        """Dynamic energy."""
        return self.compute_pJ + sum(a.energy_pJ for a in self.accesses.values())

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it; ``from_dict`` reads it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ComponentResult:
        return cls(**{**data, "accesses": {n: Accesses(**a) for n, a in data["accesses"].items()}})
