"""A convolution whose products come from a table, exactly.

The products of one input with 16 output channels lie side by side, one row for each activation, so that 16
look-ups are the addition of a row: as fast for any table, and faster than a handful of exact products.
"""

from __future__ import annotations

import numpy as np

from hd_plugin.bits._compiled import compiled
from hd_plugin.encoding_mac._encoding import Encoding
from hd_plugin.errors import InputError
from hd_plugin.hardware import Activations
from hd_plugin.weights import Layer

__all__ = [
    "STEP",
    "TILE",
    "check_operands",
    "encoded_convolution",
    "product_rows",
    "table_sums",
    "weight_places",
]

TILE = 16  # output channels side by side: a vector register of 32-bit sums
STEP = 8  # inputs at a time: a sum is loaded and stored once for all of them
_BLOCK = 2048  # pixels whose sums stay in the cache


@compiled()
def product_rows(table, weights, rows):
    """rows[input, activation, k] = table[weights[k, input], activation] of TILE output channels.

    0 beyond the last input or channel.
    """
    channels, inputs = weights.shape
    rows[:] = 0
    for i in range(inputs):
        for k in range(channels):
            own = table[weights[k, i]]
            for a in range(own.size):
                rows[i, a, k] = own[a]


@compiled()
def _add(rows, patches, sums):
    """sums[pixel, k] += rows[input, patches[input, pixel], k], over all inputs."""
    inputs, pixels = patches.shape
    for start in range(0, pixels, _BLOCK):
        stop = min(start + _BLOCK, pixels)
        for i in range(0, inputs, STEP):
            i1, i2, i3 = min(i + 1, inputs - 1), min(i + 2, inputs - 1), min(i + 3, inputs - 1)
            i4, i5, i6 = min(i + 4, inputs - 1), min(i + 5, inputs - 1), min(i + 6, inputs - 1)
            i7 = min(i + 7, inputs - 1)  # rows beyond the last input are 0, whatever they are asked for
            for p in range(start, stop):
                total = sums[p]
                r0, r1 = rows[i, patches[i, p]], rows[i + 1, patches[i1, p]]
                r2, r3 = rows[i + 2, patches[i2, p]], rows[i + 3, patches[i3, p]]
                r4, r5 = rows[i + 4, patches[i4, p]], rows[i + 5, patches[i5, p]]
                r6, r7 = rows[i + 6, patches[i6, p]], rows[i + 7, patches[i7, p]]
                for k in range(TILE):
                    # one after another in the sum's own type: no row's type is wide enough for two
                    total[k] = total[k] + r0[k] + r1[k] + r2[k] + r3[k] + r4[k] + r5[k] + r6[k] + r7[k]


def table_sums(table: np.ndarray, weights: np.ndarray, patches: np.ndarray) -> np.ndarray:
    """sum over inputs i of table[patches[i, p], weights[k, i]], int64[K, pixels]; exact.

    table : integers[activations, weights], as ``Encoding.table`` gives it. weights : uint8[K, inputs] and
    patches : uint8[inputs, pixels], places in the table. A padded zero is an activation like any other: the
    array streams it, so it counts with what the table says of it.
    """
    K, inputs = weights.shape
    middle = (int(table.min()) + int(table.max())) // 2
    centred = np.ascontiguousarray((table - middle).T)
    most = int(np.abs(centred).max())
    wide = inputs * most >= 1 << 31
    sum_kind = np.dtype(np.int64 if wide else np.int32)
    row_kind = sum_kind if most >= 1 << 15 else np.dtype(np.int16)
    centred = centred.astype(row_kind)
    rows = np.empty((-(-inputs // STEP) * STEP, centred.shape[1], TILE), row_kind)
    found = np.empty((K, patches.shape[1]), np.int64)
    for k in range(0, K, TILE):
        tile = weights[k : k + TILE]
        product_rows(centred, tile, rows)
        sums = np.zeros((patches.shape[1], TILE), sum_kind)
        _add(rows, patches, sums)
        found[k : k + TILE] = sums.T[: len(tile)]
    found += inputs * middle
    return found


def encoded_convolution(encoding: Encoding, layer: Layer, activations: Activations) -> np.ndarray:
    """The layer's convolution with every product from ``encoding.table()``, int64[K, pixels].

    The constant is in every product, as it is in the table. Raises InputError for activations of another
    size, or operands of other widths or signs than the encoding's.
    """
    if activations.patches.shape[:2] != (layer.C, layer.taps):
        found = list(activations.patches.shape)
        raise InputError(
            f"activations: {found} found; layer {layer.name!r} needs [{layer.C}, {layer.taps}, pixels]"
        )
    check_operands(encoding, f"layer {layer.name!r}", layer.bits, activations.bits, activations.signed)
    low = -(1 << encoding.a_bits - 1) if encoding.a_signed else 0
    patches = (activations.patches - low).astype(np.uint8).reshape(-1, activations.patches.shape[2])
    return table_sums(encoding.table(), weight_places(layer), patches)


def check_operands(encoding: Encoding, where: str, w_bits: int, a_bits: int, a_signed: bool) -> None:
    """Raises InputError that begins with ``where`` when the encoding is for other operands."""
    needed = _told(a_bits, a_signed), _told(w_bits, True)
    found = _told(encoding.a_bits, encoding.a_signed), _told(encoding.w_bits, encoding.w_signed)
    if needed != found:
        raise InputError(
            f"{where}: activations are {needed[0]} and weights {needed[1]}; encoding {encoding.name!r} takes "
            f"{found[0]} and {found[1]}"
        )


def _told(bits: int, signed: bool) -> str:
    return f"{'signed' if signed else 'unsigned'} {bits}-bit"


def weight_places(layer: Layer) -> np.ndarray:
    """Where the layer's weights stand in a table, uint8[K, C * taps]."""
    half = 1 << layer.bits - 1
    return (layer.values.reshape(layer.K, -1) + half).astype(np.uint8)
