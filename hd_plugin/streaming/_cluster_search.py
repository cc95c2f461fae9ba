"""Clustering past Algorithm 2: similar channels grouped, then swapped by the true, re-ordered cost."""

from __future__ import annotations

import numpy as np

from hd_plugin.streaming._clusters import channel_similarity, group_distances, refine_pair, similar_groups
from hd_plugin.streaming._method import SearchContext
from hd_plugin.streaming._paths import greedy_path, path_cost
from hd_plugin.streaming._search import shortest_path

__all__ = ["cluster_groups"]

_TRIALS = 16  # swaps tried per pair of groups and round
_SWEEPS = 20  # passes over the channels while grouping by similarity


def cluster_groups(
    codes: np.ndarray, bits: int, search: SearchContext, position: tuple[int, int] = (0, 1)
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """(channels of each group, order of each group) for codes uint16[K, C]; never worse than the segments.

    Algorithm 2 stalls at once when it starts from segments, since an order is fitted to its own channels and
    every other channel looks bad under it. So: (1) channels whose bit planes agree are grouped, by swaps on a
    similarity that knows no order; (2) rounds of disjoint pairs of groups, each pair trying swaps of channels
    with both orders re-optimised; pairs are independent, so that threads change nothing; (3) a full search of
    each order.
    """
    K, C = codes.shape
    effort, rows = search.effort, search.rows
    cut = [np.arange(s, min(s + rows, C)) for s in range(0, C, rows)]

    def work(item: tuple[np.ndarray, np.ndarray | None], hard: bool = True) -> tuple[np.ndarray, int]:
        channels, start = item
        d = group_distances(codes, channels, bits, search.cost)
        order = greedy_path(d, 0)
        if hard:
            order = effort.shorter(d, order, search.seed)
        if start is not None and path_cost(d, start) <= path_cost(d, order):
            # two starts, two local optima: go on from the better
            order = effort.shorter(d, start, search.seed) if hard else start
        return order, int(path_cost(d, order))

    def search_all(
        channels: list[np.ndarray], starts: list[np.ndarray | None]
    ) -> list[tuple[np.ndarray, int]]:
        items = list(zip(channels, starts))
        return search.jobs.map(work, items, lambda item: work(item, hard=False), *position)

    plain = search_all(cut, [None] * len(cut))
    if len(cut) < 2 or K < 3:
        return cut, [o for o, _ in plain]
    group = similar_groups(channel_similarity(codes, bits), rows, _SWEEPS)
    clusters = [np.flatnonzero(group == g) for g in range(len(cut))]
    distances = (group_distances(codes, c, bits, search.cost) for c in clusters)
    orders = [shortest_path(d, np.arange(K), effort.neighbours, K, search.seed) for d in distances]
    _refine(codes, bits, clusters, orders, search, position)
    best = search_all(clusters, list(orders))
    if sum(c for _, c in best) >= sum(c for _, c in plain):
        clusters, best = cut, plain
    return clusters, [o for o, _ in best]


def _refine(
    codes: np.ndarray,
    bits: int,
    clusters: list[np.ndarray],
    orders: list[np.ndarray],
    search: SearchContext,
    position: tuple[int, int],
) -> None:
    """Rounds of pair refinements, in place; ends when the budget is spent or many rounds changed nothing."""
    K, C = codes.shape
    count, effort = len(clusters), search.effort
    budget = C * effort.swaps // K
    rng = np.random.default_rng(search.seed)
    everything = max(c.size for c in clusters) ** 2  # pairs of channels between two groups
    patience = max(3, -(-3 * everything * (count - 1) // _TRIALS) // 2)
    idle = round_ = 0
    while budget > 0 and idle < patience and not search.jobs.interrupted:
        shuffled = rng.permutation(count)
        pairs = [(int(a), int(b)) for a, b in zip(shuffled[0::2], shuffled[1::2])]
        round_ += 1

        def refine(pair: tuple[int, int]) -> bool:
            a, b = pair
            before = orders[a].copy(), clusters[a].copy()
            limits = (_TRIALS, effort.neighbours, 2 * K, search.seed * 1_000_003 + round_)
            sides = (clusters[a], orders[a]), (clusters[b], orders[b])
            refine_pair(codes, bits, search.cost, *sides, limits)
            return not (np.array_equal(before[0], orders[a]) and np.array_equal(before[1], clusters[a]))

        changed = search.jobs.map(refine, pairs, lambda pair: False, *position)
        idle = 0 if any(changed) else idle + 1
        budget -= _TRIALS * len(pairs)
