"""``python -m benchmarks.numbers._direct NAME``: numbers that no command tells, as JSON on stdout."""

from __future__ import annotations

import itertools
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import hd_plugin as hd
from hd_plugin._ratios import less
from hd_plugin.bits import plane_flips
from hd_plugin.encoding_mac import load_encoding, mac_stem
from hd_plugin.energy import build_component, load_characterisation, load_technology

__all__ = ["main"]

_ROOT = Path(__file__).parents[2]
# what stands beside the systolic array, which comes first
_SMALL = ["binary", "tree", "exact", "truncated:22"]
_LARGE = ["binary", "tree", "exact", "exact@8", "truncated:36", "truncated:36@8", "booth4_8ux8_22"]
_ARRAYS = {  # by bits of a weight, and rows
    (8, 8): _LARGE,
    (8, 16): ["binary", "exact", "truncated:36"],
    (8, 32): _LARGE,
    (8, 64): ["binary", "exact", "truncated:36", "booth4_8ux8_22"],
    (4, 8): _SMALL,
    (4, 16): _SMALL,
    (4, 32): _SMALL,
    (4, 64): ["binary", "exact", "truncated:22"],
}


def models() -> dict[str, float]:
    """Errors of the energy models in the bundled technologies' files."""
    found = {}
    for technology in ("sg13g2", "hd_generic45"):
        for name, m in load_characterisation(technology).models.items():
            key = f"{technology}.{name}"
            found |= {f"{key}.error": m.test.mean_error, f"{key}.r2": m.test.r2}
            for kind, q in m.alone.items():
                found |= {f"{key}.{kind}.error": q.mean_error, f"{key}.{kind}.r2": q.r2}
            found[f"{key}.samples"] = m.test.samples
    return found


def speeds() -> dict[str, float]:
    """Of benchmarks/RESULTS.md, which ``make bench`` writes: cell evaluations a second."""
    text = (_ROOT / "benchmarks" / "RESULTS.md").read_text(encoding="utf8")
    rows = re.findall(
        r"^\| (hd_plugin|iverilog|verilator)[^|]* \| (\w+) \| (\d) \|.*?([\d.]+e\+\d+) ", text, re.M
    )
    return {f"{name}.{counts}.{threads}": float(rate) for name, counts, threads, rate in rows}


def planes() -> dict[str, float]:
    """Flips of each bit, the least significant first, of ResNet-20's trained networks under ``cluster``."""
    found = {}
    for name in ("baseline", "paper", "trellis"):
        total = np.zeros(4, np.int64)
        for layer in hd.load_network(f"resnet20_cifar10_w4_{name}").layers:
            for group in hd.optimize(layer, 8, "cluster").groups:
                (fy, fx), lanes = group.tap, np.ix_(group.order, group.channels)
                total += plane_flips(layer.codes[:, :, fy : fy + 1, fx : fx + 1][lanes], 4)
        found |= {f"{name}.bit{i}": float(n) for i, n in enumerate(total)}
    return found


def cards() -> dict[str, float]:
    """Top-1 of the bundled networks as their cards say; tests/test_real_networks.py runs the networks."""
    folder = _ROOT / "hd_plugin" / "networks"
    found = {}
    for card in sorted(folder.glob("*.md")):
        scored = re.search(r"([\d.]+) % top-1", card.read_text(encoding="utf8"))
        found[f"{card.stem}.top1"] = float(scored[1]) if scored else float("nan")
    return found


def scaling() -> dict[str, float]:
    """Energy of logic at other nodes against 45 nm, with its range; and of a MAC with 0.25 flips."""
    found = {}
    for node in (65, 90):
        scale = load_technology(f"{node}nm").scaled
        if scale is not None:
            found |= {f"{node}.energy": scale.energy, f"{node}.low": scale.low, f"{node}.high": scale.high}
    widths = {"weight_bits": 8, "activation_bits": 8, "psum_bits": 16, "flip_rate": 0.25}
    for node in (45, 65):
        mac, _ = build_component("hd_mac", {**widths, "technology": f"{node}nm"})
        found[f"{node}.mac_pJ"] = mac.actions_pJ()["compute"]
    return found


def timeloop() -> dict[str, float]:
    """The table of docs/validation.md, by the installed tools."""
    from benchmarks import timeloop as table

    found = {}
    with tempfile.TemporaryDirectory() as cache:
        for case in itertools.product(table.TABLES, table.ARRAYS, table.MAPPINGS):
            row = table.compared(*case, cache, hd.Jobs(None)).row
            size = case[1].rpartition("x")[2]
            key = f"{case[0].rpartition('_')[2]}_{size}_{case[2]}"
            told = zip(("layers", "equal", "difference", "seconds"), row[3:])
            found |= {f"{key}.{name}": float(value) for name, value in told}
    return found


def _sg13g2() -> Path:
    return next(Path(os.environ["HD_PLUGIN_DATA"]).glob("sg13g2_stdcell_typ*.lib"))


def encodings() -> dict[str, float]:
    """Arrays in sg13g2, a PE each; what was computed before is taken from results/encodings."""
    from benchmarks import encodings as table

    library = _sg13g2()
    found = {}
    for (bits, rows), macs in _ARRAYS.items():
        base = None
        for mac in macs:
            one = table.measured(table.Point(library, bits, rows, mac), 2, Path("results") / "encodings")
            base = base or one
            key = f"w{bits}.r{rows}.{mac.replace(':', '_').replace('@8', '.piped')}"
            found |= {f"{key}.um2": one.area, f"{key}.ns": one.path_ns, f"{key}.fJ": one.energy}
            found[f"{key}.clocked_fJ"] = one.energy + one.clock
            found[f"{key}.area_less"] = less(base.area, one.area)
            found[f"{key}.less"] = less(base.energy, one.energy)
            found[f"{key}.clocked_less"] = less(base.energy + base.clock, one.energy + one.clock)
    return found


def encoding_areas() -> dict[str, float]:
    """Of the found encoding that beats truncation most at as many outputs, in sg13g2; um2 a PE."""
    from benchmarks import encodings as table

    library = _sg13g2()
    macs, found = ("truncated:28", "weighted_8sx8_28"), {}
    for mac in macs:
        found[f"{mac_stem(mac)}.error"] = float(load_encoding(mac, 8, 8, True).errors().max_absolute)
    found["nearer"] = found["truncated_28.error"] / found["weighted_8sx8_28.error"]
    for rows, fraig in ((8, True), (8, False), (32, False), (64, False)):
        key = f"r{rows}" + ("" if fraig else ".no_fraig")
        for mac in macs:
            start = time.time()
            found[f"{key}.{mac_stem(mac)}.um2"] = table.signed_area(library, mac, rows, fraig)
            found[f"{key}.{mac_stem(mac)}.seconds"] = time.time() - start
        found[f"{key}.less"] = less(*(found[f"{key}.{mac_stem(mac)}.um2"] for mac in macs))
    return found


def flip_costs() -> dict[str, float]:
    """What a flip of each weight bit costs a PE, in fJ without the clock, glitches in; 4-bit weights, 8 rows.

    Every row holds a word of its own, which one bit leaves and enters again at every step, beside a layer
    whose words stand still. Activations are those after a rectifier.
    """
    words = np.random.default_rng(0).integers(-8, 8, (1, 64)).repeat(64, axis=0)
    layers = {"still": words}
    for bit in range(4):
        moved = words.copy()
        moved[1::2] = ((words[1::2] + 8) ^ (1 << bit)) - 8  # offset codes: the sign bit is inverted alike
        layers[f"bit{bit}"] = moved
    whole = hd.Network(
        "flips",
        [hd.Layer.from_values(n, v[:, :, None, None], 4, output_hw=(8, 8)) for n, v in layers.items()],
    )
    macs = ("binary", "tree", "exact", "truncated:22", "booth2_8ux4_13")
    found = hd.compare(whole, macs=macs, technology="sg13g2", methods=("direct",), studies=False)
    fJ = {
        (r.mac, r.layer): 1e15 * r.datapath_J / (words.size * 64)
        for r in found.rows
        if r.plans == "file order"
    }
    return {
        f"{mac_stem(mac)}.{name}": fJ[mac, name] - (fJ[mac, "still"] if name != "still" else 0.0)
        for mac, name in fJ
    }


_DIRECT: dict[str, Callable[[], dict[str, float]]] = {
    "encodings": encodings,
    "encoding_areas": encoding_areas,
    "flip_costs": flip_costs,
    "models": models,
    "timeloop": timeloop,
    "scaling": scaling,
    "speeds": speeds,
    "planes": planes,
    "cards": cards,
}


def main() -> None:
    name = sys.argv[1]
    found = {k: float(v) for k, v in _DIRECT[name]().items()}
    print(json.dumps({"schema": "hd-plugin-numbers/direct/1", "values": found}))


if __name__ == "__main__":
    main()
