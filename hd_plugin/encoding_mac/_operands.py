"""What two operands' bit patterns stand for, and how often they meet in real layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hd_plugin.bits import decode
from hd_plugin.errors import InputError
from hd_plugin.hardware import Activations
from hd_plugin.weights import Layer

__all__ = ["operand_distribution", "operand_values"]


def operand_values(bits: int, signed: bool) -> np.ndarray:
    """What the patterns 0 to 2**bits - 1 stand for, int64."""
    codes = np.arange(1 << bits)
    return decode(codes.astype(np.uint16), bits).astype(np.int64) if signed else codes.astype(np.int64)


def operand_distribution(layers: Sequence[Layer], activations: Mapping[str, Activations]) -> np.ndarray:
    """How often each pair of an activation and a weight meets in ``layers``.

    float64[2**a_bits, 2**w_bits], adding up to 1, operands ascending, weights two's complement.
    activations : of each layer by name, all of one width and sign; a weight meets all activations of
    its channel and tap. Raises InputError for a layer without activations, or for several widths.
    """
    total = None
    kinds = {(a.bits, a.signed, layer.bits) for layer in layers if (a := activations.get(layer.name))}
    if len(kinds) != 1 or any(layer.name not in activations for layer in layers):
        raise InputError(f"distribution: activations of one width for every layer are needed, {kinds} found")
    [(a_bits, a_signed, w_bits)] = kinds
    for layer in layers:
        seen = activations[layer.name].patches.reshape(layer.C * layer.taps, -1)
        words = layer.codes.transpose(1, 2, 3, 0).reshape(layer.C * layer.taps, -1)
        acts = _counts(seen & ((1 << a_bits) - 1), 1 << a_bits)
        weights = _counts(words, 1 << w_bits)
        # all output pixels count, however few of them were drawn
        scale = np.prod(layer.output_hw or (1, 1)) / seen.shape[1]
        pairs = scale * (acts.T @ weights)
        total = pairs if total is None else total + pairs
    assert total is not None
    order = [np.argsort(operand_values(b, s)) for b, s in ((a_bits, a_signed), (w_bits, True))]
    return total[np.ix_(*order)] / total.sum()


def _counts(values: np.ndarray, size: int) -> np.ndarray:
    """How often each value stands in each row, float64[rows, size]."""
    rows = np.arange(len(values))[:, None] * size
    return np.bincount((rows + values).ravel(), minlength=len(values) * size).reshape(-1, size).astype(float)
