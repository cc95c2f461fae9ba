"""What every method is: a small class that makes groups for few flips, and better ones for little energy."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from hd_plugin._journal import Journal
from hd_plugin.errors import InputError
from hd_plugin.streaming._clusters import group_distances
from hd_plugin.streaming._efforts import Effort
from hd_plugin.streaming._energy import EnergyObjective
from hd_plugin.streaming._jobs import Jobs
from hd_plugin.streaming._plan import Group
from hd_plugin.weights import Layer

__all__ = ["Method", "SearchContext"]


@dataclass(frozen=True, eq=False)
class SearchContext:
    """What a method is asked, and what it searches with.

    method : its name. rows : of the array. cost : int32[L, L], what a transition between two codes costs; of
    size 0 for flips. jobs : threads, progress, Ctrl-C and the journal.
    """

    method: str
    rows: int
    effort: Effort
    seed: int
    cost: np.ndarray
    jobs: Jobs

    def distances(self, layer: Layer, tap: tuple[int, int], channels: np.ndarray) -> np.ndarray:
        """What it costs to stream one output channel after another on these rows: int32[K, K]."""
        return group_distances(layer.tap_codes(tap), channels, layer.bits, self.cost, self.jobs.flag)

    def shorter(self, d: np.ndarray, order: np.ndarray) -> np.ndarray:
        """``order``, searched on over distances int32[K, K]: int64[K], never longer."""
        return self.effort.shorter(d, order, self.seed, self.jobs.flag)

    def kept(self, name: str, *inputs: Any, make: Callable[[], tuple[np.ndarray, ...]]) -> Any:
        """``make()``, or what the journal has of it.

        inputs : all that it depends on beside effort, seed and cost: arrays, or what has a ``repr``.
        """
        return self.jobs.kept(name, (self._settings, *inputs), make)

    @cached_property
    def _settings(self) -> bytes:
        return Journal.key("search", (self.effort, self.seed, self.cost))


class Method(ABC):
    """What may move in a plan. Another one is a subclass and a line: ``METHODS.register("name", Name())``.

    needs_table : whether the array needs a table of addresses for its plans. searched : False where there is
    nothing to search. weight : how long its searches take beside other methods'; long ones begin first.
    """

    needs_table: bool = False
    searched: bool = True
    weight: int = 1

    @abstractmethod
    def groups(self, layer: Layer, search: SearchContext) -> list[Group]:
        """Groups that cover channels x taps exactly once, with orders that cost little."""

    def lessen(
        self, layer: Layer, groups: list[Group], search: SearchContext, objective: EnergyObjective
    ) -> list[Group]:
        """``groups``, made for few flips, made better by ``objective``. InputError where nothing can be."""
        raise InputError(
            f"plan for layer {layer.name!r}: method {search.method!r} leaves nothing to choose; "
            "make the plan by another method"
        )
