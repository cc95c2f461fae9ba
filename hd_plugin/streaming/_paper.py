"""Algorithms 1 and 2 as the paper has them (sections 4.2 and 4.3), with the array's capacity added to 2."""

from __future__ import annotations

import numpy as np

from hd_plugin.streaming._clusters import group_distances
from hd_plugin.streaming._distances import NEVER, stream_costs
from hd_plugin.streaming._paths import greedy_path, path_cost

__all__ = ["algorithm1", "algorithm2"]

HAMMING = np.zeros((0, 0), np.int32)  # "no table": the kernels then count bits


def algorithm1(codes: np.ndarray, bits: int, table: np.ndarray = HAMMING, start: int = 0) -> np.ndarray:
    """Greedy order of codes uint16[K, C]: from ``start`` to the nearest channel left; ties: lowest index."""
    return greedy_path(group_distances(codes, np.arange(codes.shape[1]), bits, table, NEVER), start)


def algorithm2(
    codes: np.ndarray,
    bits: int,
    rows: int,
    iterations: int = 20,
    seed: int = 0,
    table: np.ndarray = HAMMING,
    stop: np.ndarray = NEVER,
) -> tuple[list[np.ndarray], list[np.ndarray], np.ndarray]:
    """Cluster-then-reorder: (channels of each cluster, order of each, flips int64[iterations + 1]).

    codes uint16[K, C]. The paper's clusters may grow without limit; an array has ``rows`` rows, so the
    assignment step solves the balanced assignment exactly (scipy's linear_sum_assignment). Orders come from
    Algorithm 1. flips : [0] of channels dealt into full clusters at random, each in Algorithm 1's order, so
    of no clustering at all; [n] after iteration n. stop : ``Jobs.flag``; not 0 ends it after
    an iteration.
    """
    from scipy.optimize import linear_sum_assignment

    C = codes.shape[1]
    count = -(-C // rows)
    rng = np.random.default_rng(seed)
    orders = [algorithm1(codes[:, [c]], bits, table) for c in rng.choice(C, size=count, replace=False)]
    dealt = np.array_split(rng.permutation(C), range(rows, C, rows))
    history = [sum(_greedy(codes, channels, bits, table)[1] for channels in dealt)]
    for _ in range(iterations):
        if table.shape[0]:
            cost = np.stack(
                [table[codes[o][:-1], codes[o][1:]].sum(axis=0, dtype=np.int64) for o in orders], axis=1
            )
        else:
            cost = np.stack([stream_costs(codes, o) for o in orders], axis=1)
        _, slot = linear_sum_assignment(np.repeat(cost, rows, axis=1))
        group = slot // rows
        clusters = [np.flatnonzero(group == g) for g in range(count)]
        kept = [g for g in range(count) if clusters[g].size]
        found = [_greedy(codes, clusters[g], bits, table) for g in kept]
        for g, (order, _) in zip(kept, found):
            orders[g] = order
        history.append(sum(flips for _, flips in found))
        if stop[0]:
            break
    return [clusters[g] for g in kept], [orders[g] for g in kept], np.array(history, np.int64)


def _greedy(codes: np.ndarray, channels: np.ndarray, bits: int, table: np.ndarray) -> tuple[np.ndarray, int]:
    """Algorithm 1's order of a cluster, and the flips under it."""
    distances = group_distances(codes, channels, bits, table, NEVER)
    order = greedy_path(distances, 0)
    return order, int(path_cost(distances, order))
