"""Studies on one layer: convergence and size of clusters (Figures 5(a) and 5(c)), and the address table's
cost (section 5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hd_plugin._ratios import times
from hd_plugin.energy import AddressLut, Mac, PsumHop, StationaryRegister, Technology, WeightHop, price
from hd_plugin.engines import Array, analytic_counts
from hd_plugin.hardware import address_bits
from hd_plugin.streaming import Jobs, algorithm2, flips, optimize
from hd_plugin.weights import Layer, Network

__all__ = [
    "ClusterSize",
    "Convergence",
    "LayerStudies",
    "TableCost",
    "convergence",
    "flips_by_size",
    "layer_studies",
]

_QUICK = 40_000  # channel pairs, C * K
_RUNS, _ITERATIONS = 20, 15
_GROUPED = ("segment", "cluster")


@dataclass(frozen=True, eq=False)
class Convergence:
    """Flips of Algorithm 2 / flips in file order, from random starts: float[runs, iterations + 1].

    curves[:, 0] : channels dealt into clusters at random, each in Algorithm 1's order; curves[:, n] : after
    iteration n. What falls from 0 on is what clustering adds to reordering.
    """

    layer: str
    curves: np.ndarray


@dataclass(frozen=True)
class ClusterSize:
    """HD reduction against channels per cluster, one entry per size."""

    layer: str
    sizes: tuple[int, ...]
    segment: tuple[float, ...]
    cluster: tuple[float, ...]


@dataclass(frozen=True)
class TableCost:
    """What the address table costs and saves on square arrays of ``sizes``.

    datapath_J : by method, one entry per size, the table included; table_J : its share. table_um2 : of two
    banks of K entries (one loads while the other is read); array_um2 : of the PEs. The table pays where a
    method takes less datapath energy, its table included, than ``direct``, which needs none. pays_at : by
    method, all sizes where it does. It need not pay on the largest: an array with a row for every channel
    leaves one group, and with it nothing to gain over ``direct``.
    """

    layer: str
    sizes: tuple[int, ...]
    entries: int
    entry_bits: int
    table_um2: float
    array_um2: tuple[float, ...]
    datapath_J: Mapping[str, tuple[float, ...]]
    table_J: Mapping[str, tuple[float, ...]]

    @property
    def pays_at(self) -> dict[str, tuple[int, ...]]:
        """Sizes where the table pays, by method."""
        without = self.datapath_J["direct"]
        return {
            method: tuple(
                size for size, own, other in zip(self.sizes, self.datapath_J[method], without) if own < other
            )
            for method in self.table_J
        }

    @property
    def pays_from(self) -> dict[str, int | None]:
        """The smallest size where the table pays, by method; None where it pays on none of ``sizes``."""
        return {method: min(sizes, default=None) for method, sizes in self.pays_at.items()}

    def to_dict(self) -> dict[str, Any]:
        """``studies.table_cost`` in compare.json."""
        told: dict[str, Any] = _plain(asdict(self))
        return told | {"pays_at": _plain(self.pays_at), "pays_from": self.pays_from}


@dataclass(frozen=True, eq=False)
class LayerStudies:
    """All studies, of the layer that shows them best; table_cost : None for a layer of one output channel."""

    convergence: Convergence
    cluster_size: ClusterSize
    table_cost: TableCost | None

    def to_dict(self) -> dict[str, Any]:
        """``studies`` in compare.json."""
        curves = {"layer": self.convergence.layer, "curves": self.convergence.curves.tolist()}
        out = {"convergence": curves, "cluster_size": _plain(asdict(self.cluster_size))}
        return out | ({"table_cost": self.table_cost.to_dict()} if self.table_cost else {})


def _plain(value: Any) -> Any:
    """Tuples as lists, as JSON has them."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _first_tap(layer: Layer) -> Layer:
    """The layer's first filter tap as a 1x1 layer: clustering treats taps alike, so one shows it."""
    codes = layer.codes[:, :, :1, :1]
    return Layer(layer.name, codes, layer.bits, layer.number_format, output_hw=layer.output_hw)


def convergence(layer: Layer, rows: int = 8, seed: int = 0, jobs: Jobs | None = None) -> Convergence:
    """Algorithm 2 on the layer's first tap, from 20 random starts."""
    tap = _first_tap(layer)
    codes, before = np.ascontiguousarray(tap.codes[:, :, 0, 0], np.uint16), flips(tap)
    curves = (
        (jobs or Jobs())
        .named(f"{layer.name}: convergence")
        .map(
            lambda run: algorithm2(codes, layer.bits, rows, _ITERATIONS, seed + run)[2],
            range(_RUNS),
            lambda run: np.full(_ITERATIONS + 1, before),
        )
    )
    return Convergence(layer.name, np.stack(curves) / max(before, 1))


def flips_by_size(
    layer: Layer, sizes: tuple[int, ...], effort: str = "local", seed: int = 0, jobs: Jobs | None = None
) -> dict[str, tuple[int, ...]]:
    """Flips of the layer's first tap under segment and cluster on arrays of ``sizes`` rows, one entry per
    size.
    """
    tap = _first_tap(layer)
    work = [(method, size) for method in _GROUPED for size in sizes]
    made = (
        (jobs or Jobs())
        .named(f"{layer.name}: channels per cluster")
        .map(
            lambda w: flips(tap, optimize(tap, w[1], w[0], effort, seed, jobs=Jobs(1))),
            work,
            lambda w: flips(tap),
        )
    )
    return {m: tuple(made[i * len(sizes) : (i + 1) * len(sizes)]) for i, m in enumerate(_GROUPED)}


def _table_cost(
    layer: Layer,
    sizes: tuple[int, ...],
    made: Mapping[str, tuple[int, ...]],
    array: Array,
    technology: Technology,
    seed: int,
) -> TableCost:
    """Widths as in ``array``; made : ``flips_by_size``."""
    tap = _first_tap(layer)
    direct, most = flips(tap, optimize(tap, array.rows, "direct", seed=seed)), tap.C * (tap.K - 1) * tap.bits
    bits, w = address_bits(tap.K), array.widths(tap.bits)
    datapath: dict[str, tuple[float, ...]] = {}
    table: dict[str, tuple[float, ...]] = {}
    for method in ("baseline", "direct", *_GROUPED):
        energies = []
        for i, size in enumerate(sizes):
            lut = method in made
            total = made[method][i] if lut else direct if method == "direct" else flips(tap)
            square = array.model_copy(update={"rows": size, "cols": size})
            counts = analytic_counts(tap, square, -(-tap.C // size), lut)
            rate, lut_bits = total / most, bits if lut else 0
            energies.append(price(counts, rate, w, technology, pes=size * size, lut_bits=lut_bits))
        datapath[method] = tuple(e.datapath_J for e in energies)
        if method in made:
            table[method] = tuple(e.lut_J for e in energies)
    pe = (
        Mac(technology, 0.5, w.weight, w.activation, w.psum),
        WeightHop(technology, 0.5, w.weight),
        PsumHop(technology, 0.5, w.psum),
        StationaryRegister(technology, w.activation),
    )
    return TableCost(
        layer.name,
        sizes,
        tap.K,
        bits,
        AddressLut(technology, 2 * tap.K, bits).area_um2,
        tuple(size * size * sum(part.area_um2 for part in pe) for size in sizes),
        datapath,
        table,
    )


def layer_studies(
    network: Network, array: Array, technology: Technology, seed: int = 0, jobs: Jobs | None = None
) -> LayerStudies:
    """All studies, on a layer with C >= K if any (where clusters matter): the largest that takes seconds, not
    minutes.
    """
    best = max(
        network.layers, key=lambda la: (array.rows < la.C, la.C * la.K <= _QUICK, la.C >= la.K, la.C * la.K)
    )
    sizes = tuple(s for s in (1, 2, 4, 8, 16, 32, 64) if s <= best.C)
    made = flips_by_size(best, sizes, seed=seed, jobs=jobs)
    before = flips(_first_tap(best))
    reductions = {m: tuple(times(before, f) for f in made[m][1:]) for m in made}  # one channel is no cluster
    cost = _table_cost(best, sizes, made, array, technology, seed) if best.K > 1 else None
    return LayerStudies(
        convergence(best, array.rows, seed, jobs),
        ClusterSize(best.name, sizes[1:], reductions["segment"], reductions["cluster"]),
        cost,
    )
