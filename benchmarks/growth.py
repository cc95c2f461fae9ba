"""CPU time of distances and orders as K and C grow, over the time of the distances alone with BLAS."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.cases import SEED, random_codes
from hd_plugin.streaming._clusters import group_distances
from hd_plugin.streaming._distances import NEVER
from hd_plugin.streaming._paper import HAMMING
from hd_plugin.streaming._paths import greedy_path
from hd_plugin.streaming._search import shortest_path

COLUMNS = [
    "K",
    "C",
    "groups",
    "BLAS distances ms",
    "distances / BLAS",
    "+ Algorithm 1 / BLAS",
    "+ local order / BLAS",
]
_BITS, _ROWS = 4, 8


def _seconds(work: Callable[[], object]) -> float:
    """CPU time of one run, the best of three."""
    best = np.inf
    for _ in range(3):
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return best


def run(quick: bool = False) -> Iterator[list[str]]:
    for K, C in [(32, 64), (64, 64), (128, 64), (256, 64), (512, 64), (1024, 64), (128, 256), (128, 1024)]:
        if quick and K * C > 10_000:
            continue
        codes = random_codes(K, C)
        cuts = [np.arange(s, s + _ROWS) for s in range(0, C, _ROWS)]
        signs = [
            np.concatenate([(codes[:, c] >> b & 1) for b in range(_BITS)], axis=1).astype(np.float32) * 2 - 1
            for c in cuts
        ]

        def blas() -> None:
            for s in signs:
                (s.shape[1] - s @ s.T) / 2

        def ours() -> list[np.ndarray]:
            return [group_distances(codes, c, _BITS, HAMMING, NEVER) for c in cuts]

        matrices = ours()

        def greedy() -> list[np.ndarray]:
            return [greedy_path(d, 0) for d in matrices]

        def local() -> None:
            for d, o in zip(matrices, greedy()):
                shortest_path(d, o, 8, 4 * K, SEED, NEVER)

        local()
        base, d, g, full = _seconds(blas), _seconds(ours), _seconds(greedy), _seconds(local)
        yield [
            str(K),
            str(C),
            str(len(cuts)),
            f"{1e3 * base:.2f}",
            f"{d / base:.2f}",
            f"{(d + g) / base:.2f}",
            f"{(d + full) / base:.1f}",
        ]
