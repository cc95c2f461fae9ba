"""Search under an energy objective: from the groups for flips on, orders and rows that cost less energy."""

from __future__ import annotations

import numpy as np

from hd_plugin.streaming._energy import EnergyObjective, best_rows, step_costs
from hd_plugin.streaming._method import SearchContext
from hd_plugin.streaming._paths import greedy_path, path_cost
from hd_plugin.streaming._plan import Group
from hd_plugin.weights import Layer

__all__ = ["ROUNDS", "improved", "shorter"]

ROUNDS = 2  # of rows for an order, and an order for rows


def shorter(d: np.ndarray, order: np.ndarray, search: SearchContext) -> np.ndarray:
    """The best of ``order`` and a path from scratch, searched on from there."""
    start = min(order, greedy_path(d, 0), key=lambda o: int(path_cost(d, o)))
    return search.shorter(d, start)


def improved(
    layer: Layer, groups: list[Group], search: SearchContext, objective: EnergyObjective
) -> list[tuple[Group, int]]:
    """Every group with rows and an order of no more cost than it came with, and that cost.

    Of no use after a Ctrl-C.
    """

    def make(g: Group) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        channels, order, cost = g.channels, g.order, 0
        for _ in range(1 if search.effort.greedy else ROUNDS):
            channels = best_rows(objective, layer, g.tap, channels, order)
            d = step_costs(objective, layer, g.tap, channels, search.jobs.flag)
            order = shorter(d, order, search)
            cost = int(path_cost(d, order))
        return channels, order, np.array(cost)

    def work(g: Group) -> tuple[Group, int]:
        inputs = layer.digest, objective.digest, g.tap, g.channels, g.order
        channels, order, cost = search.kept("improved", *inputs, make=lambda: make(g))
        return Group(g.tap, channels, order), int(cost)

    return search.jobs.map(work, groups, lambda g: (g, 0))
