"""A certified lower bound on the flips of any order: the Held-Karp 1-tree bound. Compiled."""

from __future__ import annotations

import numpy as np

from hd_plugin.bits._compiled import compiled

__all__ = ["path_lower_bound"]

_SCALE = 64  # node prices are multiples of 1/64, in integers: the bound has no rounding error


@compiled()
def _one_tree(d, price, key, parent, degree):
    """Weight (times _SCALE) and degrees of the cheapest 1-tree under node prices.

    The special node is the dummy that closes a path to a tour: its edges to channel i cost ``price[i]``.
    """
    K = d.shape[0]
    far = np.int32(2147483647)
    for j in range(K):
        degree[j] = 0
        key[j] = far
        parent[j] = -1
    done = np.zeros(K, np.bool_)
    i = 0
    done[0] = True
    total = np.int64(0)
    for _ in range(K - 1):
        row = d[i]
        mine = price[i]
        here = np.int32(i)
        low = far
        for j in range(K):
            w = row[j] * np.int32(_SCALE) + mine + price[j]
            old = key[j]
            closer = w < old and not done[j]
            key[j] = w if closer else old
            parent[j] = here if closer else parent[j]
        for j in range(K):
            v = far if done[j] else key[j]
            low = v if v < low else low
        i = 0
        while done[i] or key[i] != low:
            i += 1
        done[i] = True
        total += low
        degree[i] += 1
        degree[parent[i]] += 1
    a, b = -1, -1
    for j in range(K):
        if a < 0 or price[j] < price[a]:
            a, b = j, a
        elif b < 0 or price[j] < price[b]:
            b = j
    degree[a] += 1
    degree[b] += 1
    return total + price[a] + price[b]


@compiled()
def path_lower_bound(d, upper, rounds, stop):
    """No path over int32 distances ``d[K, K]`` is shorter than this: int64.

    Subgradient ascent (Held, Wolfe, Crowder 1974) for ``rounds`` rounds; ``upper`` is the length of a known
    path, for the step size. Integer arithmetic throughout, and path lengths are integers, so it rounds up.
    ``stop[0]`` ends it, with a bound that is loose.
    """
    K = d.shape[0]
    if K < 2:
        return np.int64(0)
    if K == 2:
        return np.int64(d[0, 1])
    price = np.zeros(K, np.int32)
    best_price = np.zeros(K, np.int32)
    key = np.empty(K, np.int32)
    parent = np.empty(K, np.int32)
    degree = np.empty(K, np.int32)
    last = np.zeros(K, np.float64)
    move = np.empty(K, np.float64)
    best = np.int64(-1)
    size = 1.0
    stale = 0
    for _ in range(rounds):
        if stop[0]:
            break
        weight = _one_tree(d, price, key, parent, degree)
        norm = 0.0
        for j in range(K):
            weight -= 2 * np.int64(price[j])
            move[j] = 0.7 * (degree[j] - 2) + 0.3 * last[j]
            last[j] = degree[j] - 2
            norm += move[j] * move[j]
        if weight > best:
            best = weight
            stale = 0
            best_price[:] = price
        else:
            stale += 1
            if stale >= 8:
                size *= 0.6
                stale = 0
                price[:] = best_price
                last[:] = 0.0
                continue
        if best > (upper - 1) * np.int64(_SCALE) or norm == 0.0 or size < 1e-3:
            break
        step = size * max(upper * _SCALE * 1.0 - weight, 1.0) / norm
        for j in range(K):
            price[j] += np.int32(np.rint(step * move[j]))
    if best < 0:
        return np.int64(0)
    return min((best + _SCALE - 1) // _SCALE, np.int64(upper))
