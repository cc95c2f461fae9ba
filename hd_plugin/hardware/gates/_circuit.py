"""A netlist with what its nets cost: energy of a toggle, delay, clock. Saved in one file that needs no library to be simulated."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from hd_plugin._atomic import atomic_path
from hd_plugin.errors import InputError
from hd_plugin.hardware.gates._liberty import Arc, Cell, Library, Pin, Power
from hd_plugin.hardware.gates._logic import evaluate, inputs_of, parse
from hd_plugin.hardware.gates._netlist import CellLogic, Instance, Netlist
from hd_plugin.hardware.gates._schedule import Schedule, schedule

__all__ = ["Circuit", "load_circuit", "price_netlist"]

_SCHEMA = "hd-plugin/circuit/1"
_STEPS_PER_CELL = 4  # of simulated time in the mean delay of a cell
_ASYNCHRONOUS = {"clear", "preset"}


@dataclass(frozen=True, eq=False)
class Circuit:
    """energy_fJ : of one toggle of each net, half of C V^2 and what its driver and its readers spend inside, float[nets]. delay_ps : of its driver.

    clock_fJ : of one cycle, all clock pins; a clock tree is not in it. leakage_nW, area_um2 : of all cells. conditions : library, voltage,
    wire load, input transition, parameters of the array, digests.
    """

    netlist: Netlist
    energy_fJ: np.ndarray
    delay_ps: np.ndarray
    clock_fJ: float
    leakage_nW: float
    area_um2: float
    conditions: dict[str, Any]

    @cached_property
    def schedule(self) -> Schedule:
        """Raises InputError for what cannot be simulated: a loop, two clocks ..."""
        return schedule(self.netlist)

    @property
    def delay_step_ps(self) -> float:
        """A quarter of a cell's mean delay."""
        known = self.delay_ps[self.delay_ps > 0]
        return float(known.mean()) / _STEPS_PER_CELL if known.size else 1.0

    @property
    def delay_steps(self) -> np.ndarray:
        """Delays in such steps, at least 1, int64[nets]."""
        return np.maximum(np.rint(self.delay_ps / self.delay_step_ps), 1).astype(np.int64)

    def save(self, path: str | Path) -> None:
        """Gzipped JSON (schema hd-plugin/circuit/1), whole or not at all."""
        net = self.netlist
        kinds = sorted(net.cells)
        pins = {k: [*net.cells[k].inputs, *net.cells[k].outputs] for k in kinds}
        content = {
            "schema": _SCHEMA,
            "top": net.top,
            "inputs": net.inputs,
            "outputs": net.outputs,
            "names": net.names,
            "cells": {k: asdict(net.cells[k]) for k in kinds},
            "instances": [
                [kinds.index(i.cell), i.name, *(i.nets.get(p, -1) for p in pins[i.cell])]
                for i in net.instances
            ],
            "energy_fJ": self.energy_fJ.tolist(),
            "delay_ps": self.delay_ps.tolist(),
            "clock_fJ": self.clock_fJ,
            "leakage_nW": self.leakage_nW,
            "area_um2": self.area_um2,
            "conditions": self.conditions,
        }
        with atomic_path(path) as temporary:
            temporary.write_bytes(
                gzip.compress(json.dumps(content, separators=(",", ":")).encode(), 9, mtime=0)
            )


def load_circuit(path: str | Path) -> Circuit:
    """Read a file of ``Circuit.save``. Raises InputError."""
    path = Path(path)
    try:
        data = json.loads(gzip.decompress(path.read_bytes()))
        if data["schema"] != _SCHEMA:
            raise InputError(f"{path}: schema: {data['schema']!r} found, {_SCHEMA!r} needed")
        cells = {
            k: CellLogic(tuple(c["inputs"]), c["outputs"], c["flip_flop"]) for k, c in data["cells"].items()
        }
        kinds = sorted(cells)
        pins = [[*cells[k].inputs, *cells[k].outputs] for k in kinds]
        instances = [
            Instance(name, kinds[kind], {p: n for p, n in zip(pins[kind], nets) if n >= 0})
            for kind, name, *nets in data["instances"]
        ]
        count = len(data["names"])
        if {len(data["energy_fJ"]), len(data["delay_ps"])} != {count} or any(
            n >= count for i in instances for n in i.nets.values()
        ):
            raise ValueError(f"{count} nets named, others priced or connected")
        if not isinstance(data["conditions"], dict):
            raise ValueError("no conditions")
        net = Netlist(
            data["top"], str(path), data["inputs"], data["outputs"], instances, data["names"], cells
        )
        return Circuit(
            net,
            np.array(data["energy_fJ"], float),
            np.array(data["delay_ps"], float),
            data["clock_fJ"],
            data["leakage_nW"],
            data["area_um2"],
            data["conditions"],
        )
    except (
        OSError,
        EOFError,
        ValueError,
        KeyError,
        TypeError,
        IndexError,
        AttributeError,
        zlib.error,
    ) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{path}: not a readable circuit ({error}); make it with 'hd-plugin characterize'"
        ) from error


def price_netlist(
    netlist: Netlist, library: Library, wire_per_pin: float = 1.0, conditions: Mapping[str, Any] | None = None
) -> Circuit:
    """What each net costs in ``library``.

    wire_per_pin : wire load for every pin that a net drives, in mean input capacitances (there is no layout; the conditions say it).
    The input transition at which tables are read is the mean of all outputs' own, found by iteration. Tables with a ``when`` are averaged
    over states, a pin's own (hidden) power is weighted by the share of states that it is given for.
    """
    return _Pricer(netlist, library, wire_per_pin).circuit(dict(conditions or {}))


class _Pricer:
    def __init__(self, netlist: Netlist, library: Library, wire_per_pin: float) -> None:
        self.netlist, self.library = netlist, library
        cells = [(i, library.cells[i.cell]) for i in netlist.instances]
        inputs = [cell.pins[p].capacitance_pF for i, cell in cells for p in i.nets if not cell.pins[p].output]
        self.wire = wire_per_pin * float(np.mean(inputs)) if inputs else 0.0
        self.load = np.zeros(len(netlist.names))
        for i, cell in cells:
            for p, n in i.nets.items():
                if not cell.pins[p].output:
                    self.load[n] += cell.pins[p].capacitance_pF + self.wire
        for nets in netlist.outputs.values():  # each output of the array drives one more pin
            self.load[nets] += float(np.mean(inputs)) + self.wire if inputs else 0.0
        # nets of one kind of driver and one load cost the same
        self.drivers: dict[tuple[str, str, float], list[int]] = {}
        for i, cell in cells:
            for p, n in i.nets.items():
                if cell.pins[p].output:
                    self.drivers.setdefault((i.cell, p, round(self.load[n], 9)), []).append(n)
        self.cells, self.hidden_cache = cells, {}

    def slew(self) -> float:
        slew = 0.0
        for _ in range(6):
            found, weights = [0.0], [0]
            for (kind, name, load), nets in self.drivers.items():
                tables = [t for a in self.arcs(kind, name) for t in a.transitions]
                found.append(float(np.mean([t.at(slew, load) for t in tables])) if tables else 0.0)
                weights.append(len(nets) if tables else 0)
            slew = float(np.average(found, weights=weights)) if any(weights) else 0.0
        return slew

    def arcs(self, kind: str, name: str) -> list[Arc]:
        cell = self.library.cells[kind]
        return [
            a
            for a in cell.pins[name].arcs
            if a.kind not in _ASYNCHRONOUS
            and "three_state" not in a.kind
            and a.related not in self.asynchronous(cell)
        ]

    def asynchronous(self, cell: Cell) -> set[str]:
        texts = [cell.flip_flop[k] for k in _ASYNCHRONOUS if cell.flip_flop[k]] if cell.flip_flop else []
        return {
            p for text in texts for p in inputs_of(parse(text, f"{self.library.path}: cell {cell.name!r}"))
        }

    def circuit(self, conditions: dict[str, Any]) -> Circuit:
        slew, V = self.slew(), self.library.voltage
        energy = 0.5 * self.load * V**2 * 1e3  # pF V^2 = pJ
        delay = np.zeros(self.load.size)
        for (kind, name, load), nets in self.drivers.items():
            cell = self.library.cells[kind]
            powers = [p for p in cell.pins[name].power if p.related not in self.asynchronous(cell)]
            for supply in {p.supply for p in powers}:
                energy[nets] += 1e3 * float(
                    np.mean([_mean(p, slew, load) for p in powers if p.supply == supply])
                )
            times = [t.at(slew, load) for a in self.arcs(kind, name) for t in a.delays]
            delay[nets] = 1e3 * max(float(np.mean(times)), 0.0) if times else 0.0
        clock, clocked = 0.0, self.clock_pins()
        for i, cell in self.cells:
            for p, n in i.nets.items():
                if cell.pins[p].output:
                    continue
                hidden = 1e3 * self.hidden(cell, cell.pins[p], i.nets, slew)
                if clocked.get(i.cell) == p:  # two edges a cycle
                    clock += 2 * hidden + (cell.pins[p].capacitance_pF + self.wire) * V**2 * 1e3
                else:
                    energy[n] += hidden
        for i, cell in self.cells:  # the clock's own net is priced by cycles
            if i.cell in clocked:
                energy[i.nets[clocked[i.cell]]] = 0.0
        energy[:2] = 0.0
        registers = sum(c.area_um2 for _, c in self.cells if c.flip_flop)
        conditions |= {
            "library": self.library.name,
            "voltage_V": V,
            "slew_ns": slew,
            "wire_pF_per_pin": self.wire,
            "cells": len(self.cells),
            "register_um2": registers,
            "assumptions": "no layout: the wire load is assumed; no clock tree; the clock is not gated",
        }
        return Circuit(
            self.netlist,
            _rounded(np.maximum(energy, 0.0)),
            _rounded(delay),
            clock,
            sum(c.leakage_nW for _, c in self.cells),
            sum(c.area_um2 for _, c in self.cells),
            conditions,
        )

    def clock_pins(self) -> dict[str, str]:
        return {
            cell.name: inputs_of(parse(cell.flip_flop["clocked_on"], cell.name))[0]
            for _, cell in self.cells
            if cell.flip_flop
        }

    def hidden(self, cell: Cell, pin: Pin, nets: Mapping[str, int], slew: float) -> float:
        """Energy of a toggle of an input pin, in pJ, averaged over the states of the others; pins at a constant stay there."""
        tied = tuple(sorted((p, n) for p, n in nets.items() if n < 2))
        key = (cell.name, pin.name, tied)
        if key not in self.hidden_cache:
            total = 0.0
            for supply in dict.fromkeys(p.supply for p in pin.power):  # what several supplies give adds up
                left = 1.0
                for power in sorted(
                    (p for p in pin.power if p.supply == supply), key=lambda p: p.when is None
                ):
                    share = (
                        min(self.share(cell, pin, power.when, dict(tied)), left) if power.when else left
                    )  # without: all states that are left
                    left -= share
                    total += share * _mean(power, slew, 0.0)
            self.hidden_cache[key] = total
        return self.hidden_cache[key]

    def share(self, cell: Cell, pin: Pin, when: str, tied: Mapping[str, int]) -> float:
        """Part of the cell's states in which ``when`` holds: inputs and a flip-flop's state are free, outputs follow."""
        where = f"{self.library.path}: cell {cell.name!r}: pin {pin.name!r}: when"
        tree, state = parse(when, where), cell.flip_flop["state"] if cell.flip_flop else None
        functions = {p.name: parse(p.function, where) for p in cell.pins.values() if p.output and p.function}
        names = inputs_of(tree)
        if unknown := [n for n in names if n not in cell.pins]:
            raise InputError(f"{where}: {unknown[0]!r} is no pin of the cell")
        reached = dict.fromkeys(
            n for name in names for n in (inputs_of(functions[name]) if name in functions else [name])
        )
        if cell.flip_flop:
            reached = dict.fromkeys(state if n == cell.flip_flop["inverse"] else n for n in reached)
        free = [n for n in reached if n not in tied]
        held = []
        for values in product((False, True), repeat=len(free)):
            known = dict(zip(free, values)) | {n: level == 1 for n, level in tied.items()}
            if state in known:
                known[cell.flip_flop["inverse"]] = not known[state]
            held.append(
                evaluate(tree, known | {n: evaluate(functions[n], known) for n in names if n in functions})
            )
        return float(np.mean(held))


def _rounded(values: np.ndarray) -> np.ndarray:
    """To four digits: no library is better, and a file stays small."""
    return np.array([float(f"{x:.4g}") for x in values])


def _mean(power: Power, slew_ns: float, load_pF: float) -> float:
    """Of a rise and a fall, in pJ: toggles of a net are one and the other in turn."""
    return 0.5 * (power.rise.at(slew_ns, load_pF) + power.fall.at(slew_ns, load_pF))
