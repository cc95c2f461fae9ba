"""What an engine is, and which there are."""
from __future__ import annotations

from typing import Protocol

from hd_plugin.energy import ActionCounts
from hd_plugin.engines._analytic import analytic_counts
from hd_plugin.engines._array import Array
from hd_plugin.errors import InputError, did_you_mean
from hd_plugin.weights import Layer

__all__ = ["ENGINES", "Engine", "get_engine"]


class Engine(Protocol):
    """Action counts of ``layer`` streamed in ``groups`` groups; ``lut`` when an address table is read."""

    def __call__(self, layer: Layer, array: Array, groups: int, lut: bool) -> ActionCounts: ...


_ENGINES: dict[str, Engine] = {"analytic": analytic_counts}
ENGINES = tuple(_ENGINES)


def get_engine(name: str) -> Engine:
    """The engine called ``name``; raises InputError with the nearest names."""
    if name not in _ENGINES:
        raise InputError(f"engine: {name!r} is unknown; " + did_you_mean(name, ENGINES))
    return _ENGINES[name]
