"""Clustering past Algorithm 2: similar channels grouped, then swapped by the true, re-ordered cost."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hd_plugin._journal import Journal
from hd_plugin.bits import stream_flips
from hd_plugin.streaming._clusters import channel_similarity, group_distances, refine_pair, similar_groups
from hd_plugin.streaming._jobs import Jobs
from hd_plugin.streaming._method import SearchContext
from hd_plugin.streaming._paths import greedy_path, path_cost
from hd_plugin.streaming._search import shortest_path

__all__ = ["cluster_groups"]

_TRIALS = 16  # swaps tried per pair of groups and round
_SWEEPS = 20  # passes over the channels while grouping by similarity
_ORDERS, _PAIRS = 1.0, 4.0  # about how long an order of every group takes, and the swaps between them

Groups = tuple[list[np.ndarray], list[np.ndarray]]


def cluster_groups(codes: np.ndarray, bits: int, search: SearchContext, jobs: Jobs) -> Groups:
    """(channels of each group, order of each group) for codes uint16[K, C]; never worse than the segments.

    Algorithm 2 stalls at once when it starts from segments, since an order is fitted to its own channels and
    every other channel looks bad under it. So: (1) channels whose bit planes agree are grouped, by swaps on a
    similarity that knows no order; (2) rounds of disjoint pairs of groups, each pair trying swaps of channels
    with both orders re-optimised; pairs are independent, so that threads change nothing; (3) a full search of
    each order. After a Ctrl-C: the best so far.
    """
    return _ClusterSearch(codes, bits, search).run(jobs)


class _ClusterSearch:
    """Codes uint16[K, C] and how they are searched."""

    def __init__(self, codes: np.ndarray, bits: int, search: SearchContext) -> None:
        self.codes, self.bits, self.search, self.stop = codes, bits, search, search.jobs.flag
        self.name = Journal.key("cluster", (codes, bits))

    def run(self, jobs: Jobs) -> Groups:
        (K, C), rows = self.codes.shape, self.search.rows
        cut = [np.arange(s, min(s + rows, C)) for s in range(0, C, rows)]
        nothing = [None] * len(cut)
        if len(cut) < 2 or K < 3:
            return cut, [order for order, _ in self.orders(cut, nothing, jobs)]
        first, begun, swapped, last = jobs.parts(_ORDERS, _ORDERS, _PAIRS, _ORDERS)
        plain = self.orders(cut, nothing, first)
        clusters = self.similar(len(cut))
        orders = begun.map(self.start, clusters, lambda _: np.arange(K))
        self.refine(clusters, orders, swapped)
        best = self.orders(clusters, orders, last)
        if jobs.interrupted:
            best, plain = self.as_they_are(clusters, best, orders), self.as_they_are(cut, plain)
        if sum(c for _, c in best) >= sum(c for _, c in plain):
            clusters, best = cut, plain
        return clusters, [order for order, _ in best]

    def distances(self, channels: np.ndarray) -> np.ndarray:
        return group_distances(self.codes, channels, self.bits, self.search.cost, self.stop)

    def orders(
        self, channels: Sequence[np.ndarray], starts: Sequence[np.ndarray | None], jobs: Jobs
    ) -> list[tuple[np.ndarray, int]]:
        """An order for each group of channels, and what it costs; never worse than its start."""

        def work(item: tuple[np.ndarray, np.ndarray | None]) -> tuple[np.ndarray, int]:
            order, cost = self.search.kept("order", self.name, *item, make=lambda: self.order(*item))
            return order, int(cost)

        def as_it_is(item: tuple[np.ndarray, np.ndarray | None]) -> tuple[np.ndarray, int]:
            return (np.arange(self.codes.shape[0]) if item[1] is None else item[1]), 0

        return jobs.map(work, list(zip(channels, starts)), as_it_is)

    def order(self, channels: np.ndarray, start: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        d = self.distances(channels)
        order = self.search.shorter(d, greedy_path(d, 0))
        if start is not None and path_cost(d, start) <= path_cost(d, order):
            # two starts, two local optima: go on from the better
            order = self.search.shorter(d, start)
        return order, np.array(path_cost(d, order))

    def similar(self, count: int) -> list[np.ndarray]:
        """``count`` groups of channels that flip together under any order."""

        def make() -> tuple[np.ndarray]:
            similarity = channel_similarity(self.codes, self.bits, self.stop)
            return (similar_groups(similarity, self.search.rows, _SWEEPS, self.stop),)

        [group] = self.search.kept("similar", self.name, self.search.rows, make=make)
        return [np.flatnonzero(group == g) for g in range(count)]

    def start(self, channels: np.ndarray) -> np.ndarray:
        """The order that swaps begin with."""
        K = self.codes.shape[0]

        def make() -> tuple[np.ndarray]:
            limits = self.search.effort.neighbours, K, self.search.seed
            return (shortest_path(self.distances(channels), np.arange(K), *limits, self.stop),)

        return self.search.kept("start", self.name, channels, make=make)[0]

    def refine(self, clusters: list[np.ndarray], orders: list[np.ndarray], jobs: Jobs) -> None:
        """Rounds of swaps, in place; ends when the budget is spent or many rounds changed nothing."""
        K, C = self.codes.shape
        count, effort, seed = len(clusters), self.search.effort, self.search.seed
        budget = left = C * effort.swaps // K
        rng = np.random.default_rng(seed)
        everything = max(c.size for c in clusters) ** 2  # pairs of channels between two groups
        patience = max(3, -(-3 * everything * (count - 1) // _TRIALS) // 2)
        idle = round_ = 0
        while left > 0 and idle < patience and not jobs.interrupted:
            shuffled = rng.permutation(count)
            pairs = [(int(a), int(b)) for a, b in zip(shuffled[0::2], shuffled[1::2])]
            round_ += 1

            def refine(pair: tuple[int, int]) -> bool:
                a, b = pair
                before = clusters[a], orders[a], clusters[b], orders[b]
                limits = _TRIALS, effort.neighbours, 2 * K, seed * 1_000_003 + round_
                after = self.search.kept(
                    "pair", self.name, *before, limits, make=lambda: self.refined(before, limits)
                )
                clusters[a], orders[a], clusters[b], orders[b] = after
                return not (np.array_equal(before[1], orders[a]) and np.array_equal(before[0], clusters[a]))

            spent = budget - left
            left -= _TRIALS * len(pairs)
            _, now, _ = jobs.parts(spent, min(_TRIALS * len(pairs), budget - spent), max(left, 0))
            changed = now.map(refine, pairs, lambda pair: False)
            idle = 0 if any(changed) else idle + 1

    def refined(
        self, pair: Sequence[np.ndarray], limits: tuple[int, int, int, int]
    ) -> tuple[np.ndarray, ...]:
        """Channels and order of two groups after a visit of ``refine_pair``."""
        own = tuple(part.copy() for part in pair)
        refine_pair(self.codes, self.bits, self.search.cost, own[:2], own[2:], limits, self.stop)
        return own

    def as_they_are(
        self,
        channels: Sequence[np.ndarray],
        found: list[tuple[np.ndarray, int]],
        before: Sequence[np.ndarray] | None = None,
    ) -> list[tuple[np.ndarray, int]]:
        """What orders really cost, which a search that was cut short does not know.

        before : what it began with.
        """
        starts = [None] * len(found) if before is None else before
        choices = [[order] if start is None else [order, start] for (order, _), start in zip(found, starts)]
        return [
            min(((o, self.streamed(c, o)) for o in orders), key=lambda one: one[1])
            for c, orders in zip(channels, choices)
        ]

    def streamed(self, channels: np.ndarray, order: np.ndarray) -> int:
        """What ``order`` costs, step by step."""
        words, table = self.codes[order][:, channels], self.search.cost
        if table.size:
            return int(table[words[:-1], words[1:]].sum(dtype=np.int64))
        return stream_flips(words)
