"""Glitches: what every net does inside a clock cycle, with inertial delays, 512 cycles at once (compiled).

Time inside a cycle is cut into steps. Between its earliest and its latest possible change a net has a value
for every step; outside it has the settled value of the cycle before, or of this one. The settled values
come from the run without delays.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hd_plugin.bits._compiled import compiled
from hd_plugin.bits._popcount import popcount
from hd_plugin.gates._logic import emit, inputs_of
from hd_plugin.gates._schedule import Node, Schedule

__all__ = ["WORDS", "Waves", "compile_waves", "run_waves"]

WORDS = 8  # of 64 cycles: what is worked on at once stays in the cache


class Waves(NamedTuple):
    """What a run needs to know of every cell function, in an order in which they can run (for compiled code).

    nodes : int64[n, 7]: net, first step at which the function can change, length in steps, delay, where its
    wave lies, first input, first operation. inputs : int64[m, 4]: net, first step, length, place of its
    wave. ops : int64[k, 4] as in a line; operands are the node's inputs and then its scratch. size : steps
    of all waves that live at once. longest : of one node. scratch : most slots of one.
    """

    nodes: np.ndarray
    inputs: np.ndarray
    ops: np.ndarray
    size: int
    longest: int
    scratch: int


class _Room:
    """Places for waves, used again once nobody reads them."""

    def __init__(self) -> None:
        self.free: list[tuple[int, int]] = []
        self.size = 0

    def take(self, length: int) -> int:
        fits = [(n, at) for at, n in self.free if n >= length]
        if fits:
            n, at = min(fits)
            self.free.remove((at, n))
            if n > length:
                self.free.append((at + length, n - length))
            return at
        self.size += length
        return self.size - length

    def give(self, at: int, length: int) -> None:
        for other in list(self.free):  # neighbours become one
            if other[0] + other[1] == at:
                at, length = other[0], other[1] + length
                self.free.remove(other)
            elif at + length == other[0]:
                length += other[1]
                self.free.remove(other)
        self.free.append((at, length))


def compile_waves(schedule: Schedule, delays: np.ndarray) -> Waves:
    """Where every cell's wave begins, ends and lies.

    delays : of every net's driver, steps, at least 1. Registers change at their delay after the clock,
    inputs at once.
    """
    nodes = [node for step in schedule.steps for node in _forward(step)]
    first = np.zeros(schedule.nets, np.int64)  # step of the earliest change, and steps until the latest
    length = np.zeros(schedule.nets, np.int64)
    place = np.zeros(schedule.nets, np.int64)
    for step in schedule.steps:
        for node in step:
            if node.register:
                first[node.net] = delays[node.net] if node.net < delays.size else 0
    reads = {node.net: inputs_of(node.tree) for node in nodes}
    left = np.zeros(schedule.nets, np.int64)
    for nets in reads.values():
        left[nets] += 1
    room, longest, scratch = _Room(), 1, 1
    table: list[tuple[int, ...]] = []
    inputs: list[tuple[int, ...]] = []
    ops: list[tuple[int, int, int, int]] = []
    for node in nodes:
        nets = [n for n in reads[node.net] if n > 1]
        start = int(min((first[n] for n in nets), default=0))
        span = int(max((first[n] + length[n] for n in nets), default=0)) - start
        delay = max(int(delays[node.net]), 1)
        mine, slots = _operations(node, reads[node.net])
        at = room.take(span) if span else 0
        table.append((node.net, start, span, delay, at, len(inputs), len(ops)))
        inputs += [(net, first[net], length[net], place[net]) for net in reads[node.net]]
        ops += mine
        first[node.net], length[node.net], place[node.net] = start + delay, span, at
        longest, scratch = max(longest, span + delay), max(scratch, slots)
        for net in set(reads[node.net]):
            left[net] -= 1
            if not left[net] and length[net]:
                room.give(int(place[net]), int(length[net]))
        if not left[node.net] and span:
            room.give(at, span)
    table.append((0, 0, 0, 1, 0, len(inputs), len(ops)))
    return Waves(
        np.array(table, np.int64),
        np.array(inputs, np.int64).reshape(-1, 4),
        np.array(ops, np.int64).reshape(-1, 4),
        max(room.size, 1),
        longest,
        scratch,
    )


def _forward(step: list[Node]) -> list[Node]:
    """Cells without registers: their waves begin at the registers' outputs."""
    return [node for node in step if not node.register]


def _operations(node: Node, reads: list[int]) -> tuple[list[tuple[int, int, int, int]], int]:
    """On the node's inputs, its result behind them and scratch behind that; and how many slots this takes."""
    ops: list[tuple[int, int, int, int]] = []
    count = len(reads)

    def fresh() -> int:
        nonlocal count
        count += 1
        return count - 1

    emit(node.tree, {net: i for i, net in enumerate(reads)}, fresh(), fresh, ops)
    return ops, count


class _Settled(NamedTuple):
    """uint64[nets, words], of this cycle and of the one before; ``mask`` has the cycles that count."""

    values: np.ndarray
    before: np.ndarray
    mask: np.ndarray


class _Memory(NamedTuple):
    """To work in: the waves that live, the inputs and scratch of one node, and one wave more."""

    room: np.ndarray
    scratch: np.ndarray
    other: np.ndarray


def run_waves(
    waves: Waves, values: np.ndarray, before: np.ndarray, mask: np.ndarray, total: np.ndarray
) -> None:
    """Add to ``total`` the toggles beyond the settled ones.

    values, before : uint64[nets, words], settled, of this cycle and the one before. mask : uint64[words], the
    cycles that count. total : int64[nets].
    """
    longest = (waves.longest + 1) * WORDS
    memory = _Memory(
        np.empty(waves.size * WORDS, np.uint64),
        np.empty((waves.scratch, longest), np.uint64),
        np.empty(longest, np.uint64),
    )
    _run(waves, _Settled(values, before, mask), memory, total)


@compiled(boundscheck=False)
def _run(waves, settled, memory, total):
    nodes, inputs = waves.nodes, waves.inputs
    for i in range(nodes.shape[0] - 1):
        net, start, span, delay, place = nodes[i, 0], nodes[i, 1], nodes[i, 2], nodes[i, 3], nodes[i, 4]
        if span == 0:
            continue
        m = nodes[i + 1, 5] - nodes[i, 5]
        for k in range(m):
            _fetch(memory.scratch[k], memory.room, settled, inputs[nodes[i, 5] + k], start, span)
        _evaluate(waves.ops, nodes[i, 6], nodes[i + 1, 6], memory.scratch, span * WORDS)
        f = memory.scratch[m]
        for t in range(span, span + delay):  # settled from here on
            for w in range(WORDS):
                f[t * WORDS + w] = settled.values[net, w]
        _hold(f, memory.other, span, delay)
        wave = memory.room[place * WORDS : (place + span) * WORDS]
        total[net] += _follow(wave, f, memory.other, settled, net)


@compiled(boundscheck=False)
def _fetch(out, room, settled, row, start, span):
    """The wave of an input (net, first step, length, place) from step ``start`` on, ``span`` steps."""
    W, net, first, length, place = WORDS, row[0], row[1], row[2], row[3]
    early = max(min(first - start, span), 0)
    wave = min(length, span - early)
    skip = max(start - first, 0)
    for t in range(early):
        for w in range(W):
            out[t * W + w] = settled.before[net, w]
    n = max(wave - skip, 0)
    base, to = (place + skip) * W, early * W
    for i in range(n * W):
        out[to + i] = room[base + i]
    for t in range(early + n, span):
        for w in range(W):
            out[t * W + w] = settled.values[net, w]


@compiled(boundscheck=False)
def _evaluate(ops, start, stop, scratch, size):
    """Operations ``start`` to ``stop`` on the first ``size`` words of the slots."""
    ones = ~np.uint64(0)
    for k in range(start, stop):
        code, o = ops[k, 0], scratch[ops[k, 3]]
        if code == 5:
            for j in range(size):
                o[j] = ones if ops[k, 1] else np.uint64(0)
            continue
        a, b = scratch[ops[k, 1]], scratch[ops[k, 2]]
        if code == 2:
            for j in range(size):
                o[j] = a[j] & b[j]
        elif code == 1:
            for j in range(size):
                o[j] = ~a[j]
        elif code == 3:
            for j in range(size):
                o[j] = a[j] | b[j]
        elif code == 4:
            for j in range(size):
                o[j] = a[j] ^ b[j]
        else:
            for j in range(size):
                o[j] = a[j]


@compiled(boundscheck=False)
def _hold(f, other, span, delay):
    """``f`` where it stays 1, and ``other`` where it does not stay 0, for ``delay`` steps."""
    for j in range((span + delay) * WORDS):
        other[j] = f[j]
    reach = 1
    while reach < delay:
        shift = min(reach, delay - reach)
        for j in range((span + delay - reach - shift) * WORDS):
            f[j] = f[j] & f[j + shift * WORDS]
            other[j] = other[j] | other[j + shift * WORDS]
        reach += shift


@compiled(boundscheck=False)
def _follow(wave, high, other, settled, net):
    """``wave`` gets the net's values, high where ``high`` is and low where ``other`` is not.

    Returns its toggles beyond the settled ones.
    """
    values, before, mask = settled.values, settled.before, settled.mask
    found = np.uint64(0)
    for w in range(WORDS):
        y = before[net, w]
        changes = np.uint64(0)
        for t in range(wave.size // WORDS):
            now = high[t * WORDS + w] | (y & other[t * WORDS + w])
            wave[t * WORDS + w] = now
            changes += popcount((now ^ y) & mask[w])
            y = now
        changes += popcount((y ^ values[net, w]) & mask[w])
        changes -= popcount((before[net, w] ^ values[net, w]) & mask[w])
        found += changes
    return np.int64(found)
