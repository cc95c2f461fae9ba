"""What the array's inputs see, cycle by cycle, while a layer streams through it under a plan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hd_plugin.hardware import Activations, Program, group_inputs, tiles_of

__all__ = ["Stimulus", "stimulus"]


@dataclass(frozen=True, eq=False)
class Stimulus:
    """ports : bool[bits, cycles] by input of hd_array.

    tiles : of ``cols`` pixels, as many as were streamed. span : cycles of a group.
    """

    ports: dict[str, np.ndarray]
    tiles: int
    span: int


def stimulus(made: Program, inputs: Activations, cols: int, tiles: int = 1, latency: int = 0) -> Stimulus:
    """The words, and the activations that are loaded while the group before streams.

    All as hd_datapath and its test bench drive it. Groups follow each other without a gap, except that
    loading a group's activations takes 2 * rows + cols cycles: a shorter group waits. All registers start at
    0. latency : of the array's sums, where that is more than its rows: the end waits for them. Raises
    InputError for less than one tile.
    """
    groups, K, rows = made.words.shape
    tiles = tiles_of(inputs, cols, tiles)
    span = max(K, 2 * rows + cols)
    passes = tiles * groups
    cycles = span * (passes + 1) + max(rows, latency) + cols + 3
    words = np.zeros((rows, cycles), np.uint16)
    act = np.zeros((cols, cycles), np.int64)
    shift, swap = np.zeros((1, cycles), bool), np.zeros((1, cycles), bool)
    held = np.zeros(rows, np.uint16)
    for p in range(passes):
        g = p % groups
        start = span * (p + 1)
        load = start - 1 - span + rows + cols  # the array gets its words one cycle after the datapath does
        shift[0, load : load + rows] = True
        swap[0, start - 1] = True  # one cycle ahead of the group's first words
        acts = group_inputs(made, inputs, g, p // groups, cols)
        act[:, load : load + rows] = acts[:, ::-1]
        until = span if p + 1 < passes else cycles  # the next pass goes on from there
        act[:, load + rows : load + until] = acts[:, :1]  # nothing moves the input wires until the next load
        used = int(made.used[g])
        words[:used, start : start + K] = made.words[g, :, :used].T
        held[:used] = made.words[g, -1, :used]
        words[:used, start + K : start + until] = held[:used, None]
        words[used:, start : start + until] = held[used:, None]
    bits, act_bits = made.bits, inputs.bits
    return Stimulus(
        {
            "act_shift": shift,
            "swap": swap,
            "weights": _planes(words, bits),
            "act_in": _planes(act & ((1 << act_bits) - 1), act_bits),
        },
        tiles,
        span,
    )


def _planes(values: np.ndarray, bits: int) -> np.ndarray:
    """[lanes, cycles] -> bool[lanes * bits, cycles], lane by lane, least significant bit first."""
    lanes, cycles = values.shape
    places = np.arange(bits)[:, None].astype(values.dtype)
    return ((values[:, None, :] >> places) & 1).astype(bool).reshape(lanes * bits, cycles)
