"""The array in integers: what a program computes, step by step, and the plain convolution it has to equal."""

from __future__ import annotations

from typing import Any

import numpy as np

from hd_plugin.bits import decode
from hd_plugin.bits._compiled import compiled
from hd_plugin.errors import InputError
from hd_plugin.hardware._activations import Activations
from hd_plugin.hardware._program import Program
from hd_plugin.weights import Layer

__all__ = ["NO_SUM", "convolution", "run_program"]

NO_SUM = np.iinfo(np.int64).min  # of an output channel that no address holds

_BLOCK = 512  # pixels whose sums stay in the cache


@compiled()
def _run(values, used, outputs, inputs, taps, patches, sums):
    groups, K, _ = values.shape
    pixels = patches.shape[2]
    for start in range(0, pixels, _BLOCK):
        stop = min(start + _BLOCK, pixels)
        for g in range(groups):
            for s in range(K):
                total = sums[outputs[g, s], start:stop]
                for r in range(used[g]):
                    weight = values[g, s, r]
                    if weight != 0:
                        row = patches[inputs[g, r], taps[g], start:stop]
                        for p in range(row.size):
                            total[p] += weight * row[p]


@compiled()
def _run_table(words, used, where, patterns, sums, table):
    """As ``_run``, with what ``table``, by weight and activation, has in place of a product."""
    outputs, inputs, taps = where
    groups, K, _ = words.shape
    pixels = patterns.shape[2]
    for start in range(0, pixels, _BLOCK):
        stop = min(start + _BLOCK, pixels)
        for g in range(groups):
            for s in range(K):
                total = sums[outputs[g, s], start:stop]
                for r in range(used[g]):
                    made = table[words[g, s, r]]
                    row = patterns[inputs[g, r], taps[g], start:stop]
                    for p in range(row.size):
                        total[p] += made[row[p]]


def run_program(made: Program, activations: Activations, code_table: np.ndarray | None = None) -> np.ndarray:
    """Sums by output channel, int64[K, pixels], as the array makes them: step by step, through the tables.

    Activations lie in file order, or in the order that the tables were made for. code_table : what is added
    in place of the product, by bit patterns, int64[2**activation bits, 2**weight bits]. Raises InputError
    when they are of another size, or the program is not whole; NO_SUM where an output channel has no address.
    """
    made.check()
    K, C, Fy, Fx = made.tables.shape
    _check_size(made.tables.layer, C, Fy * Fx, activations)
    t, used = made.tables, made.used
    where = t.output_addresses, t.input_addresses, t.taps
    if code_table is None:
        # the widest sum: an int32 unless it could overflow
        kind = _kind(C * Fy * Fx << (made.bits - 1 + activations.bits))
        at_address: np.ndarray = np.zeros((K, activations.patches.shape[2]), kind)
        values: np.ndarray = decode(made.words, made.bits, made.number_format).astype(kind)
        _run(values, used, *where, np.ascontiguousarray(activations.patches, kind), at_address)
    else:
        table = _by_weight(code_table, made.bits, activations, C * Fy * Fx)
        at_address = np.zeros((K, activations.patches.shape[2]), table.dtype)
        _run_table(made.words, used, where, activations.patterns, at_address, table)
    sums = np.full(at_address.shape, NO_SUM, np.int64)
    sums[t.output_order] = at_address
    return sums


def _kind(most: int) -> type[np.signedinteger[Any]]:
    """Of sums that are at most this large."""
    return np.int32 if most < 2**31 else np.int64


def _by_weight(code_table: np.ndarray, bits: int, activations: Activations, products: int) -> np.ndarray:
    """The table by weight and activation, of a type that holds a sum of so many entries.

    Raises InputError for a table of other widths.
    """
    table, wanted = np.asarray(code_table), (1 << activations.bits, 1 << bits)
    if table.shape != wanted:
        raise InputError(f"code table: {list(table.shape)} found; {list(wanted)} is needed")
    return np.ascontiguousarray(table.T, _kind(products * int(np.abs(table).max())))


def _check_size(layer: str, C: int, taps: int, activations: Activations) -> None:
    if activations.patches.shape[:2] != (C, taps):
        found = list(activations.patches.shape)
        raise InputError(f"activations: {found} found; layer {layer!r} needs [{C}, {taps}, pixels]")


@compiled()
def _convolve(codes, patterns, table, sums):
    for k in range(codes.shape[0]):
        for c in range(codes.shape[1]):
            made, row = table[codes[k, c]], patterns[c]
            for p in range(row.size):
                sums[k, p] += made[row[p]]


def convolution(layer: Layer, activations: Activations, code_table: np.ndarray | None = None) -> np.ndarray:
    """The layer's plain convolution, int64[K, pixels]; no plan, no address table.

    code_table : what stands in place of the product, as for ``run_program``. Exact: float64 holds these
    integers (below 2**53). Raises InputError for activations or a table of another size.
    """
    _check_size(layer.name, layer.C, layer.taps, activations)
    if code_table is not None:
        table = _by_weight(code_table, layer.bits, activations, layer.C * layer.taps)
        patterns = activations.patterns.reshape(layer.C * layer.taps, -1)
        sums = np.zeros((layer.K, patterns.shape[1]), table.dtype)
        _convolve(np.ascontiguousarray(layer.codes.reshape(layer.K, -1), np.uint16), patterns, table, sums)
        return sums.astype(np.int64)
    weights = layer.values.reshape(layer.K, -1).astype(np.float64)
    return (weights @ activations.patches.reshape(weights.shape[1], -1).astype(np.float64)).astype(np.int64)
