"""What each net of a netlist costs in a cell library: energy of a toggle, delay, clock."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np

from hd_plugin.errors import InputError
from hd_plugin.gates._circuit import Circuit
from hd_plugin.gates._liberty import Arc, Cell, Library, Pin, Power
from hd_plugin.gates._logic import evaluate, inputs_of, parse
from hd_plugin.gates._netlist import Netlist

__all__ = ["price_netlist"]

_ASYNCHRONOUS = {"clear", "preset"}


def price_netlist(
    netlist: Netlist, library: Library, wire_per_pin: float = 1.0, conditions: Mapping[str, Any] | None = None
) -> Circuit:
    """What each net costs in ``library``.

    wire_per_pin : wire load for every pin that a net drives, in mean input capacitances (there is no
    layout; the conditions say it). The input transition at which tables are read is the mean of all
    outputs' own, found by iteration. Tables with a ``when`` are averaged over states, a pin's own (hidden)
    power is weighted by the share of states that it is given for.
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
        for nets in netlist.outputs.values():  # each output drives one more pin
            self.load[nets] += float(np.mean(inputs)) + self.wire if inputs else 0.0
        # nets of one kind of driver and one load cost the same
        self.drivers: dict[tuple[str, str, float], list[int]] = {}
        for i, cell in cells:
            for p, n in i.nets.items():
                if cell.pins[p].output:
                    self.drivers.setdefault((i.cell, p, round(self.load[n], 9)), []).append(n)
        self.cells = cells
        self.hidden_cache: dict[tuple[str, str, tuple[tuple[str, int], ...]], float] = {}

    def slew(self) -> float:
        """Mean transition of all outputs, in ns, when every input has just that."""
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
        """What a toggle of an output may come from: not a clear, a preset or an enable."""
        cell = self.library.cells[kind]
        return [
            a
            for a in cell.pins[name].arcs
            if a.kind not in _ASYNCHRONOUS and a.related not in self.control(cell, name)
        ]

    def control(self, cell: Cell, name: str) -> set[str | None]:
        """Pins that clear, preset or enable output ``name``: no toggle of a stream comes from them."""
        where, flop = f"{self.library.path}: cell {cell.name!r}", cell.flip_flop or {}
        texts = [flop[k] for k in _ASYNCHRONOUS if flop.get(k)]
        enables = {a.related for a in cell.pins[name].arcs if "three_state" in a.kind}
        return enables | {p for text in texts for p in inputs_of(parse(text, where))}

    def circuit(self, conditions: dict[str, Any]) -> Circuit:
        """All of it, at the mean transition."""
        slew = self.slew()
        energy, delay = self.outputs(slew)
        clock = self.inputs(slew, energy)
        energy[:2] = 0.0
        conditions |= {
            "library": self.library.name,
            "voltage_V": self.library.voltage,
            "slew_ns": slew,
            "wire_pF_per_pin": self.wire,
            "cells": len(self.cells),
            "register_um2": sum(c.area_um2 for _, c in self.cells if c.flip_flop),
            "assumptions": "no layout: the wire load is assumed; no clock tree; the clock is not gated",
        }
        if setup := self.setup(slew):
            conditions["setup_ps"] = setup
        return Circuit(
            self.netlist,
            _rounded(np.maximum(energy, 0.0)),
            _rounded(delay),
            clock,
            sum(c.leakage_nW for _, c in self.cells),
            sum(c.area_um2 for _, c in self.cells),
            conditions,
        )

    def setup(self, slew: float) -> dict[str, float]:
        """The longest setup time of each type of register in use, in ps, where the library tells."""
        used = {cell.name: cell for _, cell in self.cells if cell.flip_flop}
        times = {
            name: [table.at(slew, slew) for pin in cell.pins.values() for table in pin.setup]
            for name, cell in sorted(used.items())
        }
        return {name: float(f"{1e3 * max(*found, 0.0):.4g}") for name, found in times.items() if found}

    def outputs(self, slew: float) -> tuple[np.ndarray, np.ndarray]:
        """Energy of a toggle by load and driver, in fJ, and the driver's delay, in ps, float[nets] each."""
        energy = 0.5 * self.load * self.library.voltage**2 * 1e3  # pF V^2 = pJ
        delay = np.zeros(self.load.size)
        for (kind, name, load), nets in self.drivers.items():
            cell = self.library.cells[kind]
            powers = [p for p in cell.pins[name].power if p.related not in self.control(cell, name)]
            for supply in dict.fromkeys(p.supply for p in powers):
                drawn = [_mean(p, slew, load) for p in powers if p.supply == supply]
                energy[nets] += 1e3 * float(np.mean(drawn))
            times = [t.at(slew, load) for a in self.arcs(kind, name) for t in a.delays]
            delay[nets] = 1e3 * max(float(np.mean(times)), 0.0) if times else 0.0
        return energy, delay

    def inputs(self, slew: float, energy: np.ndarray) -> float:
        """Add to ``energy`` what a toggle costs inside the cells that read it; a cycle's clock, in fJ."""
        V, clock, clocked = self.library.voltage, 0.0, self.clock_pins()
        for i, cell in self.cells:
            for p, n in i.nets.items():
                if cell.pins[p].output:
                    continue
                hidden = 1e3 * self.hidden(cell, cell.pins[p], i.nets, slew)
                if clocked.get(i.cell) == p:  # two edges a cycle
                    clock += 2 * hidden + (cell.pins[p].capacitance_pF + self.wire) * V**2 * 1e3
                else:
                    energy[n] += hidden
        for i, _ in self.cells:  # the clock's own net is priced by cycles
            if i.cell in clocked:
                energy[i.nets[clocked[i.cell]]] = 0.0
        return clock

    def clock_pins(self) -> dict[str, str]:
        return {
            cell.name: inputs_of(parse(cell.flip_flop["clocked_on"], cell.name))[0]
            for _, cell in self.cells
            if cell.flip_flop
        }

    def hidden(self, cell: Cell, pin: Pin, nets: Mapping[str, int], slew: float) -> float:
        """Energy of a toggle of an input pin, in pJ, averaged over the states of the others.

        Pins at a constant stay there.
        """
        tied = tuple(sorted((p, n) for p, n in nets.items() if n < 2))
        key = (cell.name, pin.name, tied)
        if key not in self.hidden_cache:
            total = 0.0
            for supply in dict.fromkeys(p.supply for p in pin.power):  # what several supplies give adds up
                left, mine = 1.0, [p for p in pin.power if p.supply == supply]
                for power in sorted(mine, key=lambda p: p.when is None):
                    share = left  # without a condition: all states that are left
                    if power.when:
                        share = min(self.share(cell, pin, power.when, dict(tied)), left)
                    left -= share
                    total += share * _mean(power, slew, 0.0)
            self.hidden_cache[key] = total
        return self.hidden_cache[key]

    def share(self, cell: Cell, pin: Pin, when: str, tied: Mapping[str, int]) -> float:
        """Part of the cell's states in which ``when`` holds.

        Inputs and a flip-flop's state are free, outputs follow.
        """
        where = f"{self.library.path}: cell {cell.name!r}: pin {pin.name!r}: when"
        tree, flop = parse(when, where), cell.flip_flop or {}
        state, inverse = flop.get("state"), flop.get("inverse")
        functions = {p.name: parse(p.function, where) for p in cell.pins.values() if p.output and p.function}
        names = inputs_of(tree)
        if unknown := [n for n in names if n not in cell.pins]:
            raise InputError(f"{where}: {unknown[0]!r} is no pin of the cell")
        reached = [n for name in names for n in (inputs_of(functions[name]) if name in functions else [name])]
        reached = [state if state and n == inverse else n for n in reached]
        free = [n for n in dict.fromkeys(reached) if n not in tied]
        held = []
        for values in product((False, True), repeat=len(free)):
            known = dict(zip(free, values)) | {n: level == 1 for n, level in tied.items()}
            if state and inverse and state in known:
                known[inverse] = not known[state]
            outputs = {n: evaluate(functions[n], known) for n in names if n in functions}
            held.append(evaluate(tree, known | outputs))
        return float(np.mean(held))


def _rounded(values: np.ndarray) -> np.ndarray:
    """To four digits: no library is better, and a file stays small."""
    return np.array([float(f"{x:.4g}") for x in values])


def _mean(power: Power, slew_ns: float, load_pF: float) -> float:
    """Of a rise and a fall, in pJ: toggles of a net are one and the other in turn."""
    return 0.5 * (power.rise.at(slew_ns, load_pF) + power.fall.at(slew_ns, load_pF))
