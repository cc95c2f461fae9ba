"""Compiled search for short Hamiltonian paths: 2-opt and Or-opt inside an iterated local search.

A trial swaps two neighbouring stretches of the tour somewhere and repairs around that place only; when that does
not pay, the journal is played backwards. All randomness comes from one xorshift state: same seed, same path.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hd_plugin.streaming._paths import EXACT, exact_path, neighbour_lists, path_cost
from hd_plugin.streaming._tour import distance, exchange, pred, push, random_below, relocate, succ, undo

__all__ = ["optimise_path", "shortest_path"]

_SEGMENT = 3  # longest stretch moved as a whole (Or-opt)
_KICK = 10  # longest stretch swapped by a kick (a local double bridge)
_JOURNAL = 4096  # exchanges that one descent may make before it is called again


@njit(cache=True, nogil=True)
def _two_opt(d, near, near_d, tour, pos, t1, t2, forward, journal, used):
    """Open edge (t1, t2) and take the first exchange of two edges that gains: (gain, journal length)."""
    K = d.shape[0]
    if t2 == K:
        return np.int32(0), used
    removed = distance(d, t1, t2)
    for c in range(-1, near.shape[1]):
        left = removed - (near_d[t2, c] if c >= 0 else 0)  # -1: the dummy, at distance 0 of all
        if left <= 0:
            break
        t3 = near[t2, c] if c >= 0 else K
        t4 = pred(tour, pos, t3) if forward else succ(tour, pos, t3)
        if t3 == t1 or t4 == t2:
            continue
        gain = left + distance(d, t3, t4) - distance(d, t4, t1)
        if gain > 0:
            return gain, exchange(tour, pos, t1, t2, t3, t4, journal, used)
    return np.int32(0), used


@njit(cache=True, nogil=True)
def _move_stretch(d, near, near_d, tour, pos, u, queue, queued, tail_at, journal, used):
    """Or-opt: move a stretch of 1..3 cities that ends in ``u`` so that u touches one of its neighbours."""
    K = d.shape[0]
    n = tour.size
    if u == K:
        return np.int32(0), used, tail_at
    for way in range(2):
        c, t = u, u
        for length in range(1, _SEGMENT + 1):
            if n < length + 3:
                break
            if length > 1:
                if way == 0:
                    t = succ(tour, pos, t)
                else:
                    c = pred(tour, pos, c)
            b, a = pred(tour, pos, c), succ(tour, pos, t)
            freed = distance(d, b, c) + distance(d, t, a) - distance(d, b, a)
            if freed <= 0:
                continue
            other = t if way == 0 else c
            for k in range(-1, near.shape[1]):
                joined = near_d[u, k] if k >= 0 else np.int32(0)
                if joined >= freed:
                    break
                x = near[u, k] if k >= 0 else K
                offset = pos[x] - pos[c]
                if offset < 0:
                    offset += n
                if offset < length:  # x lies inside the stretch
                    continue
                for side in range(2):
                    if side == 0:
                        e, f = x, succ(tour, pos, x)
                    else:
                        e, f = pred(tour, pos, x), x
                    if f == c or e == t:
                        continue
                    gain = freed - joined - distance(d, other, f if side == 0 else e) + distance(d, e, f)
                    if gain > 0:
                        used = relocate(tour, pos, b, c, t, a, e, f, (side == 0) == (way == 0), journal, used)
                        tail_at = push(queue, queued, push(queue, queued, tail_at, b), c)
                        tail_at = push(queue, queued, push(queue, queued, tail_at, t), a)
                        tail_at = push(queue, queued, push(queue, queued, tail_at, e), f)
                        return gain, used, tail_at
    return np.int32(0), used, tail_at


@njit(cache=True, nogil=True)
def _descend(d, near, near_d, tour, pos, queue, queued, head, tail_at, journal, used):
    """Improve until no queued city has an improving move: (total gain, journal length)."""
    total = np.int64(0)
    while head < tail_at:
        t1 = queue[head & (queue.size - 1)]
        head += 1
        queued[t1] = False
        again = True
        while again and used < _JOURNAL - 64:
            again = False
            for side in range(2):
                t2 = succ(tour, pos, t1) if side == 0 else pred(tour, pos, t1)
                before = used
                gain, used = _two_opt(d, near, near_d, tour, pos, t2, t1, side == 1, journal, used)
                if gain > 0:
                    for step in range(before, used):
                        for end in range(4):
                            tail_at = push(queue, queued, tail_at, journal[step, end])
                    total += gain
                    again = True
                    break
            if not again:
                gain, used, tail_at = _move_stretch(
                    d, near, near_d, tour, pos, t1, queue, queued, tail_at, journal, used
                )
                if gain > 0:
                    total += gain
                    again = True
    return total, used


@njit(cache=True, nogil=True, inline="always")
def _wrap(p, n):
    return p if p < n else p - n


@njit(cache=True, nogil=True)
def optimise_path(d, order, neighbours, kicks, seed):
    """Shorten the path ``order`` over int32 distances ``d[K, K]`` with ``kicks`` perturbations: int64[K].

    K > EXACT. Never longer than the path given. Ties are accepted, so that the search drifts over plateaus.
    """
    K = d.shape[0]
    n = K + 1
    near, near_d = neighbour_lists(d, min(neighbours, K - 1))
    tour = np.empty(n, np.int32)
    pos = np.empty(n, np.int32)
    for i in range(K):
        tour[i] = order[i]
    tour[K] = K
    for i in range(n):
        pos[tour[i]] = i
    size = 1
    while size < n:
        size *= 2
    queue = np.empty(size, np.int32)  # a ring; a power of two, so that a mask wraps it
    queued = np.zeros(n, np.bool_)
    journal = np.empty((_JOURNAL, 4), np.int32)
    tail = 0
    for i in range(n):
        tail = push(queue, queued, tail, tour[i])
    gain = np.int64(1)
    while gain > 0:  # a full journal ends a descent early: go on until nothing is gained
        gain, _ = _descend(d, near, near_d, tour, pos, queue, queued, 0, tail, journal, 0)
        tail = 0
        if gain > 0:
            for i in range(n):
                tail = push(queue, queued, tail, tour[i])
    queued[:] = False
    state = np.empty(1, np.uint64)
    state[0] = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x1234567)
    longest = min(_KICK, (n - 2) // 2)
    for _ in range(kicks):
        p = random_below(state, n)
        first = 1 + random_below(state, longest)
        second = 1 + random_below(state, longest)
        b, c = tour[p], tour[_wrap(p + 1, n)]
        t, a = tour[_wrap(p + first, n)], tour[_wrap(p + first + 1, n)]
        e, f = tour[_wrap(p + first + second, n)], tour[_wrap(p + first + second + 1, n)]
        if f == b:
            continue
        loss = (
            distance(d, b, a)
            + distance(d, e, c)
            + distance(d, t, f)
            - distance(d, b, c)
            - distance(d, t, a)
            - distance(d, e, f)
        )
        used = relocate(tour, pos, b, c, t, a, e, f, True, journal, 0)
        tail = push(queue, queued, push(queue, queued, 0, b), c)
        tail = push(queue, queued, push(queue, queued, tail, t), a)
        tail = push(queue, queued, push(queue, queued, tail, e), f)
        won, used = _descend(d, near, near_d, tour, pos, queue, queued, 0, tail, journal, used)
        if won < loss:
            undo(tour, pos, journal, used, 0)
    result = np.empty(K, np.int64)
    at = pos[K]
    for i in range(K):
        at += 1
        if at == n:
            at = 0
        result[i] = tour[at]
    if result[0] > result[K - 1]:  # a path and its reverse cost the same: keep one of the two
        result = result[::-1].copy()
    return result


@njit(cache=True, nogil=True)
def shortest_path(d, order, neighbours, kicks, seed):
    """The best path found over ``d[K, K]``, never longer than ``order``: int64[K].

    Channels at distance 0 (the same words) are merged first: under a metric they stand together in some
    shortest path, and left apart they fill each other's neighbour lists and blind the search.
    """
    K = d.shape[0]
    head = np.full(K, -1, np.int64)  # the first channel, in `order`, with the same words
    chosen = np.empty(K, np.int64)
    count = 0
    for at in range(K):
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
        path = optimise_path(small, order, neighbours, kicks, seed)
    else:
        path = optimise_path(small, np.arange(count), neighbours, kicks, seed)
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
