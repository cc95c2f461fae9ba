"""Compiled search for short Hamiltonian paths: 2-opt and Or-opt inside an iterated local search.

A trial swaps two neighbouring stretches of the tour somewhere and repairs around that place only; when that
does not pay, the journal is played backwards. All randomness comes from one xorshift state: same seed, same
path.
"""

from __future__ import annotations

import numpy as np

from hd_plugin.bits._compiled import compiled
from hd_plugin.streaming._paths import EXACT, exact_path, neighbour_lists, path_cost
from hd_plugin.streaming._tour import (
    JOURNAL,
    distance,
    exchange,
    make_queue,
    make_tour,
    pred,
    push,
    random_below,
    relocate,
    succ,
    undo,
)

__all__ = ["optimise_path", "shortest_path"]

_SEGMENT = 3  # longest stretch moved as a whole (Or-opt)
_KICK = 10  # longest stretch swapped by a kick (a local double bridge)


@compiled()
def _two_opt(d, near, tour, edge, forward, journal, used):
    """Open the ``edge`` (t1, t2) and take the first exchange that gains: (gain, journal length)."""
    K = d.shape[0]
    t1, t2 = edge
    if t2 == K:
        return np.int32(0), used
    removed = distance(d, t1, t2)
    for c in range(-1, near.shape[2]):
        left = removed - (near[1, t2, c] if c >= 0 else 0)  # -1: the dummy, at distance 0 of all
        if left <= 0:
            break
        t3 = near[0, t2, c] if c >= 0 else K
        t4 = pred(tour, t3) if forward else succ(tour, t3)
        if t3 == t1 or t4 == t2:
            continue
        gain = left + distance(d, t3, t4) - distance(d, t4, t1)
        if gain > 0:
            return gain, exchange(tour, t1, t2, t3, t4, journal, used)
    return np.int32(0), used


@compiled()
def _move_stretch(d, near, tour, queue, u, journal, marks):
    """Or-opt: move a stretch of 1..3 cities that ends in ``u`` so that u touches one of its neighbours."""
    K = d.shape[0]
    n = tour.shape[1]
    used, tail_at = marks
    if u == K:
        return np.int32(0), used, tail_at
    for way in range(2):
        c, t = u, u
        for length in range(1, _SEGMENT + 1):
            if n < length + 3:
                break
            if length > 1:
                if way == 0:
                    t = succ(tour, t)
                else:
                    c = pred(tour, c)
            b, a = pred(tour, c), succ(tour, t)
            freed = distance(d, b, c) + distance(d, t, a) - distance(d, b, a)
            if freed <= 0:
                continue
            other = t if way == 0 else c
            for k in range(-1, near.shape[2]):
                joined = near[1, u, k] if k >= 0 else np.int32(0)
                if joined >= freed:
                    break
                x = near[0, u, k] if k >= 0 else K
                offset = tour[1, x] - tour[1, c]
                if offset < 0:
                    offset += n
                if offset < length:  # x lies inside the stretch
                    continue
                for side in range(2):
                    if side == 0:
                        e, f = x, succ(tour, x)
                    else:
                        e, f = pred(tour, x), x
                    if f == c or e == t:
                        continue
                    gain = freed - joined - distance(d, other, f if side == 0 else e) + distance(d, e, f)
                    if gain > 0:
                        used = relocate(tour, (b, c, t, a), (e, f), (side == 0) == (way == 0), journal, used)
                        return gain, used, _push_ends(queue, tail_at, (b, c, t, a), (e, f))
    return np.int32(0), used, tail_at


@compiled(inline="always")
def _push_ends(queue, tail_at, stretch, gap):
    """The cities whose edges a move of ``stretch`` into ``gap`` has changed."""
    b, c, t, a = stretch
    e, f = gap
    tail_at = push(queue, push(queue, tail_at, b), c)
    tail_at = push(queue, push(queue, tail_at, t), a)
    return push(queue, push(queue, tail_at, e), f)


@compiled()
def _descend(d, near, tour, queue, journal, marks, stop):
    """Improve until no queued city has an improving move, or ``stop[0]``: (total gain, journal length)."""
    total = np.int64(0)
    tail_at, used = marks
    head = 0
    while head < tail_at and not stop[0]:
        t1 = queue[0, head & (queue.shape[1] - 1)]
        head += 1
        queue[1, t1] = 0
        again = True
        while again and used < JOURNAL - 64:
            again = False
            for side in range(2):
                t2 = succ(tour, t1) if side == 0 else pred(tour, t1)
                before = used
                gain, used = _two_opt(d, near, tour, (t2, t1), side == 1, journal, used)
                if gain > 0:
                    for step in range(before, used):
                        for end in range(4):
                            tail_at = push(queue, tail_at, journal[step, end])
                    total += gain
                    again = True
                    break
            if not again:
                gain, used, tail_at = _move_stretch(d, near, tour, queue, t1, journal, (used, tail_at))
                if gain > 0:
                    total += gain
                    again = True
    return total, used


@compiled(inline="always")
def _wrap(p, n):
    return p if p < n else p - n


@compiled()
def _settle(d, near, tour, queue, journal, stop):
    """Descend from every city until nothing is gained: a full journal ends a descent early."""
    gain = np.int64(1)
    while gain > 0:
        tail = 0
        for city in tour[0]:
            tail = push(queue, tail, city)
        gain, _ = _descend(d, near, tour, queue, journal, (tail, 0), stop)
    queue[1] = 0


@compiled()
def _kick(d, near, tour, queue, journal, state, stop):
    """Swap two neighbouring stretches somewhere and repair around them; what does not pay is undone."""
    cities = tour[0]
    n = cities.size
    longest = min(_KICK, (n - 2) // 2)
    p = random_below(state, n)
    first = 1 + random_below(state, longest)
    second = 1 + random_below(state, longest)
    b, c = cities[p], cities[_wrap(p + 1, n)]
    t, a = cities[_wrap(p + first, n)], cities[_wrap(p + first + 1, n)]
    e, f = cities[_wrap(p + first + second, n)], cities[_wrap(p + first + second + 1, n)]
    if f == b:
        return
    loss = distance(d, b, a) + distance(d, e, c) + distance(d, t, f)
    loss -= distance(d, b, c) + distance(d, t, a) + distance(d, e, f)
    used = relocate(tour, (b, c, t, a), (e, f), True, journal, 0)
    tail = _push_ends(queue, 0, (b, c, t, a), (e, f))
    won, used = _descend(d, near, tour, queue, journal, (tail, used), stop)
    if won < loss:
        undo(tour, journal, used)


@compiled()
def optimise_path(d, order, neighbours, kicks, seed, stop):
    """Shorten the path ``order`` over int32 distances ``d[K, K]`` with ``kicks`` perturbations: int64[K].

    K > EXACT. Never longer than the path given. Ties are accepted, so that the search drifts over plateaus.
    stop : uint8[1]; not 0 ends the search where it is.
    """
    K = d.shape[0]
    near = neighbour_lists(d, min(neighbours, K - 1))
    tour, journal = make_tour(order), np.empty((JOURNAL, 4), np.int32)
    queue = make_queue(K + 1)
    _settle(d, near, tour, queue, journal, stop)
    state = np.empty(1, np.uint64)
    state[0] = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x1234567)
    for _ in range(kicks):
        if stop[0]:
            break
        _kick(d, near, tour, queue, journal, state, stop)
    result = np.empty(K, np.int64)
    at = tour[1, K]
    for i in range(K):
        at = _wrap(at + 1, K + 1)
        result[i] = tour[0, at]
    if result[0] > result[K - 1]:  # a path and its reverse cost the same: keep one of the two
        result = result[::-1].copy()
    return result


@compiled()
def shortest_path(d, order, neighbours, kicks, seed, stop):
    """The best path found over ``d[K, K]``, never longer than ``order``: int64[K].

    Channels at distance 0 (the same words) are merged first: under a metric they stand together in some
    shortest path, and left apart they fill each other's neighbour lists and blind the search.
    """
    K = d.shape[0]
    head = np.full(K, -1, np.int64)  # the first channel, in `order`, with the same words
    chosen = np.empty(K, np.int64)
    count = 0
    for at in range(K):
        if stop[0]:
            return order.copy()
        i = order[at]
        for u in range(count):
            if d[i, chosen[u]] == 0:
                head[i] = chosen[u]
                break
        if head[i] < 0:
            head[i] = i
            chosen[count] = i
            count += 1
    if count == K:
        small = d
    else:
        small = np.empty((count, count), np.int32)
        for a in range(count):
            for b in range(count):
                small[a, b] = d[chosen[a], chosen[b]]
    if count <= EXACT:
        path = exact_path(small)
    elif count == K:  # `order` itself, in the numbering of `small`
        path = optimise_path(small, order, neighbours, kicks, seed, stop)
    else:
        path = optimise_path(small, np.arange(count), neighbours, kicks, seed, stop)
    if count == K:
        result = path.astype(np.int64)
    else:
        result = np.empty(K, np.int64)
        out = 0
        for u in range(count):
            for i in range(K):
                if head[i] == chosen[path[u]]:
                    result[out] = i
                    out += 1
    if path_cost(d, result) > path_cost(d, order):
        return order.copy()  # possible only with costs that break the triangle inequality
    return result
