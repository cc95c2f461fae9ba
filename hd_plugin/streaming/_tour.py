"""Compiled search for short Hamiltonian paths: 2-opt and Or-opt inside an iterated local search.

A path over K channels is a closed tour over K + 1 cities, city K being a dummy at distance 0 of all others.
Every change of the tour is a reversal of a stretch of it, kept in a journal, so that a failed trial is undone
by reversing the same stretches backwards. All randomness comes from one xorshift state: same seed, same tour.
"""
from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["EXACT", "exact_path", "greedy_path", "neighbour_lists", "optimise_path", "path_cost", "shortest_path"]

_SEGMENT = 3        # longest stretch moved as a whole (Or-opt)
_KICK = 10          # longest stretch swapped by a kick (a local double bridge)
_JOURNAL = 4096
EXACT = 8           # up to here dynamic programming is as quick and exact


@njit(cache=True, nogil=True)
def path_cost(d, order):
    """Sum of ``d[order[j], order[j+1]]``: int64."""
    total = np.int64(0)
    for j in range(order.size - 1):
        total += d[order[j], order[j + 1]]
    return total


@njit(cache=True, nogil=True)
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
        for j in range(at, size - 1):      # keep `left` sorted: ties go to the lowest index
            left[j] = left[j + 1]
        size -= 1
    return order


@njit(cache=True, nogil=True)
def neighbour_lists(d, m):
    """The ``m`` nearest channels of each, nearest first, lowest index on a tie: int32[K, m]."""
    K = d.shape[0]
    near = np.empty((K, m), np.int32)
    dist = np.empty(m, np.int32)
    for i in range(K):
        count = 0
        row = d[i]
        worst = np.int32(2147483647)
        for j in range(K):
            x = row[j]
            if x >= worst or j == i:
                continue
            at = count if count < m else m - 1
            while at > 0 and dist[at - 1] > x:
                dist[at] = dist[at - 1]
                near[i, at] = near[i, at - 1]
                at -= 1
            dist[at] = x
            near[i, at] = j
            if count < m:
                count += 1
            if count == m:
                worst = dist[m - 1]
    return near


@njit(cache=True, nogil=True, inline="always")
def _dist(d, a, b):
    K = d.shape[0]
    if a == K or b == K:
        return np.int32(0)
    return d[a, b]


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


@njit(cache=True, nogil=True, inline="always")
def _succ(tour, pos, c):
    p = pos[c] + 1
    return tour[p] if p < tour.size else tour[0]


@njit(cache=True, nogil=True, inline="always")
def _pred(tour, pos, c):
    p = pos[c]
    return tour[p - 1] if p > 0 else tour[tour.size - 1]


@njit(cache=True, nogil=True)
def _exchange(tour, pos, t1, t2, t3, t4, journal, used):
    """Replace edges (t1, t2), (t3, t4) by (t2, t3), (t1, t4); t4 is on the side of t3 that keeps one cycle."""
    if _succ(tour, pos, t1) == t2:
        i, j = pos[t2], pos[t4]
    else:
        i, j = pos[t4], pos[t2]
    _reverse(tour, pos, i, j)
    # the same exchange is undone by the cities now at the ends of the reversed stretch
    journal[used, 0], journal[used, 1], journal[used, 2], journal[used, 3] = t1, t4, t3, t2
    return used + 1


@njit(cache=True, nogil=True)
def _undo(tour, pos, journal, used, down_to):
    while used > down_to:
        used -= 1
        t1, t2, t3, t4 = journal[used, 0], journal[used, 1], journal[used, 2], journal[used, 3]
        if _succ(tour, pos, t1) == t2:
            _reverse(tour, pos, pos[t2], pos[t4])
        else:
            _reverse(tour, pos, pos[t4], pos[t2])
    return used


@njit(cache=True, nogil=True)
def _two_opt(d, near, tour, pos, t1, t2, forward, journal, used):
    """Open edge (t1, t2) and take the first exchange of two edges that gains: (gain, journal length)."""
    K = d.shape[0]
    if t2 == K:
        return np.int32(0), used
    removed = _dist(d, t1, t2)
    for c in range(-1, near.shape[1]):
        t3 = K if c < 0 else near[t2, c]
        left = removed - _dist(d, t2, t3)
        if left <= 0:
            break
        t4 = _pred(tour, pos, t3) if forward else _succ(tour, pos, t3)
        if t3 == t1 or t4 == t2:
            continue
        gain = left + _dist(d, t3, t4) - _dist(d, t4, t1)
        if gain > 0:
            return gain, _exchange(tour, pos, t1, t2, t3, t4, journal, used)
    return np.int32(0), used


@njit(cache=True, nogil=True)
def _relocate(tour, pos, b, c, t, a, e, f, straight, journal, used):
    """Move the stretch c..t (between b and a) in between e and f: e-t..c-f, or e-c..t-f when ``straight``."""
    used = _exchange(tour, pos, b, c, f, e, journal, used)
    used = _exchange(tour, pos, b, e, t, a, journal, used)
    if straight:
        used = _exchange(tour, pos, e, t, f, c, journal, used)
    return used


@njit(cache=True, nogil=True)
def _move_stretch(d, near, tour, pos, u, queue, queued, tail_at, journal, used):
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
                    t = _succ(tour, pos, t)
                else:
                    c = _pred(tour, pos, c)
            b, a = _pred(tour, pos, c), _succ(tour, pos, t)
            freed = _dist(d, b, c) + _dist(d, t, a) - _dist(d, b, a)
            if freed <= 0:
                continue
            other = t if way == 0 else c
            for k in range(-1, near.shape[1]):
                x = K if k < 0 else near[u, k]
                joined = _dist(d, u, x)
                if joined >= freed:
                    break
                offset = pos[x] - pos[c]
                if offset < 0:
                    offset += n
                if offset < length:          # x lies inside the stretch
                    continue
                for side in range(2):
                    if side == 0:
                        e, f = x, _succ(tour, pos, x)
                    else:
                        e, f = _pred(tour, pos, x), x
                    if f == c or e == t:
                        continue
                    gain = freed - joined - _dist(d, other, f if side == 0 else e) + _dist(d, e, f)
                    if gain > 0:
                        used = _relocate(tour, pos, b, c, t, a, e, f, (side == 0) == (way == 0), journal, used)
                        tail_at = _push(queue, queued, _push(queue, queued, tail_at, b), c)
                        tail_at = _push(queue, queued, _push(queue, queued, tail_at, t), a)
                        tail_at = _push(queue, queued, _push(queue, queued, tail_at, e), f)
                        return gain, used, tail_at
    return np.int32(0), used, tail_at


@njit(cache=True, nogil=True, inline="always")
def _push(queue, queued, tail_at, city):
    if not queued[city]:
        queued[city] = True
        queue[tail_at % queue.size] = city
        tail_at += 1
    return tail_at


@njit(cache=True, nogil=True)
def _descend(d, near, tour, pos, queue, queued, head, tail_at, journal, used):
    """Improve until no queued city has an improving move: (total gain, journal length)."""
    total = np.int64(0)
    while head < tail_at:
        t1 = queue[head % queue.size]
        head += 1
        queued[t1] = False
        again = True
        while again and used < _JOURNAL - 64:
            again = False
            for side in range(2):
                t2 = _succ(tour, pos, t1) if side == 0 else _pred(tour, pos, t1)
                before = used
                gain, used = _two_opt(d, near, tour, pos, t2, t1, side == 1, journal, used)
                if gain > 0:
                    for step in range(before, used):
                        for end in range(4):
                            tail_at = _push(queue, queued, tail_at, journal[step, end])
                    total += gain
                    again = True
                    break
            if not again:
                gain, used, tail_at = _move_stretch(d, near, tour, pos, t1, queue, queued, tail_at, journal, used)
                if gain > 0:
                    total += gain
                    again = True
    return total, used


@njit(cache=True, nogil=True, inline="always")
def _random(state, below):
    x = state[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    state[0] = x
    return np.int64((x >> np.uint64(11)) % np.uint64(below))


@njit(cache=True, nogil=True)
def optimise_path(d, order, neighbours, kicks, seed):
    """Shorten the path ``order`` over int32 distances ``d[K, K]`` with ``kicks`` perturbations: int64[K].

    K > EXACT. Never longer than the path given. Ties are accepted, so that the search drifts over plateaus.
    """
    K = d.shape[0]
    n = K + 1
    near = neighbour_lists(d, min(neighbours, K - 1))
    tour = np.empty(n, np.int32)
    pos = np.empty(n, np.int32)
    for i in range(K):
        tour[i] = order[i]
    tour[K] = K
    for i in range(n):
        pos[tour[i]] = i
    queue = np.empty(n, np.int32)
    queued = np.zeros(n, np.bool_)
    journal = np.empty((_JOURNAL, 4), np.int32)
    tail = 0
    for i in range(n):
        tail = _push(queue, queued, tail, tour[i])
    gain = np.int64(1)
    while gain > 0:                   # a full journal ends a descent early: go on until nothing is gained
        gain, _ = _descend(d, near, tour, pos, queue, queued, 0, tail, journal, 0)
        tail = 0
        if gain > 0:
            for i in range(n):
                tail = _push(queue, queued, tail, tour[i])
    queued[:] = False
    state = np.empty(1, np.uint64)
    state[0] = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x1234567)
    longest = min(_KICK, (n - 2) // 2)
    for _ in range(kicks):
        p = _random(state, n)
        first = 1 + _random(state, longest)
        second = 1 + _random(state, longest)
        b, c = tour[p], tour[(p + 1) % n]
        t, a = tour[(p + first) % n], tour[(p + first + 1) % n]
        e, f = tour[(p + first + second) % n], tour[(p + first + second + 1) % n]
        if f == b:
            continue
        loss = (_dist(d, b, a) + _dist(d, e, c) + _dist(d, t, f)
                - _dist(d, b, c) - _dist(d, t, a) - _dist(d, e, f))
        used = _relocate(tour, pos, b, c, t, a, e, f, True, journal, 0)
        tail = _push(queue, queued, _push(queue, queued, 0, b), c)
        tail = _push(queue, queued, _push(queue, queued, tail, t), a)
        tail = _push(queue, queued, _push(queue, queued, tail, e), f)
        won, used = _descend(d, near, tour, pos, queue, queued, 0, tail, journal, used)
        if won < loss:
            _undo(tour, pos, journal, used, 0)
    result = np.empty(K, np.int64)
    at = pos[K]
    for i in range(K):
        at += 1
        if at == n:
            at = 0
        result[i] = tour[at]
    if result[0] > result[K - 1]:     # a path and its reverse cost the same: keep one of the two
        result = result[::-1].copy()
    return result


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
def shortest_path(d, order, neighbours, kicks, seed):
    """The best path found over ``d[K, K]``, never longer than ``order``: int64[K].

    Channels at distance 0 (the same words) are merged first: under a metric they stand together in some
    shortest path, and left apart they fill each other's neighbour lists and blind the search.
    """
    K = d.shape[0]
    head = np.full(K, -1, np.int64)          # the first channel, in `order`, with the same words
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
    elif count == K:                        # `order` itself, in the numbering of `small`
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
        return order.copy()                 # possible only with costs that break the triangle inequality
    return result
