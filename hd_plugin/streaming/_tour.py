"""A tour that changes by exchanges of two edges, each of them journaled so that it can be undone. Compiled.

A path over K channels is a closed tour over K + 1 cities, city K being a dummy at distance 0 of all others.
``tour`` int32[K + 1] holds the cities in order, ``pos`` int32[K + 1] the position of each.
"""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["distance", "exchange", "pred", "push", "random_below", "relocate", "succ", "undo"]


@njit(cache=True, nogil=True, inline="always")
def distance(d, a, b):
    K = d.shape[0]
    if a == K or b == K:
        return np.int32(0)
    return d[a, b]


@njit(cache=True, nogil=True, inline="always")
def succ(tour, pos, c):
    p = pos[c] + 1
    return tour[p] if p < tour.size else tour[0]


@njit(cache=True, nogil=True, inline="always")
def pred(tour, pos, c):
    p = pos[c]
    return tour[p - 1] if p > 0 else tour[tour.size - 1]


@njit(cache=True, nogil=True)
def _reverse(tour, pos, i, j):
    """Reverse the cyclic stretch of positions i..j, or, the same cycle, the rest when that is shorter."""
    n = tour.size
    length = j - i + 1
    if length <= 0:
        length += n
    if 2 * length > n:
        i, j = j + 1, i - 1
        if i == n:
            i = 0
        if j < 0:
            j = n - 1
        length = n - length
    for _ in range(length // 2):
        a, b = tour[i], tour[j]
        tour[i], tour[j] = b, a
        pos[a], pos[b] = j, i
        i += 1
        if i == n:
            i = 0
        j -= 1
        if j < 0:
            j = n - 1


@njit(cache=True, nogil=True)
def exchange(tour, pos, t1, t2, t3, t4, journal, used):
    """Replace edges (t1, t2), (t3, t4) by (t2, t3), (t1, t4); t4 is on the side of t3 that keeps one cycle."""
    if succ(tour, pos, t1) == t2:
        i, j = pos[t2], pos[t4]
    else:
        i, j = pos[t4], pos[t2]
    _reverse(tour, pos, i, j)
    # the same exchange is undone by the cities now at the ends of the reversed stretch
    journal[used, 0], journal[used, 1], journal[used, 2], journal[used, 3] = t1, t4, t3, t2
    return used + 1


@njit(cache=True, nogil=True)
def undo(tour, pos, journal, used, down_to):
    while used > down_to:
        used -= 1
        t1, t2, t3, t4 = journal[used, 0], journal[used, 1], journal[used, 2], journal[used, 3]
        if succ(tour, pos, t1) == t2:
            _reverse(tour, pos, pos[t2], pos[t4])
        else:
            _reverse(tour, pos, pos[t4], pos[t2])
    return used


@njit(cache=True, nogil=True)
def relocate(tour, pos, b, c, t, a, e, f, straight, journal, used):
    """Move the stretch c..t (between b and a) in between e and f: e-t..c-f, or e-c..t-f when ``straight``."""
    used = exchange(tour, pos, b, c, f, e, journal, used)
    used = exchange(tour, pos, b, e, t, a, journal, used)
    if straight:
        used = exchange(tour, pos, e, t, f, c, journal, used)
    return used


@njit(cache=True, nogil=True, inline="always")
def push(queue, queued, tail_at, city):
    if not queued[city]:
        queued[city] = True
        queue[tail_at & (queue.size - 1)] = city
        tail_at += 1
    return tail_at


@njit(cache=True, nogil=True, inline="always")
def random_below(state, below):
    x = state[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    state[0] = x
    return np.int64(((x >> np.uint64(32)) * np.uint64(below)) >> np.uint64(32))
