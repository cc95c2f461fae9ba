"""Arrays of every design, a PE each: area, slowest path, and energy of a real layer in file order.

``python -m benchmarks.encodings [ENCODING.json ...]`` prints a table in Markdown. What was computed is found
again in --cache, by all that it depends on, so that a run that was cut off goes on. Arrays have few columns:
numbers are those of a PE in the middle of a wide one (``characterisation.net_shares``). Sums are as wide as
the exact ones of that many rows. Energy is with glitches, of a step of a PE.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from hd_plugin._atomic import write_text
from hd_plugin.characterisation import (
    ArraySimulator,
    area_per_pe,
    clock_per_pe_fJ,
    make_circuit,
    net_shares,
    stimulus,
)
from hd_plugin.encoding_mac import MACS, load_mac, split_mac
from hd_plugin.gates import bundled_library, critical_path
from hd_plugin.hardware import ArrayDesign, ArraySize, Operands, program, sampled_activations
from hd_plugin.streaming import file_order_plan
from hd_plugin.weights import Layer, load_network

_ACT_BITS, _STEPS = 8, 1500  # of a row that are simulated, at least
COLUMNS = (
    *("library", "weights", "rows", "array", "register every", "latency", "um2 a PE", "less"),
    *("slowest path, ns", "fJ a step, no clock", "less", "with clock", "less"),
)


@dataclass(frozen=True)
class Point:
    """One array. mac : as for ``load_mac``."""

    library: Path
    bits: int
    rows: int
    mac: str


@dataclass(frozen=True)
class Found:
    """Of one array, a PE each; energies in fJ a step, area in um2."""

    latency: int
    area: float
    path_ns: float
    energy: float
    clock: float


def layer_of(bits: int) -> Layer:
    """A layer of 64 channels or a multiple, with many outputs: no row is idle, and nothing waits."""
    folder = os.environ.get("HD_PLUGIN_DATA")
    file = Path(folder) / "mobilenet_v2_1.0_224_quant.tflite" if folder else None
    network = str(file) if file and file.exists() else "mobilenet_v2_035_cifar10_w4_baseline"
    fits = [la for la in load_network(network, bits=bits).layers if la.C % 64 == 0 and la.K >= 140]
    return min(fits, key=lambda la: la.C * la.K)


def measured(point: Point, cols: int, cache: Path) -> Found:
    """From the cache, or synthesised and simulated."""
    operands = Operands(_ACT_BITS, point.bits, False)
    psum_bits = load_mac("exact", _ACT_BITS, point.bits).psum_bits(point.rows, operands)
    size = ArraySize(rows=point.rows, cols=cols, weight_bits=point.bits, psum_bits=psum_bits)
    design, layer = load_mac(point.mac, _ACT_BITS, point.bits), layer_of(point.bits)
    text = design.build(size.rows, size.psum_bits)
    depends = (size.name, layer.digest, sorted(text.modules.items()), _STEPS)
    key = hashlib.sha256(point.library.read_bytes() + repr(depends).encode()).hexdigest()
    file = cache / f"{key[:24]}.json"
    if not file.exists():
        found = _measure(point, size, design, layer)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_text(file, json.dumps(asdict(found)))
    return Found(**json.loads(file.read_text(encoding="utf8")))


def _measure(point: Point, size: ArraySize, design: ArrayDesign, layer: Layer) -> Found:
    circuit = make_circuit(point.library, size, design=design)
    made = program(layer, file_order_plan(layer, size.rows))
    steps = made.words.shape[0] * made.words.shape[1]
    tiles = -(-_STEPS // steps)
    inputs = sampled_activations(layer, "relu", size.cols * tiles, seed=0)
    played = stimulus(made, inputs, size.cols, tiles)
    toggles = ArraySimulator(circuit).gates.run(played.ports).nets
    pes = size.rows * size.cols * steps * tiles
    cycles = played.tiles * len(made.used) * played.span
    return Found(
        design.build(size.rows, size.psum_bits).latency,
        area_per_pe(circuit),
        critical_path(circuit).delay_ns,
        float(toggles @ (circuit.energy_fJ * net_shares(circuit))) / pes,
        clock_per_pe_fJ(circuit) * cycles / (steps * tiles),
    )


def signed_area(library: Path, mac: str, rows: int, fraig: bool, cols: int = 2) -> float:
    """Of a PE, in um2, for 8-bit signed activations and weights: of a size that no energy is known for."""
    operands = Operands(8, 8, True)
    psum_bits = load_mac("exact", *operands).psum_bits(rows, operands)
    size = ArraySize(rows=rows, cols=cols, weight_bits=8, psum_bits=psum_bits)
    design = load_mac(mac, *operands)
    return area_per_pe(make_circuit(library, size, design=design, fraig=fraig, act_signed=True))


def lines(points: list[Point], cols: int, cache: Path) -> Iterator[tuple[str, ...]]:
    """A line for each point; ``less`` : than the systolic array of the same library, width and rows."""
    for point in points:
        base = measured(Point(point.library, point.bits, point.rows, "binary"), cols, cache)
        found = measured(point, cols, cache)
        name, every = split_mac(point.mac)
        whole, other = found.energy + found.clock, base.energy + base.clock
        yield (
            *(point.library.stem.partition("_stdcell")[0], str(point.bits), str(point.rows)),
            *(Path(name).stem, str(every or "-"), str(found.latency)),
            *(f"{found.area:,.1f}", _less(found.area, base.area), f"{found.path_ns:.2f}"),
            *(f"{found.energy:,.0f}", _less(found.energy, base.energy)),
            *(f"{whole:,.0f}", _less(whole, other)),
        )


def _less(found: float, base: float) -> str:
    return f"{100 * (1 - found / base):.1f} %"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("encodings", nargs="*", help="files of encodings of 8-bit unsigned activations")
    parser.add_argument("--liberty", type=Path, nargs="+", help="libraries; the bundled one, and sg13g2's")
    parser.add_argument("--rows", type=int, nargs="+", default=[8, 16, 32, 64])
    parser.add_argument("--bits", type=int, nargs="+", default=[4, 8], help="of weights")
    parser.add_argument("--cols", type=int, default=2)
    parser.add_argument("--every", type=int, default=8, help="full adders between two registers of a column")
    parser.add_argument("--block", type=int, default=2, help="rows of the tree between two registers")
    parser.add_argument("--cache", type=Path, default=Path("results") / "encodings")
    parser.add_argument("-o", "--output", type=Path, help="also write the table to this file")
    args = parser.parse_args()
    folder = os.environ.get("HD_PLUGIN_DATA")
    known = sorted(Path(folder).glob("sg13g2_stdcell_typ*.lib")) if folder else []
    macs = ["binary", "tree", f"tree@{args.block}"]
    macs += [mac + every for mac in ("exact", *args.encodings) for every in ("", f"@{args.every}")]
    wanted = itertools.product(args.liberty or [*known, bundled_library()], args.rows, args.bits, macs)
    points = [
        Point(library, bits, rows, mac)
        for library, rows, bits, mac in wanted
        if split_mac(mac)[0] in MACS or json.loads(Path(split_mac(mac)[0]).read_text())["w_bits"] == bits
    ]
    text = f"| {' | '.join(COLUMNS)} |\n|{' --- |' * len(COLUMNS)}\n"
    print(text, end="", flush=True)
    for line in lines(points, args.cols, args.cache):
        row = f"| {' | '.join(line)} |\n"
        print(row, end="", flush=True)
        text += row
    if args.output:
        args.output.write_text(text, encoding="utf8")


if __name__ == "__main__":
    main()
