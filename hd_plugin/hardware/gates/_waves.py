"""Glitches: what every net does inside a clock cycle, with inertial delays, 512 cycles at once (compiled).

Time inside a cycle is cut into steps. Between its earliest and its latest possible change a net has a value for every step; outside it
has the settled value of the cycle before, or of this one. The settled values come from the run without delays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from hd_plugin.hardware.gates._logic import emit, inputs_of
from hd_plugin.hardware.gates._schedule import Node, Schedule
from hd_plugin.streaming._distances import popcount

__all__ = ["WORDS", "Waves", "compile_waves", "run_waves"]

WORDS = 8  # of 64 cycles: what is worked on at once stays in the cache


@dataclass(frozen=True, eq=False)
class Waves:
    """nodes : int64[n, 7], for each cell function in order: net, first step at which its function can change, length in steps, delay, where its wave
    lies, first input, first operation. inputs : int64[m, 4]: net, first step, length, place of its wave. ops : int64[k, 4] as in a line; operands
    are the node's inputs and then its scratch. size : steps of all waves that live at once. longest : of one node. scratch : most slots of one.
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
    """delays : of every net's driver, steps, at least 1. Registers change at their delay after the clock, inputs at once."""
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
    room, table, inputs, ops, longest, scratch = _Room(), [], [], [], 1, 1
    for node in nodes:
        nets = [n for n in reads[node.net] if n > 1]
        start = int(min((first[n] for n in nets), default=0))
        span = int(max((first[n] + length[n] for n in nets), default=0)) - start
        delay = max(int(delays[node.net]), 1)
        mine: list[tuple[int, int, int, int]] = []
        slots = {net: i for i, net in enumerate(reads[node.net])}
        count = len(slots)

        def fresh() -> int:
            nonlocal count
            count += 1
            return count - 1

        target = fresh()
        emit(node.tree, slots, target, fresh, mine)
        at = room.take(span) if span else 0
        table.append((node.net, start, span, delay, at, len(inputs), len(ops)))
        inputs += [(net, first[net], length[net], place[net]) for net in reads[node.net]]
        ops += [(code, a, b, out) for code, a, b, out in mine]
        first[node.net], length[node.net], place[node.net] = start + delay, span, at
        longest, scratch = max(longest, span + delay), max(scratch, count)
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


def run_waves(
    waves: Waves, values: np.ndarray, before: np.ndarray, mask: np.ndarray, total: np.ndarray
) -> None:
    """Add to ``total`` the toggles beyond the settled ones. values, before : uint64[nets, words], settled, of this cycle and the one before."""
    room = np.empty(waves.size * WORDS, np.uint64)
    scratch = np.empty((waves.scratch, (waves.longest + 1) * WORDS), np.uint64)
    other = np.empty((waves.longest + 1) * WORDS, np.uint64)
    _waves(waves.nodes, waves.inputs, waves.ops, values, before, mask, room, scratch, other, total)


@numba.njit(nogil=True, cache=True, boundscheck=False)
def _fetch(out, room, values, before, net, first, length, place, start, span):
    """The wave of an input from step ``start`` on, ``span`` steps."""
    W = WORDS
    early = max(min(first - start, span), 0)
    wave = min(length, span - early)
    skip = max(start - first, 0)
    for t in range(early):
        for w in range(W):
            out[t * W + w] = before[net, w]
    n = max(wave - skip, 0)
    base, to = (place + skip) * W, early * W
    for i in range(n * W):
        out[to + i] = room[base + i]
    for t in range(early + n, span):
        for w in range(W):
            out[t * W + w] = values[net, w]


@numba.njit(nogil=True, cache=True, boundscheck=False)
def _waves(nodes, inputs, ops, values, before, mask, room, scratch, other, total):
    W = WORDS
    ones = ~np.uint64(0)
    for i in range(nodes.shape[0] - 1):
        net, start, span, delay, place = nodes[i, 0], nodes[i, 1], nodes[i, 2], nodes[i, 3], nodes[i, 4]
        if span == 0:
            continue
        m = nodes[i + 1, 5] - nodes[i, 5]
        for k in range(m):
            row = inputs[nodes[i, 5] + k]
            _fetch(scratch[k], room, values, before, row[0], row[1], row[2], row[3], start, span)
        size = span * W
        for k in range(nodes[i, 6], nodes[i + 1, 6]):
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
        f = scratch[m]
        for t in range(span, span + delay):  # settled from here on
            for w in range(W):
                f[t * W + w] = values[net, w]
        # f where it stays 1, and where it stays 0, for ``delay`` steps
        for j in range((span + delay) * W):
            other[j] = f[j]
        reach = 1
        while reach < delay:
            shift = min(reach, delay - reach)
            for j in range((span + delay - reach - shift) * W):
                f[j] = f[j] & f[j + shift * W]
                other[j] = other[j] | other[j + shift * W]
            reach += shift
        wave = room[place * W : (place + span) * W]
        found = np.uint64(0)
        for w in range(W):
            y = before[net, w]
            changes = np.uint64(0)
            for t in range(span):
                now = f[t * W + w] | (y & other[t * W + w])
                wave[t * W + w] = now
                changes += popcount((now ^ y) & mask[w])
                y = now
            changes += popcount((y ^ values[net, w]) & mask[w])
            changes -= popcount((before[net, w] ^ values[net, w]) & mask[w])
            found += changes
        total[net] += np.int64(found)
