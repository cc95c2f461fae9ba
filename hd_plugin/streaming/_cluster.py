"""Method cluster: channels regrouped to flip together, and an order per group (paper, section 4.3)."""

from __future__ import annotations

from dataclasses import replace

from hd_plugin.streaming._cluster_search import cluster_groups
from hd_plugin.streaming._energy import EnergyObjective
from hd_plugin.streaming._energy_search import improved
from hd_plugin.streaming._join import join_groups
from hd_plugin.streaming._method import Method, SearchContext
from hd_plugin.streaming._paper import algorithm2
from hd_plugin.streaming._plan import Group
from hd_plugin.weights import Layer

__all__ = ["Cluster"]


class Cluster(Method):
    """Which channels share the rows is free, tap by tap, and so is every group's order."""

    needs_table = True
    stand_in = "segment"
    weight = 3

    def groups(self, layer: Layer, search: SearchContext) -> list[Group]:
        taps = [(fy, fx) for fy in range(layer.codes.shape[2]) for fx in range(layer.codes.shape[3])]
        groups = []
        for done, tap in enumerate(taps):
            groups += _tap_groups(layer, tap, search, (done, len(taps)))
        return groups if search.effort.greedy else join_groups(layer, groups, search.seed)

    def lessen(
        self, layer: Layer, groups: list[Group], search: SearchContext, objective: EnergyObjective
    ) -> list[Group]:
        """The given clusters, or tap by tap ones that are alike in energy instead: what costs less."""
        if search.effort.greedy:
            return [group for group, _ in improved(layer, groups, search, objective)]
        priced = replace(search, cost=objective.table.cost)
        taps = list(dict.fromkeys(g.tap for g in groups))
        chosen: list[Group] = []
        for done, tap in enumerate(taps):
            mine = [g for g in groups if g.tap == tap]
            other = _tap_groups(layer, tap, priced, (done, len(taps)))
            found = improved(layer, [*mine, *other], search, objective)
            halves = found[: len(mine)], found[len(mine) :]
            chosen += [g for g, _ in min(halves, key=lambda half: sum(cost for _, cost in half))]
        return join_groups(layer, chosen, search.seed)


def _tap_groups(
    layer: Layer, tap: tuple[int, int], search: SearchContext, position: tuple[int, int]
) -> list[Group]:
    """The clusters of one tap; ``position``: of (taps done, taps) for the progress."""
    codes = layer.tap_codes(tap)
    if search.effort.greedy:
        clusters, orders, _ = algorithm2(codes, layer.bits, search.rows, seed=search.seed, table=search.cost)
    else:
        clusters, orders = cluster_groups(codes, layer.bits, search, position)
    return [Group(tap, channels, order) for channels, order in zip(clusters, orders)]
