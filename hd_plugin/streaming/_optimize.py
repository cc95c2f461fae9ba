"""``optimize``: a stream plan for one layer, by method (what may move) and effort (how hard to search)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hd_plugin.bits import TransitionTable
from hd_plugin.errors import InputError, did_you_mean
from hd_plugin.streaming._cluster import cluster_groups
from hd_plugin.streaming._clusters import group_distances
from hd_plugin.streaming._count import nhd
from hd_plugin.streaming._energy import EnergyObjective
from hd_plugin.streaming._energy_search import energy_cluster, energy_direct, energy_segment
from hd_plugin.streaming._jobs import Jobs, Progress
from hd_plugin.streaming._join import join_groups
from hd_plugin.streaming._paper import HAMMING, algorithm2
from hd_plugin.streaming._paths import greedy_path, path_cost
from hd_plugin.streaming._plan import Group, StreamPlan, file_order_plan, segments
from hd_plugin.streaming._search import shortest_path
from hd_plugin.weights import Layer

__all__ = [
    "EFFORTS",
    "METHODS",
    "OBJECTIVES",
    "check_rows",
    "check_seed",
    "lessen_energy",
    "optimize",
    "with_rate",
]

METHODS = ("baseline", "direct", "segment", "cluster")
EFFORTS = ("greedy", "local", "best")
OBJECTIVES = ("flips", "energy")


@dataclass(frozen=True)
class Effort:
    """How hard to search. ``kicks`` perturbations per channel of a path, ``neighbours`` tried for each channel;
    ``swaps`` tried per input channel when clustering, times 1/K (a trial costs about K)."""

    kicks: int
    neighbours: int
    swaps: int


_EFFORT = {
    "local": Effort(kicks=4, neighbours=8, swaps=400),
    "best": Effort(kicks=100, neighbours=10, swaps=4000),
}


def check_rows(rows: int) -> int:
    """``rows`` as an int >= 1, or InputError."""
    if isinstance(rows, bool) or int(rows) != rows or rows < 1:
        raise InputError(f"rows: {rows!r} found; the array needs a whole number of rows, at least 1")
    return int(rows)


def check_seed(seed: int) -> None:
    """InputError unless random numbers can begin with it."""
    if seed < 0:
        raise InputError(f"seed: {seed} found; a number >= 0 is needed")


def optimize(
    layer: Layer,
    rows: int = 8,
    method: str = "cluster",
    effort: str = "local",
    seed: int = 0,
    *,
    table: TransitionTable | None = None,
    objective: EnergyObjective | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    jobs: Jobs | None = None,
) -> StreamPlan:
    """A plan that streams ``layer`` through an array of ``rows`` rows with few bit flips.

    method : ``baseline`` file order; ``direct`` one order for all groups (no hardware needed); ``segment`` channels
    in file order, an order per group; ``cluster`` channels regrouped, an order per group (paper, section 4).
    effort : ``greedy`` the paper's Algorithms 1 and 2; ``local`` local search (default); ``best`` 10 to 25 times more of it.
    table : transition costs to minimise instead of flips. objective : energy to minimise instead of flips; the plan for flips is where its search
    begins, so that it costs no more by this objective, but for switches between groups. The same inputs and seed give the same plan for any
    ``threads``. Ctrl-C keeps the best so far (plan.interrupted). jobs : threads, progress and Ctrl-C of a larger job
    that this search is part of, instead of its own. Raises InputError for a bad argument.
    """
    rows = check_rows(rows)
    if method not in METHODS:
        raise InputError(f"method: {method!r} is unknown; " + did_you_mean(method, METHODS))
    if effort not in EFFORTS:
        raise InputError(f"effort: {effort!r} is unknown; " + did_you_mean(effort, EFFORTS))
    check_seed(seed)
    if table is not None and table.bits != layer.bits:
        raise InputError(f"table: made for {table.bits} bits, layer {layer.name!r} has {layer.bits}")
    if method == "baseline":
        return with_rate(file_order_plan(layer, rows), layer)
    if objective is not None:
        if table is not None:
            raise InputError("table, objective: give one of them; an objective has a table of its own")
        objective.check(layer)
    cost = HAMMING if table is None else table.cost
    jobs = jobs or Jobs(threads, progress, f"{layer.name} {method}")
    make = {"direct": _direct, "segment": _segment, "cluster": _cluster}[method]
    groups = make(layer, rows, effort, seed, cost, jobs)
    plan = with_rate(
        StreamPlan(
            layer.name, layer.digest, layer.codes.shape, rows, method, effort, seed, groups, jobs.interrupted
        ),
        layer,
    )
    return plan if objective is None else lessen_energy(layer, plan, objective, jobs=jobs)


def lessen_energy(
    layer: Layer,
    plan: StreamPlan,
    objective: EnergyObjective,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
    jobs: Jobs | None = None,
) -> StreamPlan:
    """``plan``, made for few flips, with orders, rows and (method cluster) clusters that cost less by ``objective``: what ``optimize`` does with one.

    Raises PlanMismatch for a plan of other weights, InputError for an objective of another layer.
    """
    plan.check(layer)
    objective.check(layer)
    jobs = jobs or Jobs(threads, progress, f"{layer.name} {plan.method}")
    improve = {"direct": energy_direct, "segment": energy_segment, "cluster": energy_cluster}.get(plan.method)
    if improve is None:
        raise InputError(
            f"plan for layer {plan.layer!r}: method {plan.method!r} leaves nothing to choose; direct, segment or cluster is needed"
        )
    groups = improve(layer, plan.groups, plan.rows, objective, _EFFORT.get(plan.effort), plan.seed, jobs)
    return with_rate(
        replace(plan, groups=groups, interrupted=plan.interrupted or jobs.interrupted, objective="energy"),
        layer,
    )


def with_rate(plan: StreamPlan, layer: Layer) -> StreamPlan:
    return replace(plan, nhd=nhd(layer, plan), number_format=layer.number_format)


def _order(d: np.ndarray, effort: str, seed: int) -> np.ndarray:
    order = greedy_path(d, 0)
    if effort == "greedy":
        return order
    e = _EFFORT[effort]
    return shortest_path(d, order, e.neighbours, e.kicks * d.shape[0], seed)


def _tap_codes(layer: Layer, tap: tuple[int, int]) -> np.ndarray:
    return np.ascontiguousarray(layer.codes[:, :, tap[0], tap[1]], dtype=np.uint16)


def _direct(layer: Layer, rows: int, effort: str, seed: int, table: np.ndarray, jobs: Jobs) -> list[Group]:
    codes = layer.codes.reshape(layer.K, -1).astype(np.uint16)
    d = group_distances(codes, np.arange(codes.shape[1]), layer.bits, table)
    [order] = jobs.map(lambda d: _order(d, effort, seed), [d], lambda d: greedy_path(d, 0))
    if path_cost(d, order) > path_cost(d, np.arange(layer.K)):  # greedy can lose to the file order
        order = np.arange(layer.K) if effort != "greedy" else order
    return [Group(tap, channels, order) for tap, channels in segments(layer, rows)]


def _segment(layer: Layer, rows: int, effort: str, seed: int, table: np.ndarray, jobs: Jobs) -> list[Group]:
    def work(item: tuple[tuple[int, int], np.ndarray], hard: bool = True) -> Group:
        tap, channels = item
        d = group_distances(_tap_codes(layer, tap), channels, layer.bits, table)
        return Group(tap, channels, _order(d, effort if hard else "greedy", seed))

    groups = jobs.map(work, segments(layer, rows), lambda item: work(item, hard=False))
    return groups if effort == "greedy" else join_groups(layer, groups, seed)


def _cluster(layer: Layer, rows: int, effort: str, seed: int, table: np.ndarray, jobs: Jobs) -> list[Group]:
    taps = [(fy, fx) for fy in range(layer.codes.shape[2]) for fx in range(layer.codes.shape[3])]
    if effort == "greedy":
        groups = []
        for tap in taps:
            channels, orders, _ = algorithm2(_tap_codes(layer, tap), layer.bits, rows, seed=seed, table=table)
            groups += [Group(tap, c, o) for c, o in zip(channels, orders)]
        return groups
    groups = []
    for done, tap in enumerate(taps):
        channels, orders = cluster_groups(
            _tap_codes(layer, tap), layer.bits, rows, table, _EFFORT[effort], seed, jobs, (done, len(taps))
        )
        groups += [Group(tap, c, o) for c, o in zip(channels, orders)]
    return join_groups(layer, groups, seed)
