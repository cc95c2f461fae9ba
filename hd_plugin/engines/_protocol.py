"""What an engine is, and which there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from hd_plugin.energy import ActionCounts, EnergyBreakdown, Technology, price
from hd_plugin.engines._analytic import analytic_counts
from hd_plugin.engines._array import Array
from hd_plugin.errors import InputError, did_you_mean
from hd_plugin.streaming import Jobs
from hd_plugin.weights import Layer

__all__ = ["ENGINES", "AnalyticEngine", "Engine", "Evaluation", "Request", "get_engine"]


@dataclass(frozen=True)
class Request:
    """A layer streamed in ``groups`` groups at ``flip_rate`` (its NHD); lut_bits : width of the address table, 0 for none."""

    layer: Layer
    groups: int
    flip_rate: float
    lut_bits: int = 0


@dataclass(frozen=True)
class Evaluation:
    """Action counts and energy of one request; ``details`` are the engine's own (per component, say)."""

    counts: ActionCounts
    energy: EnergyBreakdown
    details: dict[str, Any] = field(default_factory=dict)


class Engine(Protocol):
    """Something that counts the actions of layers on an array and prices them."""

    name: str

    def check(self, layers: Sequence[Layer], array: Array) -> None:
        """Raise what ``evaluate`` would, as far as that can be told before any search: missing sizes, missing tools."""

    def evaluate(
        self, requests: Sequence[Request], array: Array, technology: Technology, jobs: Jobs
    ) -> list[Evaluation]:
        """One Evaluation a request, in order."""

    def provenance(self) -> dict[str, Any]:
        """What a reader needs to get the same numbers again."""


class AnalyticEngine:
    """Closed forms of the fixed input-stationary dataflow; needs no tools."""

    name = "analytic"

    def check(self, layers: Sequence[Layer], array: Array) -> None:
        for layer in layers:
            analytic_counts(layer, array, 1, False)

    def evaluate(
        self, requests: Sequence[Request], array: Array, technology: Technology, jobs: Jobs
    ) -> list[Evaluation]:
        return [self._one(request, array, technology) for request in requests]

    def provenance(self) -> dict[str, Any]:
        return {}

    @staticmethod
    def _one(r: Request, array: Array, technology: Technology) -> Evaluation:
        counts = analytic_counts(r.layer, array, r.groups, r.lut_bits > 0)
        return Evaluation(
            counts,
            price(
                counts,
                r.flip_rate,
                array.widths(r.layer.bits),
                technology,
                pes=array.rows * array.cols,
                lut_bits=r.lut_bits,
            ),
        )


def _timeloop(**options: Any) -> Engine:
    from hd_plugin.engines.timeloop import TimeloopEngine

    return TimeloopEngine(**options)


_ENGINES: dict[str, tuple[Callable[..., Engine], tuple[str, ...]]] = {
    "analytic": (AnalyticEngine, ()),
    "timeloop": (_timeloop, ("mapping", "cache", "architecture")),
}
ENGINES = tuple(_ENGINES)


def get_engine(name: str, **options: Any) -> Engine:
    """The engine called ``name``; options as its class takes them. Raises InputError with the nearest names."""
    if name not in _ENGINES:
        raise InputError(f"engine: {name!r} is unknown; " + did_you_mean(name, ENGINES))
    make, known = _ENGINES[name]
    if unknown := sorted(set(options) - set(known)):
        raise InputError(
            f"engine {name!r} has no option {', '.join(unknown)}; it takes {', '.join(known) or 'none'}"
        )
    return make(**options)
