"""Trellis rounding: bit by bit (as used), level by level, and as plain numpy, on the same streams."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.cases import network
from hd_plugin.bits import hamming_table
from hd_plugin.streaming._levels import level_values, steps_of
from hd_plugin.streaming._viterbi import round_columns

COLUMNS = ["K", "C", "taps", "ns a weight", "level by level / ours", "numpy / ours"]
MU = 0.5


def plain(target: np.ndarray, value: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """All streams at once, a step of the dynamic program as one minimum over a [L, L, n] array."""
    T, n = target.shape
    reach, back = np.zeros((len(value), n)), np.zeros((T, len(value), n), np.int64)
    for k in range(T):
        if k:
            steps = reach[:, None, :] + weight[:, :, None]
            back[k] = steps.argmin(axis=0)
            reach = steps.min(axis=0)
        reach = reach + (target[k] - value[:, None]) ** 2
    codes = np.empty((T, n), np.int64)
    codes[-1] = reach.argmin(axis=0)
    for k in range(T - 1, 0, -1):
        codes[k - 1] = np.take_along_axis(back[k], codes[k][None], axis=0)[0]
    return codes


def seconds(work: Callable[[], np.ndarray], repeats: int) -> tuple[float, np.ndarray]:
    work()
    best = np.inf
    for _ in range(repeats):
        started = time.perf_counter()
        codes = work()
        best = min(best, time.perf_counter() - started)
    return best, codes


def run(quick: bool = False) -> Iterator[list[str]]:
    weight = MU * hamming_table(4).cost.astype(np.float64)
    for layer in network().layers[: 4 if quick else None : 4]:
        target, value = np.ascontiguousarray(steps_of(layer).reshape(layer.K, -1)), level_values(layer)
        ones, none = np.ones(target.shape), np.empty((0, 0))
        ours, codes = seconds(lambda: round_columns(target, ones, value, MU, none), 5)
        levels, same = seconds(lambda: round_columns(target, ones, value, MU, weight), 3)
        numpys, again = seconds(lambda: plain(target, value, weight), 1)

        def objective(c: np.ndarray) -> float:
            return float(((target - value[c]) ** 2).sum() + MU * np.bitwise_count(c[1:] ^ c[:-1]).sum())

        assert np.allclose([objective(same), objective(again)], objective(codes), rtol=1e-12)
        yield [
            str(layer.K),
            str(layer.C),
            str(layer.taps),
            f"{ours / target.size * 1e9:.0f}",
            f"{levels / ours:.1f}",
            f"{numpys / ours:.1f}",
        ]
