"""Studies on one layer: convergence and size of clusters (the paper's Figures 5(a) and 5(c)), and what the address table costs (section 5)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from hd_plugin.energy import AddressLut, Mac, PsumHop, StationaryRegister, Technology, WeightHop, price
from hd_plugin.engines import Array, analytic_counts
from hd_plugin.hardware import address_bits
from hd_plugin.streaming import Jobs, Progress, algorithm2, flips, optimize
from hd_plugin.weights import Layer, Network

__all__ = ["cluster_size", "convergence", "flips_by_size", "run_studies", "table_cost"]

_QUICK = 40_000  # channel pairs, C * K


def _first_tap(layer: Layer) -> Layer:
    """The layer's first filter tap as a 1x1 layer: clustering treats taps alike, so one shows it."""
    return Layer(layer.name, layer.codes[:, :, :1, :1], layer.bits, layer.number_format)


def convergence(
    layer: Layer,
    rows: int = 8,
    runs: int = 20,
    iterations: int = 15,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress | None = None,
) -> np.ndarray:
    """Flips of Algorithm 2 after each iteration over unoptimised flips, from ``runs`` random starts: float[runs, iterations]."""
    tap = _first_tap(layer)
    codes = np.ascontiguousarray(tap.codes[:, :, 0, 0], np.uint16)
    jobs = Jobs(threads, progress, f"{layer.name}: convergence")
    curves = jobs.map(
        lambda run: algorithm2(codes, layer.bits, rows, iterations, seed + run)[2],
        range(runs),
        lambda run: np.full(iterations, flips(tap)),
    )
    return np.stack(curves) / max(flips(tap), 1)


def flips_by_size(
    layer: Layer,
    sizes: list[int],
    effort: str = "local",
    seed: int = 0,
    threads: int | None = None,
    progress: Progress | None = None,
) -> dict[str, list[int]]:
    """Flips of the layer's first tap under segment and cluster on arrays of ``sizes`` rows, one entry per size."""
    tap = _first_tap(layer)
    work = [(method, size) for method in ("segment", "cluster") for size in sizes]
    jobs = Jobs(threads, progress, f"{layer.name}: channels per cluster")
    made = jobs.map(
        lambda w: flips(tap, optimize(tap, w[1], w[0], effort, seed, threads=1)), work, lambda w: flips(tap)
    )
    return {"segment": made[: len(sizes)], "cluster": made[len(sizes) :]}


def cluster_size(layer: Layer, sizes: list[int], made: dict[str, list[int]]) -> dict[str, list[float]]:
    """HD reduction against channels per cluster: {"segment": [...], "cluster": [...]}, one entry per size; made : ``flips_by_size``."""
    return {method: [flips(_first_tap(layer)) / max(m, 1) for m in made[method]] for method in made}


def table_cost(
    layer: Layer,
    sizes: list[int],
    made: dict[str, list[int]],
    array: Array,
    technology: Technology,
    effort: str = "local",
    seed: int = 0,
) -> dict[str, Any]:
    """What the address table costs and saves on square arrays of ``sizes``; widths as in ``array``, made : ``flips_by_size``.

    For each size: datapath energy (J, table included) under every method, of that the table's share, the table's area (um2, two banks
    of K entries, so that one loads while the other is read) and that of the PEs. pays_from : the smallest size from which on a
    method beats ``direct``, which needs no table; None when none does.
    """
    tap = replace(_first_tap(layer), output_hw=layer.output_hw)
    direct, most = (
        flips(tap, optimize(tap, array.rows, "direct", effort, seed)),
        tap.C * (tap.K - 1) * tap.bits,
    )
    bits, w = address_bits(tap.K), array.widths(tap.bits)
    pe = (
        Mac(technology, 0.5, w.weight, w.activation, w.psum),
        WeightHop(technology, 0.5, w.weight),
        PsumHop(technology, 0.5, w.psum),
        StationaryRegister(technology, w.activation),
    )
    out: dict[str, Any] = {
        "sizes": sizes,
        "entries": tap.K,
        "entry_bits": bits,
        "table_um2": AddressLut(technology, 2 * tap.K, bits).area_um2,
        "array_um2": [size * size * sum(part.area_um2 for part in pe) for size in sizes],
        "datapath_J": {},
        "table_J": {},
        "pays_from": {},
    }
    for method in ("baseline", "direct", "segment", "cluster"):
        energies = []
        for i, size in enumerate(sizes):
            lut = method in made
            total = made[method][i] if lut else direct if method == "direct" else flips(tap)
            counts = analytic_counts(tap, replace(array, rows=size, cols=size), -(-tap.C // size), lut)
            energies.append(
                price(counts, total / most, w, technology, pes=size * size, lut_bits=bits if lut else 0)
            )
        out["datapath_J"][method] = [e.datapath_J for e in energies]
        if method in made:
            out["table_J"][method] = [e.lut_J for e in energies]
            losing = [
                i
                for i, size in enumerate(sizes)
                if out["datapath_J"][method][i] >= out["datapath_J"]["direct"][i]
            ]
            first = max(losing) + 1 if losing else 0
            out["pays_from"][method] = sizes[first] if first < len(sizes) else None
    return out


def run_studies(
    network: Network,
    array: Array,
    technology: Technology,
    seed: int,
    threads: int | None,
    progress: Progress | None,
) -> dict[str, Any]:
    """All studies, on a layer with C >= K if any (where clusters matter): the largest that takes seconds, not minutes."""
    best = max(
        network.layers, key=lambda la: (array.rows < la.C, la.C * la.K <= _QUICK, la.C >= la.K, la.C * la.K)
    )
    sizes = [s for s in (1, 2, 4, 8, 16, 32, 64) if s <= best.C]
    made = flips_by_size(best, sizes, seed=seed, threads=threads, progress=progress)
    several = {method: found[1:] for method, found in made.items()}  # one channel is no cluster
    studies = {
        "convergence": {
            "layer": best.name,
            "curves": convergence(best, array.rows, seed=seed, threads=threads, progress=progress).tolist(),
        },
        "cluster_size": {"layer": best.name, "sizes": sizes[1:], **cluster_size(best, sizes[1:], several)},
    }
    if best.K > 1:
        studies["table_cost"] = {
            "layer": best.name,
            **table_cost(best, sizes, made, array, technology, seed=seed),
        }
    return studies
