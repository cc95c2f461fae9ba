"""What an engine is asked, what it answers, and what it has to be able to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from hd_plugin.energy import ActionCounts, EnergyBreakdown, Technology
from hd_plugin.engines._accesses import ComponentResult
from hd_plugin.engines._array import Array
from hd_plugin.streaming import Jobs
from hd_plugin.weights import Layer

__all__ = ["Engine", "Evaluation", "Request"]


@dataclass(frozen=True)
class Request:
    """A layer streamed in ``groups`` groups at ``flip_rate`` (its NHD).

    lut_bits : width of an entry of the address table, 0 for no table.
    """

    layer: Layer
    groups: int
    flip_rate: float
    lut_bits: int = 0


@dataclass(frozen=True)
class Evaluation:
    """Action counts and energy of one request.

    components : sums of every component, by its name; folders : of the runs behind the numbers. Both are
    empty for an engine that has none.
    """

    counts: ActionCounts
    energy: EnergyBreakdown
    components: Mapping[str, ComponentResult] = field(default_factory=dict)
    folders: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """``components`` and ``folders`` as compare.json holds them, where there are any."""
        told: dict[str, Any] = {}
        if self.components:
            told["components"] = {name: part.to_dict() for name, part in self.components.items()}
        if self.folders:
            told["folders"] = list(self.folders)
        return told


class Engine(Protocol):
    """Something that counts the actions of layers on an array and prices them.

    Its options are what its class takes to be made, by keyword, checked by their annotations: a scenario
    and ``get_engine`` hand them over.
    """

    name: str
    slow: bool = False  # whether evaluating takes longer than a person waits

    def check(self, layers: Sequence[Layer], array: Array) -> None:
        """Raise what ``evaluate`` would, as far as can be told before any search: sizes, missing tools."""

    def evaluate(
        self, requests: Sequence[Request], array: Array, technology: Technology, jobs: Jobs
    ) -> list[Evaluation]:
        """One Evaluation a request, in order."""

    def provenance(self) -> dict[str, str]:
        """What a reader needs to get the same numbers again."""
