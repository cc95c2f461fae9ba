"""Method cluster: channels regrouped to flip together, and an order per group (paper, section 4.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hd_plugin.streaming._cluster_search import cluster_groups
from hd_plugin.streaming._energy import EnergyObjective
from hd_plugin.streaming._energy_search import improved
from hd_plugin.streaming._jobs import Jobs
from hd_plugin.streaming._join import join_groups
from hd_plugin.streaming._method import Method, SearchContext
from hd_plugin.streaming._paper import algorithm2
from hd_plugin.streaming._plan import Group
from hd_plugin.weights import Layer

__all__ = ["Cluster"]


class Cluster(Method):
    """Which channels share the rows is free, tap by tap, and so is every group's order."""

    needs_table = True
    weight = 3

    def groups(self, layer: Layer, search: SearchContext) -> list[Group]:
        taps = [(fy, fx) for fy in range(layer.codes.shape[2]) for fx in range(layer.codes.shape[3])]
        groups = []
        for tap, jobs in zip(taps, search.jobs.parts(*[1.0] * len(taps))):
            groups += _tap_groups(layer, tap, search, jobs)
        return groups if search.effort.greedy else join_groups(layer, groups, search)

    def lessen(
        self, layer: Layer, groups: list[Group], search: SearchContext, objective: EnergyObjective
    ) -> list[Group]:
        """The given clusters, or tap by tap ones that are alike in energy instead: what costs less."""
        if search.effort.greedy:
            return [group for group, _ in improved(layer, groups, search, objective)]
        priced = replace(search, cost=objective.table.cost)
        taps = list(dict.fromkeys(g.tap for g in groups))
        chosen: list[Group] = []
        for tap, jobs in zip(taps, search.jobs.parts(*[1.0] * len(taps))):
            mine = [g for g in groups if g.tap == tap]
            other = _tap_groups(layer, tap, priced, jobs)
            found = improved(layer, [*mine, *other], search, objective)
            halves = found[: len(mine)], found[len(mine) :]
            chosen += [g for g, _ in min(halves, key=lambda half: sum(cost for _, cost in half))]
        return join_groups(layer, chosen, search)


def _tap_groups(layer: Layer, tap: tuple[int, int], search: SearchContext, jobs: Jobs) -> list[Group]:
    """The clusters of one tap."""
    codes = layer.tap_codes(tap)
    if search.effort.greedy:
        clusters, orders = _as_printed(codes, layer.bits, search)
    else:
        clusters, orders = cluster_groups(codes, layer.bits, search, jobs)
    return [Group(tap, channels, order) for channels, order in zip(clusters, orders)]


def _as_printed(
    codes: np.ndarray, bits: int, search: SearchContext
) -> tuple[Sequence[np.ndarray], Sequence[np.ndarray]]:
    """Channels and orders of Algorithm 2."""

    def make() -> tuple[np.ndarray, ...]:
        clusters, orders, _ = algorithm2(
            codes, bits, search.rows, seed=search.seed, table=search.cost, stop=search.jobs.flag
        )
        return *clusters, *orders

    found = search.kept("algorithm 2", codes, bits, search.rows, make=make)
    return found[: len(found) // 2], found[len(found) // 2 :]
