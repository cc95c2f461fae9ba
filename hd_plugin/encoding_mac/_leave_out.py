"""From an exact encoding down: one output after another is left out, the one that the error needs least.

``leave_out`` judges by the largest error, ``leave_out_by_data`` by the error over operands as they meet.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hd_plugin.encoding_mac._encoding import Encoding
from hd_plugin.encoding_mac._operands import operand_values
from hd_plugin.encoding_mac._planes import add_plane, class_ranges, encoding_error, output_planes

__all__ = ["leave_out", "leave_out_by_data"]


def leave_out(encoding: Encoding, fewest: int) -> list[Encoding]:
    """Encodings of ever fewer outputs, ``fewest`` in the last one, each with the constant that is best."""
    planes, weights = output_planes(encoding), list(encoding.weights)
    error, kept = encoding_error(encoding), list(range(encoding.bits))
    found = []
    while len(kept) > fewest:
        ranges = [(_without(class_ranges(error, planes[k]), weights[k]), abs(weights[k]), k) for k in kept]
        out = min(ranges)[2]
        kept.remove(out)
        add_plane(error, planes[out], np.int32(-weights[out]))
        constant = encoding.constant - (int(error.min()) + int(error.max())) // 2
        found.append(_kept(encoding, kept, constant))
    return found


def leave_out_by_data(encoding: Encoding, fewest: int, distribution: np.ndarray) -> list[Encoding]:
    """As ``leave_out``, but by the root mean square of the error; its mean is taken off by the constant.

    distribution : how likely each pair of operands is, as ``Encoding.errors`` takes it, adding up to 1.
    """
    share = _by_code(encoding, distribution)
    planes, weights = output_planes(encoding), np.array(encoding.weights, float)
    bits = np.unpackbits(planes.view(np.uint8), axis=1, bitorder="little")[:, : share.size].astype(float)
    error, kept = encoding_error(encoding)[: share.size].astype(float), list(range(encoding.bits))
    shared, found = bits * share, []
    ones = shared.sum(1)
    while len(kept) > fewest:
        # variance of error - weight * bit, less that of the error
        together = shared @ error - (share @ error) * ones
        more = weights**2 * (ones - ones**2) - 2 * weights * together
        out = min(kept, key=lambda k: (more[k], abs(weights[k]), k))
        kept.remove(out)
        error -= weights[out] * bits[out]
        found.append(_kept(encoding, kept, encoding.constant - round(float(share @ error))))
    return found


def _by_code(encoding: Encoding, distribution: np.ndarray) -> np.ndarray:
    """From operands ascending to codes ascending, float[pairs]."""
    sides = ((encoding.a_bits, encoding.a_signed), (encoding.w_bits, encoding.w_signed))
    places = [np.argsort(np.argsort(operand_values(bits, signed))) for bits, signed in sides]
    return np.ascontiguousarray(distribution[np.ix_(*places)]).ravel()


def _kept(encoding: Encoding, kept: list[int], constant: int) -> Encoding:
    return replace(
        encoding,
        outputs=tuple(encoding.outputs[k] for k in kept),
        weights=tuple(encoding.weights[k] for k in kept),
        constant=constant,
        name=f"{encoding.name}_{len(kept)}",
    )


def _without(ranges: np.ndarray, weight: int) -> int:
    """How wide the error is when an output of ``weight`` is left out."""
    (low, high), (low1, high1) = ranges.tolist()
    if low1 > high1:
        return high - low
    if low > high:
        return high1 - low1
    return max(high, high1 - weight) - min(low, low1 - weight)
