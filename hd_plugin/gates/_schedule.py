"""Every function of a netlist in an order in which it can run, and what makes that impossible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from hd_plugin.errors import InputError
from hd_plugin.gates._logic import Tree, evaluate, inputs_of, parse
from hd_plugin.gates._netlist import Instance, Netlist

__all__ = ["Node", "Schedule", "schedule"]


class Node(NamedTuple):
    """One function of one instance: ``tree`` over nets drives ``net``, or is a register's next state."""

    instance: Instance
    net: int
    tree: Tree
    register: bool


@dataclass(frozen=True, eq=False)
class Schedule:
    """steps : nodes, each step after what it reads.

    A step of several nodes, or of one that reads itself, is a register that holds: the cells from its
    output to its input, in order, and the register last. nets : how many, of the netlist, and above them
    states that no net carries. clock : its net, None without registers.
    """

    netlist: Netlist
    steps: list[list[Node]]
    nets: int
    clock: int | None


def schedule(netlist: Netlist) -> Schedule:
    """Order all cells so that each comes after what it reads.

    A register may read itself, but registers may not read each other in a circle. Raises InputError that
    names the cells for a loop, a net with two drivers, more than one clock, or a clear or preset in use.
    """
    return _Scheduler(netlist).run()


class _Scheduler:
    def __init__(self, netlist: Netlist) -> None:
        self.netlist = netlist
        self.trees: dict[tuple[str, str], Tree] = {}
        self.nets = len(netlist.names)
        self.nodes: list[Node] = []
        self.clock: int | None = None
        for instance in netlist.instances:
            self.add(instance)
        self.driver: dict[int, int] = {}
        inputs = {net for nets in netlist.inputs.values() for net in nets}
        for i, node in enumerate(self.nodes):
            if node.net in self.driver or node.net in inputs or node.net < 2:
                raise InputError(
                    f"{netlist.path}: net {self.name(node.net)!r} has two drivers, one of them "
                    f"{node.instance.name!r}"
                )
            self.driver[node.net] = i
        self.check(inputs)

    def check(self, inputs: set[int]) -> None:
        """What a simulation of whole cycles would get wrong without a word."""
        path, name = self.netlist.path, self.name
        if self.clock is not None and self.clock not in inputs:
            raise InputError(
                f"{path}: the clock {name(self.clock)!r} is no input; gated and divided clocks cannot "
                "be simulated"
            )
        for node in self.nodes:
            for net in inputs_of(node.tree):
                if net == self.clock:
                    raise InputError(f"{path}: {_told(node)} reads the clock {name(net)!r} as data")
                if net > 1 and net not in self.driver and net not in inputs:
                    raise InputError(f"{path}: net {name(net)!r}, which {_told(node)} reads, has no driver")

    def name(self, net: int) -> str:
        return self.netlist.names[net] if net < len(self.netlist.names) else f"state {net}"

    def tree(self, cell: str, text: str) -> Tree:
        if (cell, text) not in self.trees:
            self.trees[cell, text] = parse(text, f"cell {cell!r}")
        return self.trees[cell, text]

    def add(self, instance: Instance) -> None:
        """The nodes of one instance: a register's state first, then its outputs."""
        where = f"{self.netlist.path}: cell {instance.name!r} ({instance.cell})"
        outputs, flop = self.netlist.cells[instance.cell].outputs, self.netlist.cells[instance.cell].flip_flop
        known, state = dict(instance.nets), None

        def node(net: int, function: str, register: bool) -> None:
            tree = self.named(self.tree(instance.cell, function), known, flop, where)
            self.nodes.append(Node(instance, net, tree, register))

        if flop:
            self.register(instance, flop, where)
            direct = [
                pin for pin, text in outputs.items() if pin in instance.nets and text.strip() == flop["state"]
            ]
            if direct:  # the state is a net itself
                state = instance.nets[direct[0]]
            else:
                state, self.nets = self.nets, self.nets + 1
            known[flop["state"]] = known[flop["inverse"]] = state
            node(state, flop["next_state"], True)
        for pin, function in outputs.items():
            if pin in instance.nets and instance.nets[pin] != state:
                node(instance.nets[pin], function, False)

    def register(self, instance: Instance, flop: Mapping[str, str], where: str) -> None:
        """Its clear and preset are off, and its clock is everybody's."""
        for kind in ("clear", "preset"):
            if flop[kind] and not self.off(self.tree(instance.cell, flop[kind]), instance):
                raise InputError(f"{where}: its asynchronous {kind} {flop[kind]!r} is in use; tie it off")
        edge = self.tree(instance.cell, flop["clocked_on"])
        if edge[0] != "pin":
            raise InputError(f"{where} works on {flop['clocked_on']!r}; one rising edge for all is needed")
        if edge[1] not in instance.nets:
            raise InputError(f"{where}: its clock {edge[1]!r} is no connected pin")
        clock = instance.nets[edge[1]]
        if self.clock is not None and self.clock != clock:
            raise InputError(
                f"{self.netlist.path}: two clocks, {self.name(self.clock)!r} and {self.name(clock)!r}; one "
                "is needed"
            )
        self.clock = clock

    def named(self, tree: Tree, known: Mapping[str, int], flop: Mapping[str, str] | None, where: str) -> Tree:
        """The tree over nets instead of pins; the inverse state is the state's inverse."""
        if tree[0] == "pin":
            if tree[1] not in known:
                raise InputError(f"{where}: a function names {tree[1]!r}, which is no connected pin")
            leaf = ("pin", known[tree[1]])
            return ("!", leaf) if flop and tree[1] == flop["inverse"] else leaf
        return (tree[0], *(self.named(part, known, flop, where) for part in tree[1:]))

    def off(self, tree: Tree, instance: Instance) -> bool:
        pins = inputs_of(tree)
        return all(instance.nets.get(p, 2) < 2 for p in pins) and not evaluate(
            tree, {p: instance.nets[p] == 1 for p in pins}
        )

    def run(self) -> Schedule:
        reads = [
            (self.driver[net], i)
            for i, node in enumerate(self.nodes)
            for net in inputs_of(node.tree)
            if net in self.driver
        ]
        count = len(self.nodes)
        source, target = np.array(reads, np.int64).reshape(-1, 2).T
        graph = coo_matrix((np.ones(len(source), np.int8), (source, target)), (count, count)).tocsr()
        _, labels = connected_components(graph, directed=True, connection="strong")
        members: list[list[int]] = [[] for _ in range(int(labels.max(initial=-1)) + 1)]
        for i, label in enumerate(labels.tolist()):
            members[label].append(i)
        before: list[list[int]] = [[] for _ in members]
        between = np.stack([labels[source], labels[target]], 1)[labels[source] != labels[target]]
        for a, b in np.unique(between, axis=0).tolist():
            before[b].append(a)
        steps = [self.step(members[label]) for label in _depth_first(before)]
        return Schedule(self.netlist, steps, self.nets, self.clock)

    def step(self, group: list[int]) -> list[Node]:
        """The nodes of a strong component, in order."""
        nodes = [self.nodes[i] for i in group]
        if len(nodes) == 1 and nodes[0].net not in inputs_of(nodes[0].tree):
            return nodes
        registers = [n for n in nodes if n.register]
        if len(registers) != 1:
            loop = "a loop without a register"
            what = f"{len(registers)} registers that depend on each other" if registers else loop
            names = ", ".join(sorted({n.instance.name for n in nodes})[:5])
            raise InputError(
                f"{self.netlist.path}: {what}: {names}{' ...' if len(nodes) > 5 else ''}; only pipelines, "
                "and registers that hold, can be simulated"
            )
        mine = {n.net for n in nodes} - {registers[0].net}
        ordered: list[Node] = []
        waiting = [n for n in nodes if not n.register]
        while waiting:  # the cells of the circle, from the register on
            ready = [n for n in waiting if not mine.intersection(inputs_of(n.tree))]
            if not ready:
                names = ", ".join(sorted(n.instance.name for n in waiting)[:5])
                raise InputError(f"{self.netlist.path}: a loop without a register: {names}")
            ordered += ready
            mine -= {n.net for n in ready}
            waiting = [n for n in waiting if n.net in mine]
        return [*ordered, *registers]


def _told(node: Node) -> str:
    return f"cell {node.instance.name!r} ({node.instance.cell})"


def _depth_first(before: list[list[int]]) -> list[int]:
    """All of 0 to n - 1, each as soon as possible after what it needs.

    Neighbours in the netlist stay neighbours in memory.
    """
    done: list[bool] = [False] * len(before)
    ordered: list[int] = []
    for start in range(len(before)):
        stack = [(start, False)]
        while stack:
            at, ready = stack.pop()
            if ready:
                ordered.append(at)
            elif not done[at]:
                done[at] = True
                stack.append((at, True))
                stack += [(b, False) for b in before[at] if not done[b]]
    return ordered
