"""Distances between the words of a group, and what one channel costs under an order. Compiled."""

from __future__ import annotations

import numpy as np

from hd_plugin.bits._compiled import compiled
from hd_plugin.bits._popcount import popcount

__all__ = ["NEVER", "hamming_distances", "stream_costs", "table_distances"]

NEVER = np.zeros(1, np.uint8)  # the ``stop`` of work that nobody ends


@compiled()
def hamming_distances(packed, stop):
    """HD between every two rows of uint64[K, W], codes packed side by side: int32[K, K].

    All 0 where ``stop[0]`` ended it.
    """
    K, W = packed.shape
    d = np.empty((K, K), np.int32)
    if W == 1:
        words = packed[:, 0].copy()
        for i in range(K):
            if stop[0]:
                break
            x = words[i]
            for j in range(K):
                d[i, j] = popcount(x ^ words[j])
    else:
        for i in range(K):
            if stop[0]:
                break
            for j in range(i + 1):
                total = np.uint64(0)
                for w in range(W):
                    total += popcount(packed[i, w] ^ packed[j, w])
                d[i, j] = total
                d[j, i] = total
    if stop[0]:
        d[:] = 0
    return d


@compiled()
def table_distances(codes, cost, stop):
    """Transition cost summed over the rows, for codes [K, rows] and a table int32[L, L]: int32[K, K].

    All 0 where ``stop[0]`` ended it.
    """
    K, rows = codes.shape
    d = np.zeros((K, K), np.int32)
    for r in range(rows):
        for i in range(K):
            if stop[0]:
                break
            line = cost[codes[i, r]]
            for j in range(K):
                d[i, j] += line[codes[j, r]]
    if stop[0]:
        d[:] = 0
    return d


@compiled()
def stream_costs(codes, order):
    """Flips of every channel of codes [K, C] streamed on its own in ``order``: int64[C]."""
    K, C = codes.shape
    total = np.zeros(C, np.int64)
    for j in range(K - 1):
        a, b = codes[order[j]], codes[order[j + 1]]
        for c in range(C):
            total[c] += popcount(np.uint64(a[c] ^ b[c]))
    return total
