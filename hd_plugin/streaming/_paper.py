"""Algorithms 1 and 2 as the paper has them (sections 4.2 and 4.3), with the array's capacity added to 2."""

from __future__ import annotations

import numpy as np

from hd_plugin.streaming._clusters import group_distances
from hd_plugin.streaming._distances import stream_costs
from hd_plugin.streaming._paths import greedy_path, path_cost

__all__ = ["algorithm1", "algorithm2"]

HAMMING = np.zeros((0, 0), np.int32)  # "no table": the kernels then count bits


def algorithm1(codes: np.ndarray, bits: int, table: np.ndarray = HAMMING, start: int = 0) -> np.ndarray:
    """Greedy order of codes uint16[K, C]: from ``start`` to the nearest channel left; ties: lowest index."""
    return greedy_path(group_distances(codes, np.arange(codes.shape[1]), bits, table), start)


def algorithm2(
    codes: np.ndarray, bits: int, rows: int, iterations: int = 20, seed: int = 0, table: np.ndarray = HAMMING
) -> tuple[list[np.ndarray], list[np.ndarray], np.ndarray]:
    """Cluster-then-reorder: (channels of each cluster, order of each, flips after every iteration int64[N]).

    codes uint16[K, C]. The paper's clusters may grow without limit; an array has ``rows`` rows, so the
    assignment step solves the balanced assignment exactly (scipy's linear_sum_assignment). Orders come from
    Algorithm 1.
    """
    from scipy.optimize import linear_sum_assignment

    C = codes.shape[1]
    count = -(-C // rows)
    rng = np.random.default_rng(seed)
    orders = [algorithm1(codes[:, [c]], bits, table) for c in rng.choice(C, size=count, replace=False)]
    history = []
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
        distances = [group_distances(codes, clusters[g], bits, table) for g in kept]
        for g, d in zip(kept, distances):
            orders[g] = greedy_path(d, 0)
        history.append(sum(int(path_cost(d, orders[g])) for g, d in zip(kept, distances)))
    return [clusters[g] for g in kept], [orders[g] for g in kept], np.array(history, np.int64)
