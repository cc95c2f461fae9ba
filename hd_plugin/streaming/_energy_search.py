"""Search for plans under an energy objective: the plan for flips first, and from there orders, rows and clusters that cost less energy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hd_plugin.streaming._cluster import cluster_groups
from hd_plugin.streaming._energy import EnergyObjective, best_rows, step_costs
from hd_plugin.streaming._jobs import Jobs
from hd_plugin.streaming._join import join_groups
from hd_plugin.streaming._paths import greedy_path, path_cost
from hd_plugin.streaming._plan import Group
from hd_plugin.streaming._search import shortest_path
from hd_plugin.weights import Layer

if TYPE_CHECKING:
    from hd_plugin.streaming._optimize import Effort

__all__ = ["energy_cluster", "energy_direct", "energy_segment"]

_ROUNDS = 2  # of rows for an order, and an order for rows


def energy_segment(
    layer: Layer,
    groups: list[Group],
    rows: int,
    objective: EnergyObjective,
    effort: Effort | None,
    seed: int,
    jobs: Jobs,
) -> list[Group]:
    """Every group with rows and an order of less cost than it came with. effort : None for Algorithm 1 alone."""
    return [g for g, _ in _all(layer, groups, objective, effort, seed, jobs)]


def energy_cluster(
    layer: Layer,
    groups: list[Group],
    rows: int,
    objective: EnergyObjective,
    effort: Effort | None,
    seed: int,
    jobs: Jobs,
) -> list[Group]:
    """The given clusters, or tap by tap ones that are alike in energy instead of flips: what costs less."""
    if effort is None:
        return energy_segment(layer, groups, rows, objective, None, seed, jobs)
    taps = list(dict.fromkeys(g.tap for g in groups))
    chosen = []
    for done, tap in enumerate(taps):
        mine = [g for g in groups if g.tap == tap]
        codes = np.ascontiguousarray(layer.codes[:, :, tap[0], tap[1]], dtype=np.uint16)
        channels, orders = cluster_groups(
            codes, layer.bits, rows, objective.table.cost, effort, seed, jobs, (done, len(taps))
        )
        other = [Group(tap, c, o) for c, o in zip(channels, orders)]
        found = _all(layer, [*mine, *other], objective, effort, seed, jobs)
        halves = found[: len(mine)], found[len(mine) :]
        chosen += [g for g, _ in min(halves, key=lambda half: sum(c for _, c in half))]
    return join_groups(layer, chosen, seed)


def energy_direct(
    layer: Layer,
    groups: list[Group],
    rows: int,
    objective: EnergyObjective,
    effort: Effort | None,
    seed: int,
    jobs: Jobs,
) -> list[Group]:
    """One order for all groups."""

    def distances(groups: list[Group]) -> np.ndarray:
        parts = jobs.map(
            lambda g: step_costs(objective, layer, g.tap, g.channels),
            groups,
            lambda g: step_costs(objective, layer, g.tap, g.channels),
        )
        total = np.zeros((layer.K, layer.K), np.int64)
        for part in parts:
            total += part
        return (total // (1 + int(total.max(initial=0)) // (1 << 28))).astype(np.int32)

    order = groups[0].order
    for _ in range(_ROUNDS):
        d = distances(groups)
        order = _shorter(d, order, effort, seed)
        placed = jobs.map(
            lambda g, order=order: best_rows(objective, layer, g.tap, g.channels, order),
            groups,
            lambda g: g.channels,
        )
        groups = [Group(g.tap, channels, order) for g, channels in zip(groups, placed)]
        if effort is None or jobs.interrupted:
            break
    return groups


def _shorter(d: np.ndarray, order: np.ndarray, effort: Effort | None, seed: int) -> np.ndarray:
    """The best of ``order`` and a path from scratch, searched on from there."""
    start = min(order, greedy_path(d, 0), key=lambda o: int(path_cost(d, o)))
    return (
        start
        if effort is None
        else shortest_path(d, start, effort.neighbours, effort.kicks * d.shape[0], seed)
    )


def _all(
    layer: Layer,
    groups: list[Group],
    objective: EnergyObjective,
    effort: Effort | None,
    seed: int,
    jobs: Jobs,
) -> list[tuple[Group, int]]:
    def work(g: Group) -> tuple[Group, int]:
        channels, order, cost = g.channels, g.order, 0
        for _ in range(1 if effort is None else _ROUNDS):
            channels = best_rows(objective, layer, g.tap, channels, order)
            d = step_costs(objective, layer, g.tap, channels)
            order = _shorter(d, order, effort, seed)
            cost = int(path_cost(d, order))
        return Group(g.tap, channels, order), cost

    return jobs.map(
        work, groups, lambda g: (g, int(path_cost(step_costs(objective, layer, g.tap, g.channels), g.order)))
    )
