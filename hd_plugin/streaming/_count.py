"""Flips of a plan: the paper's count (one pass over each group) and what the weight wires really see."""

from __future__ import annotations

import numpy as np

from hd_plugin.bits import hamming, stream_flips
from hd_plugin.errors import InputError
from hd_plugin.streaming._plan import StreamPlan
from hd_plugin.weights import Layer, as_layer

__all__ = ["flips", "group_flips", "hardware_flips", "nhd"]


def group_flips(layer: Layer, plan: StreamPlan) -> np.ndarray:
    """Flips of one pass over each group: int64[groups]. Raises PlanMismatch for other weights."""
    plan.check(layer)
    return np.array([stream_flips(plan.words(layer, g)) for g in plan.groups], np.int64)


def flips(layer: Layer | np.ndarray, plan: StreamPlan | None = None) -> int:
    """Total bit flips of streaming the layer once (paper, section 4.1); file order without a plan.

    Sum over groups, over consecutive pairs in the group's order, over its rows, of HD. layer : or an array of
    weights, as ``as_layer`` takes it.
    """
    layer = as_layer(layer)
    if plan is None:
        return stream_flips(layer.codes)  # every row streams in the same order: cuts do not matter
    return int(group_flips(layer, plan).sum())


def nhd(layer: Layer | np.ndarray, plan: StreamPlan | None = None) -> float:
    """Normalised Hamming distance, flips / (C * taps * (K - 1) * bits), in [0, 1]; 0 when K = 1."""
    layer = as_layer(layer)
    most = layer.C * layer.taps * (layer.K - 1) * layer.bits
    return flips(layer, plan) / most if most else 0.0


def _joins(ends: list[tuple[np.ndarray, np.ndarray]], held: np.ndarray) -> int:
    """Flips of entering each group in turn; ``held`` int64[rows]: what the wires hold, -1 for nothing yet."""
    total = 0
    for first, last in ends:
        used = slice(0, first.size)
        before = held[used]
        known = before >= 0
        total += int(hamming(before[known], first[known]).sum())
        held[used] = last
    return total


def hardware_flips(layer: Layer | np.ndarray, plan: StreamPlan, tiles: int, alternate: bool = False) -> int:
    """Flips of the array's weight inputs over a whole layer of ``tiles`` tiles of ``cols`` output pixels.

    Tiles outermost, groups inside, K innermost: each switch of groups and each wrap from tile to tile flips
    bits too. Rows that a group does not use hold their last word; the first word of all is loaded for free.
    ``alternate``: every other tile runs groups and orders backwards, which makes the wrap free.
    Raises InputError when tiles < 1, PlanMismatch for other weights.
    """
    if tiles < 1:
        raise InputError(f"tiles: {tiles} found; at least 1 is needed")
    layer = as_layer(layer)
    inside = flips(layer, plan)
    ends = [
        (w[0].astype(np.int64), w[-1].astype(np.int64)) for w in (plan.words(layer, g) for g in plan.groups)
    ]
    back = [(last, first) for first, last in reversed(ends)]
    held = np.full(plan.rows, -1, np.int64)
    total = _joins(ends, held)
    # what the wires hold at the end of a pass depends on that pass alone, so later passes repeat
    second = _joins(back if alternate else ends, held)
    third = _joins(ends, held)
    rest = tiles - 1
    return tiles * inside + total + (rest + 1) // 2 * second + rest // 2 * third
