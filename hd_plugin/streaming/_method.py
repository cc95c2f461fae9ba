"""What every method is: a small class that makes groups for few flips, and better ones for little energy."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

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
    size 0 for flips. jobs : threads, progress and Ctrl-C.
    """

    method: str
    rows: int
    effort: Effort
    seed: int
    cost: np.ndarray
    jobs: Jobs

    def distances(self, layer: Layer, tap: tuple[int, int], channels: np.ndarray) -> np.ndarray:
        """What it costs to stream one output channel after another on these rows: int32[K, K]."""
        return group_distances(layer.tap_codes(tap), channels, layer.bits, self.cost)


class Method(ABC):
    """What may move in a plan. Another one is a subclass and a line: ``METHODS.register("name", Name())``.

    needs_table : whether the array needs a table of addresses for its plans. searched : False where there is
    nothing to search. stand_in : the method that answers at once (with effort greedy) after a Ctrl-C; None
    for itself. weight : how long its searches take beside other methods'; long ones begin first.
    """

    needs_table: bool = False
    searched: bool = True
    stand_in: str | None = None
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
