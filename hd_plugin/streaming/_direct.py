"""Method direct: one order for all groups of a layer, so that no hardware is needed (paper, section 4.2)."""

from __future__ import annotations

import numpy as np

from hd_plugin.streaming._clusters import group_distances
from hd_plugin.streaming._energy import EnergyObjective, best_rows, step_costs
from hd_plugin.streaming._energy_search import ROUNDS, shorter
from hd_plugin.streaming._method import Method, SearchContext
from hd_plugin.streaming._paths import greedy_path, path_cost
from hd_plugin.streaming._plan import Group, segments
from hd_plugin.weights import Layer

__all__ = ["Direct"]


class Direct(Method):
    """Channels in file order, cut every ``rows``; every group streams in the same order."""

    weight = 1

    def groups(self, layer: Layer, search: SearchContext) -> list[Group]:
        def make() -> tuple[np.ndarray]:
            codes, file_order = layer.codes.reshape(layer.K, -1).astype(np.uint16), np.arange(layer.K)
            d = group_distances(codes, np.arange(codes.shape[1]), layer.bits, search.cost, search.jobs.flag)
            order = search.shorter(d, greedy_path(d, 0))
            if not search.effort.greedy and path_cost(d, order) > path_cost(d, file_order):
                order = file_order  # Algorithm 1 can lose to it
            return (order,)

        [order] = search.kept("direct", layer.digest, make=make)
        return [Group(tap, channels, order) for tap, channels in segments(layer, search.rows)]

    def lessen(
        self, layer: Layer, groups: list[Group], search: SearchContext, objective: EnergyObjective
    ) -> list[Group]:
        for _ in range(1 if search.effort.greedy else ROUNDS):
            order = _order(layer, groups, search, objective)
            groups = _placed(layer, groups, order, search, objective)
        return groups


def _order(
    layer: Layer, groups: list[Group], search: SearchContext, objective: EnergyObjective
) -> np.ndarray:
    """A better order for the groups as their channels stand: int64[K]."""
    rows = np.concatenate([g.channels for g in groups])

    def make() -> tuple[np.ndarray]:
        return (shorter(_distances(layer, groups, search, objective), groups[0].order, search),)

    inputs = layer.digest, objective.digest, rows, groups[0].order
    return search.kept("direct for energy", search.rows, *inputs, make=make)[0]


def _distances(
    layer: Layer, groups: list[Group], search: SearchContext, objective: EnergyObjective
) -> np.ndarray:
    """A step of all groups together: int32[K, K], scaled down where the sums are too large for it."""

    def cost(g: Group) -> np.ndarray:
        return step_costs(objective, layer, g.tap, g.channels, search.jobs.flag)

    total = np.zeros((layer.K, layer.K), np.int64)
    for part in search.jobs.map(cost, groups, cost):
        total += part
    return (total // (1 + int(total.max(initial=0)) // (1 << 28))).astype(np.int32)


def _placed(
    layer: Layer, groups: list[Group], order: np.ndarray, search: SearchContext, objective: EnergyObjective
) -> list[Group]:
    """The groups under ``order``, their channels on the best rows for it."""
    placed = search.jobs.map(
        lambda g: best_rows(objective, layer, g.tap, g.channels, order), groups, lambda g: g.channels
    )
    return [Group(g.tap, channels, order) for g, channels in zip(groups, placed)]
