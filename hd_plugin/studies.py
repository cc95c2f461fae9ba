"""Two studies of clustering on one layer: the paper's Figures 5(a) and 5(c)."""
from __future__ import annotations

from typing import Any

import numpy as np

from hd_plugin.streaming import Jobs, Progress, algorithm2, flips, optimize
from hd_plugin.weights import Layer, Network

__all__ = ["cluster_size", "convergence", "run_studies"]

_QUICK = 40_000      # channel pairs, C * K


def _first_tap(layer: Layer) -> Layer:
    """The layer's first filter tap as a 1x1 layer: clustering treats taps alike, so one shows it."""
    return Layer(layer.name, layer.codes[:, :, :1, :1], layer.bits, layer.number_format)


def convergence(layer: Layer, rows: int = 8, runs: int = 20, iterations: int = 15, seed: int = 0,
                threads: int | None = None, progress: Progress | None = None) -> np.ndarray:
    """Flips of Algorithm 2 after each iteration over unoptimised flips, from ``runs`` random starts: float[runs, iterations]."""
    tap = _first_tap(layer)
    codes = np.ascontiguousarray(tap.codes[:, :, 0, 0], np.uint16)
    jobs = Jobs(threads, progress, f"{layer.name}: convergence")
    curves = jobs.map(lambda run: algorithm2(codes, layer.bits, rows, iterations, seed + run)[2], range(runs),
                      lambda run: np.full(iterations, flips(tap)))
    return np.stack(curves) / max(flips(tap), 1)


def cluster_size(layer: Layer, sizes: list[int], effort: str = "local", seed: int = 0, threads: int | None = None,
                 progress: Progress | None = None) -> dict[str, list[float]]:
    """HD reduction against channels per cluster: {"segment": [...], "cluster": [...]}, one entry per size."""
    tap = _first_tap(layer)
    work = [(method, size) for method in ("segment", "cluster") for size in sizes]
    jobs = Jobs(threads, progress, f"{layer.name}: channels per cluster")
    made = jobs.map(lambda w: flips(tap, optimize(tap, w[1], w[0], effort, seed, threads=1)), work, lambda w: flips(tap))
    ratio = [flips(tap) / max(m, 1) for m in made]
    return {"segment": ratio[:len(sizes)], "cluster": ratio[len(sizes):]}


def run_studies(network: Network, rows: int, seed: int, threads: int | None, progress: Progress | None) -> dict[str, Any]:
    """Both studies, on a layer with C >= K if any (where clusters matter): the largest that takes seconds, not minutes."""
    best = max(network.layers, key=lambda la: (la.C > rows, la.C * la.K <= _QUICK, la.C >= la.K, la.C * la.K))
    sizes = [s for s in (2, 4, 8, 16, 32, 64) if s <= best.C]
    return {"convergence": {"layer": best.name,
                            "curves": convergence(best, rows, seed=seed, threads=threads, progress=progress).tolist()},
            "cluster_size": {"layer": best.name, "sizes": sizes,
                             **cluster_size(best, sizes, seed=seed, threads=threads, progress=progress)}}
