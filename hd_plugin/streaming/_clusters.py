"""Compiled parts of clustering: which input channels should share a group.

Channels whose bit planes agree (or disagree) everywhere flip together under any order, so a group of them
behaves like fewer wires. ``similar_groups`` groups channels by that, ``refine_pair`` then swaps channels
between two groups and keeps a swap when both groups, re-ordered, flip fewer bits.
"""

from __future__ import annotations

import numpy as np

from hd_plugin.bits._compiled import compiled
from hd_plugin.bits._popcount import popcount
from hd_plugin.streaming._distances import hamming_distances, table_distances
from hd_plugin.streaming._paths import path_cost
from hd_plugin.streaming._search import shortest_path
from hd_plugin.streaming._tour import random_below

__all__ = ["channel_similarity", "group_distances", "refine_pair", "similar_groups"]

_CHANNELS = 1024  # whose products are made at once
_CHANCE = 3.0  # how far chance may move a swap in the queue, in standard deviations of their scores


def channel_similarity(codes: np.ndarray, bits: int, stop: np.ndarray) -> np.ndarray:
    """How alike channels' bit planes are over codes [K, C]: float32[C, C], squared covariances summed.

    Squared, since a plane and its complement flip at the same moments. stop : not 0 ends it, and leaves 0.
    """
    K, C = codes.shape
    planes = np.stack([(codes >> b) & 1 for b in range(bits)], axis=1).astype(np.float32)
    planes -= planes.mean(axis=0)
    flat = planes.transpose(2, 1, 0).reshape(C * bits, K)
    similarity = np.zeros((C, C), np.float32)
    for start in range(0, C, _CHANNELS):  # in blocks: their products are many times what comes of them
        if stop[0]:
            break
        square = (flat[start * bits : (start + _CHANNELS) * bits] @ flat.T) ** 2
        similarity[start : start + _CHANNELS] = square.reshape(-1, bits, C, bits).sum(axis=(1, 3)) / K
    return similarity


@compiled()
def similar_groups(similarity, rows, sweeps, stop):
    """Group of every channel, int64[C], at most ``rows`` each: swaps that raise the likeness inside groups.

    Starts from the segments; every channel in turn takes its best swap; deterministic.
    """
    C = similarity.shape[0]
    count = (C + rows - 1) // rows
    group = np.arange(C) // rows
    affinity = np.zeros((C, count))
    for c in range(C):
        for e in range(C):
            if e != c:
                affinity[c, group[e]] += similarity[c, e]
    for _ in range(sweeps):
        moved = False
        for a in range(C):
            if stop[0]:
                return group
            best, partner = 1e-6, -1
            for b in range(C):
                if group[a] != group[b]:
                    gain = (
                        affinity[a, group[b]]
                        + affinity[b, group[a]]
                        - 2 * similarity[a, b]
                        - affinity[a, group[a]]
                        - affinity[b, group[b]]
                    )
                    if gain > best:
                        best, partner = gain, b
            if partner < 0:
                continue
            moved = True
            b = partner
            ga, gb = group[a], group[b]
            for c in range(C):
                sa = similarity[c, a] if c != a else np.float32(0)
                sb = similarity[c, b] if c != b else np.float32(0)
                affinity[c, ga] += sb - sa
                affinity[c, gb] += sa - sb
            group[a], group[b] = gb, ga
        if not moved:
            break
    return group


@compiled()
def group_distances(codes, channels, bits, table, stop):
    """What each step between output channels costs on ``channels``: int32[K, K].

    All 0 where ``stop[0]`` ended it.
    """
    if table.shape[0] > 0:
        return table_distances(codes[:, channels], table, stop)
    K, rows = codes.shape[0], channels.size
    per = 64 // bits
    packed = np.zeros((K, (rows + per - 1) // per), np.uint64)
    for r in range(rows):
        w, shift = r // per, np.uint64((r % per) * bits)
        for k in range(K):
            packed[k, w] |= np.uint64(codes[k, channels[r]]) << shift
    return hamming_distances(packed, stop)


@compiled()
def _promising(codes, table, first, second, order1, order2, state):
    """All swaps, a * second.size + b: those first that cost least under the present orders, chance aside."""
    cost1, cost2 = (
        _channel_costs(codes, table, order1, first, second),
        _channel_costs(codes, table, order2, first, second),
    )
    n, m = first.size, second.size
    score = np.empty(n * m)
    for a in range(n):
        for b in range(m):
            score[a * m + b] = cost1[n + b] - cost1[a] + cost2[a] - cost2[n + b]
    spread = _CHANCE * score.std()
    for s in range(n * m):  # chance lets every swap have its turn in some round
        score[s] += spread * (random_below(state, 2048) / 1024.0 - 1.0)
    return np.argsort(score)


@compiled()
def _channel_costs(codes, table, order, first, second):
    """Cost of each channel of both groups, streamed on its own in ``order``: float64[n + m]."""
    n, m = first.size, second.size
    total = np.zeros(n + m)
    for j in range(order.size - 1):
        x, y = codes[order[j]], codes[order[j + 1]]
        for c in range(n + m):
            channel = first[c] if c < n else second[c - n]
            if table.shape[0] > 0:
                total[c] += table[x[channel], y[channel]]
            else:
                total[c] += popcount(np.uint64(x[channel] ^ y[channel]))
    return total


@compiled()
def refine_pair(codes, bits, table, one, two, limits, stop):
    """Swap channels between two groups while that shortens the sum of both paths.

    codes uint16[K, C]. ``one``, ``two``: (channels int64, order int64[K]) of the groups, changed in place.
    ``table`` int32[L, L], or [0, 0] for Hamming distance. ``limits``: (swaps tried, neighbours, kicks, seed)
    of the searches. Returns the two new costs. Never worse than what it was given, also where ``stop[0]``
    ends it.
    """
    first, order1 = one
    second, order2 = two
    trials, neighbours, kicks, seed = limits
    state = np.empty(1, np.uint64)
    state[0] = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x51ED27)
    cost1 = path_cost(group_distances(codes, first, bits, table, stop), order1)
    cost2 = path_cost(group_distances(codes, second, bits, table, stop), order2)
    visit = _promising(codes, table, first, second, order1, order2, state)
    for trial in range(min(trials, visit.size)):
        a, b = visit[trial] // second.size, visit[trial] % second.size
        first[a], second[b] = second[b], first[a]
        # a descent without kicks sorts out most swaps; only near misses are worth a real search
        old = cost1 + cost2
        near_miss = old + old // 64
        d1 = group_distances(codes, first, bits, table, stop)
        new1 = shortest_path(d1, order1, neighbours, 0, seed, stop)
        c1 = path_cost(d1, new1)
        new2 = order2
        c2 = old
        if c1 < cost1 + cost2 // 32:
            d2 = group_distances(codes, second, bits, table, stop)
            new2 = shortest_path(d2, order2, neighbours, 0, seed, stop)
            c2 = path_cost(d2, new2)
            if old <= c1 + c2 < near_miss:
                new1 = shortest_path(d1, new1, neighbours, kicks, seed, stop)
                new2 = shortest_path(d2, new2, neighbours, kicks, seed, stop)
                c1, c2 = path_cost(d1, new1), path_cost(d2, new2)
        if c1 + c2 < old and not stop[0]:
            cost1, cost2 = c1, c2
            order1[:] = new1
            order2[:] = new2
        else:
            first[a], second[b] = second[b], first[a]
        if stop[0]:
            break
    return cost1, cost2
