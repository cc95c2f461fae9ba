"""Paths over the channels of a group: cost, the paper's greedy order, exact orders if small. Compiled."""

from __future__ import annotations

import numpy as np

from hd_plugin.bits._compiled import compiled

__all__ = ["EXACT", "exact_path", "greedy_path", "neighbour_lists", "path_cost"]

EXACT = 8  # up to here dynamic programming is as quick as a search, and exact


@compiled()
def path_cost(d, order):
    """Sum of ``d[order[j], order[j+1]]``: int64."""
    total = np.int64(0)
    for j in range(order.size - 1):
        total += d[order[j], order[j + 1]]
    return total


@compiled()
def greedy_path(d, start):
    """The paper's Algorithm 1: from ``start`` to the nearest channel left, the lowest index on a tie."""
    K = d.shape[0]
    left = np.arange(K)
    order = np.empty(K, np.int64)
    order[0] = start
    left = left[left != start]
    size = K - 1
    for i in range(1, K):
        row = d[order[i - 1]]
        best, at = row[left[0]], 0
        for j in range(1, size):
            if row[left[j]] < best:
                best, at = row[left[j]], j
        order[i] = left[at]
        for j in range(at, size - 1):  # keep `left` sorted: ties go to the lowest index
            left[j] = left[j + 1]
        size -= 1
    return order


@compiled()
def neighbour_lists(d, m):
    """int32[2, K, m]: the ``m`` nearest channels of each and their distances; lowest index on a tie.

    Nearest first. The distances stand beside, so that a search that looks no further touches no distance
    matrix.
    """
    K = d.shape[0]
    lists = np.empty((2, K, m), np.int32)
    for i in range(K):
        count = 0
        row = d[i]
        near, dist = lists[0, i], lists[1, i]
        worst = np.int32(2147483647)
        for j in range(K):
            x = row[j]
            if x >= worst or j == i:
                continue
            at = count if count < m else m - 1
            while at > 0 and dist[at - 1] > x:
                dist[at] = dist[at - 1]
                near[at] = near[at - 1]
                at -= 1
            dist[at] = x
            near[at] = j
            if count < m:
                count += 1
            if count == m:
                worst = dist[m - 1]
    return lists


@compiled()
def exact_path(d):
    """A shortest path by dynamic programming over subsets (Held and Karp 1962), for K <= EXACT: int64[K]."""
    K = d.shape[0]
    full = (1 << K) - 1
    cost = np.full((full + 1, K), np.int64(1) << 60)
    came = np.zeros((full + 1, K), np.int8)
    for i in range(K):
        cost[1 << i, i] = 0
    for seen in range(1, full + 1):
        for last in range(K):
            here = cost[seen, last]
            if not seen >> last & 1 or here >= np.int64(1) << 60:
                continue
            for to in range(K):
                if not seen >> to & 1 and here + d[last, to] < cost[seen | 1 << to, to]:
                    cost[seen | 1 << to, to] = here + d[last, to]
                    came[seen | 1 << to, to] = last
    order = np.empty(K, np.int64)
    last = 0
    for i in range(K):
        if cost[full, i] < cost[full, last]:
            last = i
    seen = full
    for i in range(K - 1, -1, -1):
        order[i] = last
        seen, last = seen & ~(1 << last), came[seen, last]
    return order
