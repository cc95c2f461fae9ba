"""A tour that changes by exchanges of two edges, each of them journaled so that it can be undone. Compiled.

A path over K channels is a closed tour over K + 1 cities, city K being a dummy at distance 0 of all others.
``tour`` int32[2, K + 1] holds the cities in order, and below them the position of each. ``queue`` int32[2,
size] holds the cities to look at, a ring, and below it which cities are in it. ``journal`` int32[JOURNAL, 4]
holds the exchanges. One array each, not several: that is what the compiler keeps in registers best.
"""

from __future__ import annotations

import numpy as np

from hd_plugin.bits._compiled import compiled

__all__ = [
    "JOURNAL",
    "distance",
    "exchange",
    "make_queue",
    "make_tour",
    "pred",
    "push",
    "random_below",
    "relocate",
    "succ",
    "undo",
]

JOURNAL = 4096  # exchanges that one descent may make before it is called again


@compiled()
def make_tour(order):
    """The path ``order``, closed by the dummy."""
    K = order.size
    tour = np.empty((2, K + 1), np.int32)
    for i in range(K):
        tour[0, i] = order[i]
    tour[0, K] = K
    for i in range(K + 1):
        tour[1, tour[0, i]] = i
    return tour


@compiled()
def make_queue(cities):
    """An empty queue for ``cities`` cities; a power of two long, so that a mask wraps the ring."""
    size = 1
    while size < cities:
        size *= 2
    return np.zeros((2, size), np.int32)


@compiled(inline="always")
def distance(d, a, b):
    K = d.shape[0]
    if a == K or b == K:
        return np.int32(0)
    return d[a, b]


@compiled(inline="always")
def succ(tour, c):
    p = tour[1, c] + 1
    return tour[0, p] if p < tour.shape[1] else tour[0, 0]


@compiled(inline="always")
def pred(tour, c):
    p = tour[1, c]
    return tour[0, p - 1] if p > 0 else tour[0, tour.shape[1] - 1]


@compiled()
def _reverse(tour, i, j):
    """Reverse the cyclic stretch of positions i..j, or, the same cycle, the rest when that is shorter."""
    n = tour.shape[1]
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
        a, b = tour[0, i], tour[0, j]
        tour[0, i], tour[0, j] = b, a
        tour[1, a], tour[1, b] = j, i
        i += 1
        if i == n:
            i = 0
        j -= 1
        if j < 0:
            j = n - 1


@compiled()
def exchange(tour, t1, t2, t3, t4, journal, used):
    """Replace edges (t1, t2), (t3, t4) by (t2, t3), (t1, t4); t4: on the side of t3 that keeps one cycle."""
    if succ(tour, t1) == t2:
        i, j = tour[1, t2], tour[1, t4]
    else:
        i, j = tour[1, t4], tour[1, t2]
    _reverse(tour, i, j)
    # the same exchange is undone by the cities now at the ends of the reversed stretch
    journal[used, 0], journal[used, 1], journal[used, 2], journal[used, 3] = t1, t4, t3, t2
    return used + 1


@compiled()
def undo(tour, journal, used):
    """Play the journal backwards."""
    while used > 0:
        used -= 1
        t1, t2, t4 = journal[used, 0], journal[used, 1], journal[used, 3]
        if succ(tour, t1) == t2:
            _reverse(tour, tour[1, t2], tour[1, t4])
        else:
            _reverse(tour, tour[1, t4], tour[1, t2])


@compiled()
def relocate(tour, stretch, gap, straight, journal, used):
    """Move a stretch c..t in between the cities e, f of ``gap``: e-t..c-f, or e-c..t-f when ``straight``.

    stretch : (b, c, t, a), the cities at its ends between their neighbours.
    """
    b, c, t, a = stretch
    e, f = gap
    used = exchange(tour, b, c, f, e, journal, used)
    used = exchange(tour, b, e, t, a, journal, used)
    if straight:
        used = exchange(tour, e, t, f, c, journal, used)
    return used


@compiled(inline="always")
def push(queue, tail_at, city):
    if not queue[1, city]:
        queue[1, city] = 1
        queue[0, tail_at & (queue.shape[1] - 1)] = city
        tail_at += 1
    return tail_at


@compiled(inline="always")
def random_below(state, below):
    x = state[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    state[0] = x
    return np.int64(((x >> np.uint64(32)) * np.uint64(below)) >> np.uint64(32))
