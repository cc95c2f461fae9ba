"""The slowest path of a circuit, estimated from what its nets' delays are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hd_plugin.gates._circuit import Circuit
from hd_plugin.gates._logic import inputs_of
from hd_plugin.gates._schedule import Node

__all__ = ["CriticalPath", "PathCell", "critical_path"]

_NEVER = -np.inf  # a constant does not change


class PathCell(NamedTuple):
    """A cell on a path: its type and name, the net that it drives, and when that has its value, in ns."""

    cell: str
    name: str
    net: str
    at_ns: float


@dataclass(frozen=True)
class CriticalPath:
    """The slowest path.

    delay_ns : all of it, ``setup_ns`` included. start : the net of the register or input that it leaves;
    end : of the register or output that it reaches. cells : on it, in order, the register that it leaves
    first, the one that it reaches not among them.
    """

    delay_ns: float
    setup_ns: float
    start: str
    end: str
    cells: tuple[PathCell, ...]


def critical_path(circuit: Circuit) -> CriticalPath:
    """The longest time from a clock edge, or a change of an input, to a register's or an output's value.

    A static estimate: every cell takes the mean of its edges' and inputs' delays, at the load of its output
    and the one mean transition of the circuit (``price_netlist``), from whichever input is last; registers
    take their delay from the clock, and the setup time that the library has for them (``conditions``,
    ``setup_ps``; none where it says nothing). It leaves out layout (wire loads are assumed, beyond a table's
    last load its edge counts, nothing is buffered or sized), each edge's and each net's own transition, clock
    skew and uncertainty, when inputs come, hold times, and that some paths can never be taken. So it compares
    circuits of one library, no more. Raises InputError for what has no order: a loop, two clocks ...
    """
    return _Paths(circuit).slowest()


class _Paths:
    def __init__(self, circuit: Circuit) -> None:
        order, self.circuit = circuit.schedule, circuit
        self.setup_ps = circuit.conditions.get("setup_ps", {})
        self.nodes = [node for step in order.steps for node in step]
        self.at = np.full(order.nets, _NEVER)  # in ps
        for nets in circuit.netlist.inputs.values():
            self.at[nets] = 0.0
        self.via: dict[int, Node] = {}
        self.before: dict[int, int] = {}

    def delay(self, net: int) -> float:
        return float(self.circuit.delay_ps[net]) if net < self.circuit.delay_ps.size else 0.0

    def last(self, node: Node) -> tuple[float, int]:
        """When a node's inputs are there, in ps, and which one is last; -1 for none."""
        return max(((float(self.at[n]), n) for n in inputs_of(node.tree)), default=(_NEVER, -1))

    def slowest(self) -> CriticalPath:
        for node in self.nodes:
            if node.register:
                self.at[node.net], self.via[node.net] = self.delay(node.net), node
        cells = self.circuit.netlist.cells
        for node in self.nodes:
            if node.register:
                continue
            self.via[node.net] = node
            if cells[node.instance.cell].flip_flop:  # its other output, from the clock too
                self.at[node.net] = self.delay(node.net)
                continue
            ready, which = self.last(node)
            self.at[node.net], self.before[node.net] = ready + self.delay(node.net), which
        return self.told(*max(self.ends(), default=(0.0, 0.0, -1, "")))

    def ends(self) -> list[tuple[float, float, int, str]]:
        """Every end: the whole time and its setup, in ps, the net that comes last, and the end's name."""
        found = []
        for node in self.nodes:
            if node.register:
                ready, net = self.last(node)
                setup = float(self.setup_ps.get(node.instance.cell, 0.0))
                found.append((ready + setup, setup, net, self.name(node)))
        for name, nets in self.circuit.netlist.outputs.items():
            found += [(float(self.at[n]), 0.0, n, f"{name}[{i}]") for i, n in enumerate(nets)]
        return [end for end in found if end[0] > _NEVER]

    def told(self, total: float, setup: float, net: int, end: str) -> CriticalPath:
        """The way back from an end."""
        names, cells, start = self.circuit.netlist.names, [], ""
        while net >= 0:
            node = self.via.get(net)
            start = names[net] if node is None else self.name(node)
            if node is not None:
                at_ns = float(self.at[net]) / 1e3
                cells.append(PathCell(node.instance.cell, node.instance.name, start, at_ns))
            net = self.before.get(net, -1)
        return CriticalPath(total / 1e3, setup / 1e3, start, end, tuple(reversed(cells)))

    def name(self, node: Node) -> str:
        """Of its net, or its own where the net has none."""
        names = self.circuit.netlist.names
        return names[node.net] if node.net < len(names) else node.instance.name
