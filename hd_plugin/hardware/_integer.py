"""The array in integers: what a program computes, step by step, and the plain convolution it has to equal."""

from __future__ import annotations

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


def run_program(made: Program, activations: Activations) -> np.ndarray:
    """Sums by output channel, int64[K, pixels], as the array makes them: step by step, through the tables.

    Activations lie in file order, or in the order that the tables were made for. Raises InputError when
    they are of another size, or the program is not whole; NO_SUM where an output channel has no address.
    """
    made.check()
    K, C, Fy, Fx = made.tables.shape
    _check_size(made.tables.layer, C, Fy * Fx, activations)
    # the widest sum: an int32 unless it could overflow
    most = C * Fy * Fx << (made.bits - 1 + activations.bits)
    kind = np.int32 if most < 2**31 else np.int64
    values = decode(made.words, made.bits, made.number_format).astype(kind)
    at_address = np.zeros((K, activations.patches.shape[2]), kind)
    t = made.tables
    _run(
        values,
        made.used,
        t.output_addresses,
        t.input_addresses,
        t.taps,
        np.ascontiguousarray(activations.patches, kind),
        at_address,
    )
    sums = np.full(at_address.shape, NO_SUM, np.int64)
    sums[t.output_order] = at_address
    return sums


def _check_size(layer: str, C: int, taps: int, activations: Activations) -> None:
    if activations.patches.shape[:2] != (C, taps):
        found = list(activations.patches.shape)
        raise InputError(f"activations: {found} found; layer {layer!r} needs [{C}, {taps}, pixels]")


def convolution(layer: Layer, activations: Activations) -> np.ndarray:
    """The layer's plain convolution, int64[K, pixels]; no plan, no table.

    Exact: float64 holds these integers (below 2**53). Raises InputError for activations of another size.
    """
    _check_size(layer.name, layer.C, layer.taps, activations)
    weights = layer.values.reshape(layer.K, -1).astype(np.float64)
    return (weights @ activations.patches.reshape(weights.shape[1], -1).astype(np.float64)).astype(np.int64)
