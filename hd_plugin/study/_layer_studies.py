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

_QUICK = 40_000  # channel pairs, C * K, that a study takes in seconds
_LONGEST = 1000  # channels of either kind
_CUT = 200  # channels of either kind that stand for a layer beyond these
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
    """All studies, of the layer that shows them best; table_cost : None for a layer of one output channel.

    part : what of the layer they are about, where it is too large for all of it.
    """

    convergence: Convergence
    cluster_size: ClusterSize
    table_cost: TableCost | None
    part: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """``studies`` in compare.json."""
        curves = {"layer": self.convergence.layer, "curves": self.convergence.curves.tolist()}
        out = {"convergence": curves, "cluster_size": _plain(asdict(self.cluster_size))}
        out |= {"part": self.part} if self.part else {}
        return out | ({"table_cost": self.table_cost.to_dict()} if self.table_cost else {})


def _plain(value: Any) -> Any:
    """Tuples as lists, as JSON has them."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _studied(layer: Layer) -> Layer:
    """The layer's first filter tap as a 1x1 layer: clustering treats taps alike, so one shows it.

    Of a large layer the first channels: studies take the square of them, and worse.
    """
    most = None if _is_quick(layer) else _CUT
    codes = layer.codes[:most, :most, :1, :1]
    return Layer(layer.name, codes, layer.bits, layer.number_format, output_hw=layer.output_hw)


def _is_quick(layer: Layer) -> bool:
    return bool(layer.C * layer.K <= _QUICK and max(layer.C, layer.K) <= _LONGEST)


def _part(layer: Layer) -> str | None:
    """What of a layer is studied, where it is not all of a tap."""
    if _is_quick(layer):
        return None
    some = _studied(layer)
    return f"layer {layer.name!r}: the first {some.K} of {layer.K} outputs, {some.C} of {layer.C} inputs"


def convergence(layer: Layer, rows: int = 8, seed: int = 0, jobs: Jobs | None = None) -> Convergence:
    """Algorithm 2 on the layer's first tap (of a large layer, a part of it), from 20 random starts."""
    tap, running = _studied(layer), (jobs or Jobs()).named(f"{layer.name}: convergence")
    codes, before = tap.tap_codes((0, 0)), flips(tap)

    def curve(run: int) -> np.ndarray:
        asked = rows, _ITERATIONS, seed + run

        def make() -> tuple[np.ndarray]:
            return (algorithm2(codes, layer.bits, *asked, stop=running.flag)[2],)

        return running.kept("convergence", (tap.digest, *asked), make)[0]

    curves = running.map(curve, range(_RUNS))
    if running.interrupted:
        raise KeyboardInterrupt
    return Convergence(layer.name, np.stack(curves) / max(before, 1))


def flips_by_size(
    layer: Layer, sizes: tuple[int, ...], effort: str = "local", seed: int = 0, jobs: Jobs | None = None
) -> dict[str, tuple[int, ...]]:
    """Flips of the layer's first tap under segment and cluster on arrays of ``sizes`` rows, one entry per
    size.
    """
    tap, running = _studied(layer), (jobs or Jobs()).named(f"{layer.name}: channels per cluster")
    work = [(method, size) for method in _GROUPED for size in sizes]

    def made_with(item: tuple[str, int], own: Jobs) -> int:
        method, size = item
        return flips(tap, optimize(tap, size, method, effort, seed, jobs=own))

    made = running.spread(made_with, work)
    if running.interrupted:
        raise KeyboardInterrupt
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
    tap = _studied(layer)
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
    minutes; of larger ones alone, a part that does. A Ctrl-C is a KeyboardInterrupt.
    """
    best = max(
        network.layers, key=lambda la: (array.rows < la.C, la.C * la.K <= _QUICK, la.C >= la.K, la.C * la.K)
    )
    sizes = tuple(s for s in (1, 2, 4, 8, 16, 32, 64) if s <= _studied(best).C)
    first, last = (jobs or Jobs()).parts(1.0, 2.0)
    made = flips_by_size(best, sizes, seed=seed, jobs=first)
    before = flips(_studied(best))
    reductions = {m: tuple(times(before, f) for f in made[m][1:]) for m in made}  # one channel is no cluster
    cost = _table_cost(best, sizes, made, array, technology, seed) if best.K > 1 else None
    return LayerStudies(
        convergence(best, array.rows, seed, last),
        ClusterSize(best.name, sizes[1:], reductions["segment"], reductions["cluster"]),
        cost,
        _part(best),
    )
