"""Compiled shortest paths through the levels of a weight: codes that trade error against flips, exactly.

The words of a group share their order, so its rows are independent streams of one length: they run side by
side in the innermost loops.
"""

from __future__ import annotations

import numpy as np

from hd_plugin.bits._compiled import compiled

__all__ = ["round_columns", "round_streams", "round_streams_table", "round_with_feedback"]

_BLOCK = 32  # columns whose reach fits into a core's cache beside each other


@compiled()
def _emit(target, importance, value, cost):
    """cost[x, r] += importance[r] * (target[r] - value[x])**2; a level that is not allowed has value inf."""
    for x in range(value.size):
        if np.isinf(value[x]):
            for r in range(target.size):
                cost[x, r] = np.inf
        else:
            for r in range(target.size):
                d = target[r] - value[x]
                cost[x, r] += importance[r] * d * d


@compiled()
def round_streams(target, importance, value, mu):
    """Codes int64[T, n] that minimise the sum of importance * (target - value[code])**2 + mu * flips.

    Each column by itself. target, importance : float64[T, n]. value : float64[L], L = 2**bits, inf where a
    code may not be used. The cheapest way between two levels, mu per flipped bit, is found bit by bit: bits *
    L steps instead of L * L.
    """
    T, n = target.shape
    L = value.size
    reach = np.zeros((T, L, n))  # the cost of the best stream that ends in a level
    _emit(target[0], importance[0], value, reach[0])
    for k in range(1, T):
        d = reach[k]
        d[:] = reach[k - 1]
        bit = 1
        while bit < L:
            for x in range(L):
                if not x & bit:
                    for r in range(n):
                        low, high = d[x, r], d[x | bit, r]
                        d[x, r] = min(low, high + mu)
                        d[x | bit, r] = min(high, low + mu)
            bit <<= 1
        _emit(target[k], importance[k], value, d)
    weight = np.zeros((L, L))
    for x in range(L):
        for y in range(L):
            rest = x ^ y
            while rest:
                weight[x, y] += mu
                rest &= rest - 1
    return _walk_back(reach, weight)


@compiled()
def round_streams_table(target, importance, value, weight):
    """``round_streams`` for any transition cost: weight float64[L, L], symmetric, zero on its diagonal."""
    T, n = target.shape
    L = value.size
    reach = np.zeros((T, L, n))
    _emit(target[0], importance[0], value, reach[0])
    for k in range(1, T):
        d = reach[k]
        d[:] = np.inf
        for x in range(L):
            for y in range(L):
                step = weight[y, x]
                for r in range(n):
                    d[x, r] = min(d[x, r], reach[k - 1, y, r] + step)
        _emit(target[k], importance[k], value, d)
    return _walk_back(reach, weight)


@compiled()
def round_columns(target, importance, value, mu, weight, stop):
    """Any number of streams side by side, a block at a time; by the table ``weight`` unless its size is 0.

    Codes 0 for what was not begun when ``stop[0]`` ended it.
    """
    T, n = target.shape
    codes = np.zeros((T, n), np.int64)
    for start in range(0, n, _BLOCK):
        if stop[0]:
            break
        end = min(n, start + _BLOCK)
        some, weigh = (
            np.ascontiguousarray(target[:, start:end]),
            np.ascontiguousarray(importance[:, start:end]),
        )
        if weight.size:
            codes[:, start:end] = round_streams_table(some, weigh, value, weight)
        else:
            codes[:, start:end] = round_streams(some, weigh, value, mu)
    return codes


@compiled()
def round_with_feedback(target, upper, orders, value, mu, unit, stop):
    """Codes int64[K, N]; each column's rounding error is made good by the columns after it.

    target : float64[K, N], overwritten. upper : float64[N, N], the Cholesky factor U of the inverse Hessian =
    U' U (Frantar et al. 2022, GPTQ: an error e in column j moves column i > j by -e U[j, i] / U[j, j], and
    costs e**2 / U[j, j]**2 in the end, here in units of ``unit``). orders : int64[N, K], how each column
    streams. stop : not 0 ends it, and leaves codes 0.
    """
    K, N = target.shape
    codes = np.zeros((K, N), np.int64)
    column, importance = np.empty((K, 1)), np.empty((K, 1))
    for j in range(N):
        if stop[0]:
            break
        importance[:] = 1.0 / (upper[j, j] * upper[j, j]) / unit
        for k in range(K):
            column[k, 0] = target[orders[j, k], j]
        chosen = round_streams(column, importance, value, mu)
        for k in range(K):
            codes[orders[j, k], j] = chosen[k, 0]
        for k in range(K):
            error = (target[k, j] - value[codes[k, j]]) / upper[j, j]
            for i in range(j + 1, N):
                target[k, i] -= error * upper[j, i]
    return codes


@compiled()
def _walk_back(reach, weight):
    """The codes of the best streams, last to first; of several the one that stays, else the lowest code."""
    T, L, n = reach.shape
    codes = np.zeros((T, n), np.int64)
    for r in range(n):
        last = 0
        for x in range(1, L):
            if reach[T - 1, x, r] < reach[T - 1, last, r]:
                last = x
        codes[T - 1, r] = last
        for k in range(T - 2, -1, -1):
            best = last
            for x in range(L):
                if reach[k, x, r] + weight[x, last] < reach[k, best, r] + weight[best, last]:
                    best = x
            last = best
            codes[k, r] = last
    return codes
