"""What moves at the outputs of an encoded array's PEs, and in its sums, while a layer streams (compiled)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hd_plugin.bits._compiled import compiled
from hd_plugin.bits._popcount import popcount
from hd_plugin.encoding_mac._encoding import Encoding
from hd_plugin.errors import InputError
from hd_plugin.hardware import Activations, Program, group_inputs, tiles_of

__all__ = ["OutputActivity", "output_activity", "output_classes"]


class OutputActivity(NamedTuple):
    """outputs : flips of the outputs of all PEs, by size of position weight, float64[classes].

    columns : columns in which any output flips, over all steps. sums : flips of the columns' sums by bit,
    float64[bits of a sum].
    """

    outputs: np.ndarray
    columns: float
    sums: np.ndarray


def output_classes(encoding: Encoding) -> list[np.ndarray]:
    """The outputs of each size of position weight, ascending: they are counted together."""
    sizes = np.abs(np.array(encoding.weights))
    return [np.flatnonzero(sizes == size) for size in np.unique(sizes)]


def output_activity(
    made: Program, inputs: Activations, encoding: Encoding, size: tuple[int, int] = (8, 16), tiles: int = 1
) -> OutputActivity:
    """Count ``tiles`` tiles from an array that is all 0. size : columns, and bits of a sum.

    Raises InputError for a program or inputs of other widths than the encoding's, or less than one tile.
    """
    if (made.bits, inputs.bits, inputs.signed) != (encoding.w_bits, encoding.a_bits, encoding.a_signed):
        raise InputError(
            f"encoding {encoding.name!r}: {encoding.a_bits}-bit activations (signed: {encoding.a_signed}), "
            f"{encoding.w_bits}-bit weights; {inputs.bits} (signed: {inputs.signed}) and {made.bits} found"
        )
    cols, psum_bits = size
    tiles = tiles_of(inputs, cols, tiles)
    groups = range(len(made.words))
    held = [[group_inputs(made, inputs, g, t, cols) for g in groups] for t in range(tiles)]
    acts = np.array(held, np.int64) & ((1 << encoding.a_bits) - 1)
    masks = np.array([sum(1 << int(i) for i in own) for own in output_classes(encoding)], np.uint64)
    tables = encoding.output_words(), encoding.code_table() - encoding.constant
    outputs, columns, sums = _count(
        np.ascontiguousarray(made.words), made.used.astype(np.int64), tables, acts, (masks, psum_bits)
    )
    return OutputActivity(outputs, columns, sums)


@compiled()
def _count(words, used, tables, acts, counted):
    outputs, values = tables
    masks, psum_bits = counted
    tiles, groups, cols, rows = acts.shape
    found, sums, columns = np.zeros(masks.size), np.zeros(psum_bits), 0.0
    word = np.zeros(rows, np.int64)
    held = np.zeros((cols, rows), np.int64)
    total = np.full(cols, rows * values[0, 0], np.int64)
    for tile in range(tiles):
        for g in range(groups):
            for k in range(words.shape[1]):
                for c in range(cols):
                    moved, before = False, total[c]
                    for r in range(rows):
                        now = np.int64(words[g, k, r]) if r < used[g] else word[r]
                        a = acts[tile, g, c, r]
                        if now == word[r] and a == held[c, r]:
                            continue
                        x = outputs[a, now] ^ outputs[held[c, r], word[r]]
                        total[c] += values[a, now] - values[held[c, r], word[r]]
                        held[c, r] = a
                        if x:
                            moved = True
                            for m in range(masks.size):
                                found[m] += popcount(x & masks[m])
                    columns += moved
                    change = total[c] ^ before
                    for b in range(psum_bits):
                        sums[b] += (change >> b) & 1
                for r in range(used[g]):
                    word[r] = words[g, k, r]
    return found, columns, sums
