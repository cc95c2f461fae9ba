"""Orders of single groups: length over Algorithm 1 and the Held-Karp bound; CPU time to fast-tsp's length."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from benchmarks.cases import SEED, distances, network
from hd_plugin.streaming import EFFORTS
from hd_plugin.streaming._bound import path_lower_bound
from hd_plugin.streaming._distances import NEVER
from hd_plugin.streaming._paths import greedy_path, path_cost
from hd_plugin.streaming._search import shortest_path

COLUMNS = [
    "K",
    "effort",
    "Algorithm 1 / order",
    "order / bound",
    "ms",
    "fast-tsp ms to equal length",
    "fast-tsp / ours (time)",
]
_LIMIT_S = 2.0


def _fast_tsp(d: np.ndarray, goal: int) -> float | None:
    """Seconds that fast-tsp needs for a path as short as ``goal``; its limit doubles until it gets there."""
    import fast_tsp

    closed = np.zeros((d.shape[0] + 1,) * 2, int)
    closed[:-1, :-1] = d
    limit = 0.002
    while limit < _LIMIT_S:
        started = time.process_time()
        tour = fast_tsp.find_tour(closed.tolist(), duration_seconds=limit)
        spent = time.process_time() - started
        if fast_tsp.compute_cost(tour, closed.tolist()) <= goal:
            return spent
        limit *= 2
    return None


def run(quick: bool = False) -> Iterator[list[str]]:
    net = network()
    by_size = {la.K: la for la in net.layers}
    for K in sorted(by_size):
        if K < 24 or (quick and K > 100):
            continue
        groups = distances(by_size[K], 8, 2)
        for effort in ("local", "best"):
            e = EFFORTS[effort]
            for d in groups:  # compiled, and the caches warm
                shortest_path(d, greedy_path(d, 0), e.neighbours, 0, SEED, NEVER)
            started = time.process_time()
            orders = [e.shorter(d, greedy_path(d, 0), SEED) for d in groups]
            ours = time.process_time() - started
            cost = [int(path_cost(d, o)) for d, o in zip(groups, orders)]
            greedy = [int(path_cost(d, greedy_path(d, 0))) for d in groups]
            bound = [int(path_lower_bound(d, c, 200, NEVER)) for d, c in zip(groups, cost)]
            other = [_fast_tsp(d, c) for d, c in zip(groups, cost)]
            total = None if None in other else sum(other)
            yield [
                str(K),
                effort,
                f"{sum(greedy) / sum(cost):.3f}",
                f"{sum(cost) / max(sum(bound), 1):.4f}",
                f"{1e3 * ours / len(groups):.2f}",
                f"{1e3 * total / len(groups):.1f}" if total is not None else f"not in {_LIMIT_S:g} s",
                f"{total / ours:.1f}x" if total is not None else f"> {_LIMIT_S * len(groups) / ours:.0f}x",
            ]
