"""From an exact encoding down: one output after another is left out, the one that the error needs least."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hd_plugin.encoding_mac._encoding import Encoding
from hd_plugin.encoding_mac._planes import add_plane, class_ranges, encoding_error, output_planes

__all__ = ["leave_out"]


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
        found.append(
            replace(
                encoding,
                outputs=tuple(encoding.outputs[k] for k in kept),
                weights=tuple(weights[k] for k in kept),
                constant=constant,
                name=f"{encoding.name}_{len(kept)}",
            )
        )
    return found


def _without(ranges: np.ndarray, weight: int) -> int:
    """How wide the error is when an output of ``weight`` is left out."""
    (low, high), (low1, high1) = ranges.tolist()
    if low1 > high1:
        return high - low
    if low > high:
        return high1 - low1
    return max(high, high1 - weight) - min(low, low1 - weight)
