"""Small netlists in the project's own cells, layers and networks, and two slow simulators to compare with."""

import gzip
import json
import random
import re
from functools import cache
from types import SimpleNamespace

import numpy as np

from hd_plugin.energy import load_characterisation
from hd_plugin.gates import bundled_library, load_circuit, read_liberty
from hd_plugin.gates._logic import evaluate, inputs_of
from hd_plugin.weights import Layer

LIBRARY = bundled_library()
BUNDLED = ("hd_generic45", "sg13g2")
PINS = {
    "INV": "A",
    "BUF": "A",
    "NAND2": "AB",
    "NAND3": "ABC",
    "NOR2": "AB",
    "NOR3": "ABC",
    "AND2": "AB",
    "OR2": "AB",
    "AOI21": "ABC",
    "OAI21": "ABC",
    "XOR2": "AB",
    "XNOR2": "AB",
    "MUX2": "ABS",
}
CELL = """library (l) {{ voltage_unit : "1V"; time_unit : "1ns"; capacitive_load_unit (1, {unit});
  nom_voltage : 2.0; leakage_power_unit : "1nW";
  cell (INV) {{ area : 1; pin (A) {{ direction : input; capacitance : {input}; }}
    pin (Y) {{ direction : output; function : "!A"; {power} }} }} }}"""


def library(folder, text):
    """A library read from its text."""
    path = folder / "l.lib"
    path.write_text(text)
    return read_liberty(path)


def library_in_two(folder):
    """The project's library in two files, of which one is packed: gates, and what holds a state."""
    head, *cells = re.split(r"(?m)^  (?=cell \()", LIBRARY.read_text().rstrip().removesuffix("}"))
    flops = [cell for cell in cells if "ff (" in cell]
    assert flops and len(flops) < len(cells)
    gates, packed = folder / "gates.lib", folder / "flops.lib.gz"
    gates.write_text(head + "".join(f"  {c}" for c in cells if c not in flops) + "}\n")
    packed.write_bytes(gzip.compress((head + "".join(f"  {c}" for c in flops) + "}").encode()))
    return gates, packed


@cache
def bundled_case(name):
    """A bundled characterisation with its circuit."""
    found = load_characterisation(name)
    return SimpleNamespace(name=name, characterisation=found, circuit=load_circuit(found.circuit))


def some_layer(K=40, C=19, taps=1, seed=0):
    """Bell-shaped weights; 4 x 4 pixels are two tiles of 8 columns."""
    values = np.clip(np.random.default_rng(seed).normal(0, 3, (K, C, 1, taps)).round(), -7, 7).astype(int)
    return Layer.from_values("l", values, 4, output_hw=(4, 4))


def small_networks(folder, monkeypatch):
    """Two small networks for ``characterise`` to learn from, in place of the bundled ones."""
    for name, seed in (("FIT", 0), ("TEST", 1)):
        rng = np.random.default_rng(seed)
        layers = {f"l{i}.weight": rng.normal(size=(30 + 10 * i, 8 + i, 1, 1)) for i in range(4)}
        np.savez(folder / f"{name}.npz", **layers)
        monkeypatch.setattr(f"hd_plugin.characterisation._characterise.{name}", str(folder / f"{name}.npz"))


def netlist_file(folder, inputs, cells, outputs, clock="clk"):
    """inputs, outputs: {port: [names]}; cells: {name: (type, {pin: net})}; a JSON file as yosys writes it."""
    bits = {"0": "0", "1": "1"}

    def bit(name):
        return bits.setdefault(name, len(bits))

    ports = {clock: {"direction": "input", "bits": [bit(clock)]}} if clock else {}
    ports |= {p: {"direction": "input", "bits": [bit(n) for n in names]} for p, names in inputs.items()}
    ports |= {p: {"direction": "output", "bits": [bit(n) for n in names]} for p, names in outputs.items()}
    made = {
        name: {"type": kind, "connections": {pin: [bit(net)] for pin, net in nets.items()}}
        for name, (kind, nets) in cells.items()
    }
    names = {name: {"bits": [b]} for name, b in bits.items() if name not in ("0", "1")}
    path = folder / "netlist.json"
    path.write_text(
        json.dumps(
            {
                "modules": {
                    "top": {"attributes": {"top": "1"}, "ports": ports, "cells": made, "netnames": names}
                }
            }
        )
    )
    return path


def random_cells(seed, inputs, count):
    """A random pipeline: cells read what is there already; a quarter are registers, some of which hold."""
    rng = random.Random(seed)
    nets, cells = [*inputs, "0", "1"], {}
    for i in range(count):
        kind = rng.choice([*PINS, "DFF", "DFF", "HOLD"])
        if kind == "DFF":
            cells[f"u{i}"] = ("DFF", {"CK": "clk", "D": rng.choice(nets), "Q": f"w{i}"})
        elif kind == "HOLD":
            cells[f"u{i}m"] = (
                "MUX2",
                {"A": f"w{i}", "B": rng.choice(nets), "S": rng.choice(nets), "Y": f"m{i}"},
            )
            cells[f"u{i}"] = ("DFF", {"CK": "clk", "D": f"m{i}", "Q": f"w{i}"})
            nets.append(f"m{i}")
        else:
            cells[f"u{i}"] = (kind, {p: rng.choice(nets) for p in PINS[kind]} | {"Y": f"w{i}"})
        nets.append(f"w{i}")
    return cells


def settled(schedule, stimulus, cycles):
    """Values of every net, bool[nets, cycles], one cycle after the other."""
    nodes = [n for step in schedule.steps for n in step]
    combinational = [n for n in nodes if not n.register]
    values = np.zeros((schedule.nets, cycles), bool)
    values[1] = True
    for t in range(cycles):
        for port, nets in schedule.netlist.inputs.items():
            if port in stimulus:
                values[nets, t] = stimulus[port][:, t]
        for n in nodes:
            if n.register and t:
                values[n.net, t] = evaluate(n.tree, {i: values[i, t - 1] for i in inputs_of(n.tree)})
        for _ in combinational:  # as often as there are cells: then all has settled, in any order
            before = values[:, t].copy()
            for n in combinational:
                values[n.net, t] = evaluate(n.tree, {i: values[i, t] for i in inputs_of(n.tree)})
            if (before == values[:, t]).all():
                break
    return values


def event_toggles(schedule, values, delays, steps):
    """Toggles with inertial delays, step by step.

    An output follows its function once that has stood still for the delay.
    """
    nodes = [n for step in schedule.steps for n in step]
    registers, rest = [n for n in nodes if n.register], [n for n in nodes if not n.register]
    sources = [i for nets in schedule.netlist.inputs.values() for i in nets]
    total = np.zeros(schedule.nets, np.int64)
    for t in range(1, values.shape[1]):
        now = values[:, t - 1].copy()
        history = {n.net: [bool(now[n.net])] * delays[n.net] for n in rest}
        for step in range(steps):
            new = now.copy()
            if step == 0:
                new[sources] = values[sources, t]
            for n in registers:
                if step >= (delays[n.net] if n.net < len(delays) else 0):
                    new[n.net] = values[n.net, t]
            for n in rest:
                past = history[n.net]
                if all(past) or not any(past):
                    new[n.net] = past[0]
            for n in rest:
                history[n.net] = [
                    *history[n.net][1:],
                    evaluate(n.tree, {i: new[i] for i in inputs_of(n.tree)}),
                ]
            total += new != now
            now = new
        assert (now == values[:, t]).all()
    return total
