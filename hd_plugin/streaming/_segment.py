"""Method segment: channels in file order, cut every ``rows``, an order per group (paper, section 4.2)."""

from __future__ import annotations

import numpy as np

from hd_plugin.streaming._energy import EnergyObjective
from hd_plugin.streaming._energy_search import improved
from hd_plugin.streaming._join import join_groups
from hd_plugin.streaming._method import Method, SearchContext
from hd_plugin.streaming._paths import greedy_path
from hd_plugin.streaming._plan import Group, segments
from hd_plugin.weights import Layer

__all__ = ["Segment"]


class Segment(Method):
    """An order per group; which channels share the rows is left as it is in the file."""

    needs_table = True
    weight = 2

    def groups(self, layer: Layer, search: SearchContext) -> list[Group]:
        def work(item: tuple[tuple[int, int], np.ndarray]) -> Group:
            def make() -> tuple[np.ndarray]:
                d = search.distances(layer, *item)
                return (search.shorter(d, greedy_path(d, 0)),)

            [order] = search.kept("segment", layer.digest, *item, make=make)
            return Group(item[0], item[1], order)

        cut = segments(layer, search.rows)
        groups = search.jobs.map(work, cut, lambda item: Group(item[0], item[1], np.arange(layer.K)))
        return groups if search.effort.greedy else join_groups(layer, groups, search)

    def lessen(
        self, layer: Layer, groups: list[Group], search: SearchContext, objective: EnergyObjective
    ) -> list[Group]:
        return [group for group, _ in improved(layer, groups, search, objective)]
