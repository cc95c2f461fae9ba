"""A schedule as a straight line of operations on words of time: what can be run without ever going back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hd_plugin.gates._logic import CONST, emit, inputs_of
from hd_plugin.gates._schedule import Node, Schedule

__all__ = ["SCAN", "SHIFT", "Line", "compile_line"]

SHIFT = 6  # a register: yesterday's value
SCAN = 7  # a register that holds: by what it would become from 0 and from 1


@dataclass(frozen=True, eq=False)
class Line:
    """ops : int32[n, 4], (code, a, b, result); slots below ``nets`` are nets and states, the others scratch.

    registers : how many there are.
    """

    ops: np.ndarray
    slots: int
    nets: int
    registers: int


def compile_line(schedule: Schedule) -> Line:
    """The operations of all steps. A register that holds is run from 0, from 1, and then as it is."""
    compiler = _Compiler(schedule.nets)
    for step in schedule.steps:
        if len(step) == 1 and step[0].net not in inputs_of(step[0].tree):
            compiler.node(step[0])
        else:
            compiler.holding(step)
    return Line(
        np.array(compiler.ops, np.int32).reshape(-1, 4), compiler.slots, schedule.nets, compiler.registers
    )


class _Compiler:
    def __init__(self, nets: int) -> None:
        self.slots = nets
        self.ops: list[tuple[int, int, int, int]] = []
        self.registers = 0

    def fresh(self) -> int:
        self.slots += 1
        return self.slots - 1

    def value(self, node: Node, target: int) -> None:
        emit(node.tree, {net: net for net in inputs_of(node.tree)}, target, self.fresh, self.ops)

    def register(self, code: int, a: int, b: int, net: int) -> None:
        self.ops.append((code, a, b, net))
        self.registers += 1

    def node(self, node: Node) -> None:
        if not node.register:
            self.value(node, node.net)
            return
        following = self.fresh()
        self.value(node, following)
        self.register(SHIFT, following, 0, node.net)

    def holding(self, step: list[Node]) -> None:
        *cells, register = step
        would = []
        for value in (0, 1):
            self.ops.append((CONST, value, 0, register.net))
            for cell in cells:
                self.node(cell)
            would.append(self.fresh())
            self.value(register, would[-1])
        self.register(SCAN, would[0], would[1], register.net)
        for cell in cells:
            self.node(cell)
