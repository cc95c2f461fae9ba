"""How often every net toggles: all cells at once, 64 clock cycles in a machine word (compiled)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hd_plugin.bits._compiled import compiled
from hd_plugin.bits._popcount import popcount
from hd_plugin.errors import InputError
from hd_plugin.gates._line import Line, compile_line
from hd_plugin.gates._netlist import Netlist
from hd_plugin.gates._schedule import Schedule
from hd_plugin.gates._waves import WORDS, Waves, compile_waves, run_waves

__all__ = ["GateSimulator", "Toggles"]


@dataclass(frozen=True, eq=False)
class Toggles:
    """nets : int64[nets], how often each changed, between cycles and, with glitches, inside of them.

    cycles : how many there were. outputs : by port, bool[bits, cycles], if asked for.
    """

    nets: np.ndarray
    cycles: int
    outputs: dict[str, np.ndarray]


@compiled(boundscheck=False)
def _scan(zero, one, held):
    """q of 64 cycles, and after them: q[t + 1] = one[t] if q[t] else zero[t], and it begins with ``held``."""
    f0, f1 = zero, one  # from t to t + 1, then to t + 2, ... by doubling
    step = np.uint64(1)
    for _ in range(6):
        low = (np.uint64(1) << step) - np.uint64(1)  # earlier than the word begins: no change
        p0, p1 = f0 << step, (f1 << step) | low
        f0, f1 = (f0 & ~p0) | (f1 & p0), (f0 & ~p1) | (f1 & p1)
        step = step << np.uint64(1)
    after = f1 if held else f0  # bit t: q[t + 1]
    return (after << np.uint64(1)) | np.uint64(held), after >> np.uint64(63)


@compiled(boundscheck=False)
def _run(ops, values, state, words):
    register = 0
    for i in range(ops.shape[0]):
        code, a, b, out = ops[i, 0], ops[i, 1], ops[i, 2], ops[i, 3]
        va, vb, vo = values[a], values[b], values[out]
        if code == 2:
            for w in range(words):
                vo[w] = va[w] & vb[w]
        elif code == 1:
            for w in range(words):
                vo[w] = ~va[w]
        elif code == 3:
            for w in range(words):
                vo[w] = va[w] | vb[w]
        elif code == 4:
            for w in range(words):
                vo[w] = va[w] ^ vb[w]
        elif code == 0:
            for w in range(words):
                vo[w] = va[w]
        elif code == 5:
            value = ~np.uint64(0) if a else np.uint64(0)
            for w in range(words):
                vo[w] = value
        elif code == 6:
            carry = state[register]
            for w in range(words):
                x = va[w]
                vo[w] = (x << np.uint64(1)) | carry
                carry = x >> np.uint64(63)
            state[register] = carry
            register += 1
        else:
            held = state[register]
            for w in range(words):
                vo[w], held = _scan(va[w], vb[w], held)
            state[register] = held
            register += 1


@compiled(boundscheck=False)
def _changes(values, nets, last, mask, words, before, total):
    """``before`` [nets, words] gets the values of one cycle earlier; ``mask`` has the cycles that count."""
    for n in range(nets):
        carry, found = last[n], np.uint64(0)
        for w in range(words):
            x = values[n, w]
            y = (x << np.uint64(1)) | carry
            before[n, w] = y
            found += popcount((x ^ y) & mask[w])
            carry = x >> np.uint64(63)
        last[n] = carry
        total[n] += np.int64(found)


def _pack(planes: np.ndarray) -> np.ndarray:
    """bool[bits, cycles] as words of time, uint64[bits, words]: bit t of word w is cycle 64 w + t."""
    bits, cycles = planes.shape
    padded = np.zeros((bits, -(-cycles // 64) * 64), np.uint8)
    padded[:, :cycles] = planes
    return np.packbits(padded, axis=1, bitorder="little").view(np.uint64)


class GateSimulator:
    """A netlist, compiled once; ``run`` as often as wanted, from several threads if wanted.

    delays : for glitches, the delay of every net's driver in steps of time, int[nets] (None: settled values
    only). A pulse shorter than the delay of the cell that would pass it on is swallowed (inertial delays, as
    ``assign #delay`` in Verilog).
    """

    def __init__(self, schedule: Schedule, delays: np.ndarray | None = None) -> None:
        self.netlist: Netlist = schedule.netlist
        self.clock = schedule.clock
        self.line: Line = compile_line(schedule)
        self.waves: Waves | None = None if delays is None else compile_waves(schedule, np.asarray(delays))

    def run(self, stimulus: Mapping[str, np.ndarray], outputs: bool = False) -> Toggles:
        """Simulate as many cycles as the stimulus has; all registers start at 0.

        stimulus : for every input but the clock, bool[bits, cycles]. outputs : also their settled values.
        Raises InputError for an input that is missing or of another length.
        """
        lanes, cycles = self._lanes(stimulus)
        line, words = self.line, -(-cycles // 64)
        values = np.zeros((line.slots, WORDS), np.uint64)
        values[1] = ~np.uint64(0)
        before = np.zeros((line.nets, WORDS), np.uint64)
        state = np.zeros(line.registers, np.uint64)
        last, total = np.zeros(line.nets, np.uint64), np.zeros(line.nets, np.int64)
        last[1] = 1
        seen: dict[str, list[np.ndarray]] = {name: [] for name in self.netlist.outputs} if outputs else {}
        valid = _valid(cycles)
        for start in range(0, words, WORDS):
            n, mask = min(WORDS, words - start), valid[start : start + WORDS]
            for net, lane in lanes:
                values[net, :n] = lane[start : start + n]
            _run(line.ops, values, state, n)
            _changes(values, line.nets, last, mask, n, before, total)
            if self.waves is not None:
                run_waves(self.waves, values, before, mask, total)
            for name in seen:
                seen[name].append(values[self.netlist.outputs[name], :n].copy())
        values_seen = {name: _unpack(np.concatenate(parts, axis=1), cycles) for name, parts in seen.items()}
        return Toggles(total[: len(self.netlist.names)], cycles, values_seen)

    def _lanes(self, stimulus: Mapping[str, np.ndarray]) -> tuple[list[tuple[int, np.ndarray]], int]:
        """Every input net with its words of time, and the number of cycles."""
        given = {name: np.asarray(values) for name, values in stimulus.items()}
        lengths = {v.shape[-1] if v.ndim else 0 for v in given.values()}
        wanted = [name for name, nets in self.netlist.inputs.items() if nets != [self.clock]]
        if missing := [name for name in wanted if name not in given]:
            raise InputError(f"stimulus: input {missing[0]!r} is missing")
        if len(lengths) != 1 or lengths == {0}:
            raise InputError(f"stimulus: lengths {sorted(lengths)} found; one for all is needed")
        lanes: list[tuple[int, np.ndarray]] = []
        for name, values in given.items():
            nets = self.netlist.port(name)
            if values.ndim == 2 and values.shape[0] == len(nets):
                lanes += zip(nets, _pack(values.astype(np.uint8)))
            else:
                raise InputError(
                    f"stimulus: input {name!r}: {list(values.shape)} found; [{len(nets)}, cycles] is needed"
                )
        return lanes, lengths.pop()


def _valid(cycles: int) -> np.ndarray:
    """A 1 for every cycle that has one before it, uint64, whole blocks of WORDS."""
    words = -(-cycles // 64)
    valid = np.zeros(-(-words // WORDS) * WORDS, np.uint64)
    valid[:words] = ~np.uint64(0)
    if cycles % 64:
        valid[words - 1] = (np.uint64(1) << np.uint64(cycles % 64)) - np.uint64(1)
    valid[0] &= ~np.uint64(1)  # nothing comes before the first cycle
    return valid


def _unpack(lanes: np.ndarray, cycles: int) -> np.ndarray:
    """uint64[bits, words] -> bool[bits, cycles]."""
    bits = np.unpackbits(np.ascontiguousarray(lanes).view(np.uint8), axis=1, bitorder="little")
    return bits[:, :cycles].astype(bool)
