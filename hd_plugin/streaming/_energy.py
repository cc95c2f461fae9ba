"""Energy instead of flips: what a step costs, and on which row of the array each channel sits best.

A flip is not worth the same everywhere. A word that changes costs its transition (a table over both
patterns), and it changes every partial sum below it in the column. So a step costs the table, summed over the
rows, and the partial sums' bits that flip, for a sample of activations; and of the same channels the order of
rows matters: the sum at a row depends on the set of channels above it alone, so that the best order of up to
``_EXACT_ROWS`` rows is found exactly, by dynamic programming over sets.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hd_plugin._journal import Journal
from hd_plugin.bits import TransitionTable
from hd_plugin.bits._compiled import compiled
from hd_plugin.bits._popcount import popcount
from hd_plugin.errors import InputError
from hd_plugin.streaming._distances import NEVER, table_distances
from hd_plugin.streaming._plan import Group
from hd_plugin.weights import Layer

__all__ = ["EnergyObjective", "best_rows", "step_costs", "stream_cost"]

_EXACT_ROWS = 10
_ROW_SAMPLES = 32
_WORD = 64


@dataclass(frozen=True, eq=False)
class EnergyObjective:
    """What a search minimises in place of flips.

    table : what a change of a word costs. psum_bits : int64[bits], what a flip of each bit of a partial sum
    costs, in the table's unit. activations : integers[C, taps, samples], samples of each input channel's
    activations, a multiple of 64; a step's partial sums cost the mean over them. column : of an array whose
    columns add all rows at once, what a PE makes of each pair of bit patterns, int64[activations, words]: a
    step then costs the bits of the whole sum, and no row is better than another. None: products, and the
    partial sums of all rows.
    """

    table: TransitionTable
    psum_bits: np.ndarray
    activations: np.ndarray
    column: np.ndarray | None = None

    def check(self, layer: Layer) -> None:
        """Raise InputError unless this fits ``layer``."""
        C, taps = layer.C, layer.taps
        if self.table.bits != layer.bits:
            raise InputError(
                f"objective: made for {self.table.bits} bits, layer {layer.name!r} has {layer.bits}"
            )
        if (
            self.activations.ndim != 3
            or self.activations.shape[:2] != (C, taps)
            or self.activations.shape[2] % _WORD
            or not self.activations.shape[2]
        ):
            raise InputError(
                f"objective: activations {list(self.activations.shape)} found; "
                f"layer {layer.name!r} needs [{C}, {taps}, a multiple of {_WORD}]"
            )

    @cached_property
    def digest(self) -> bytes:
        """Of all that it holds."""
        own = () if self.column is None else (self.column,)
        return Journal.key("objective", (self.table.cost, self.psum_bits, self.activations, *own))

    def group(
        self, layer: Layer, tap: tuple[int, int], channels: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Codes uint16[K, rows] of a group, and what each PE adds to its column, int64[K, rows, samples]."""
        codes = np.ascontiguousarray(layer.codes[:, channels, tap[0], tap[1]], np.uint16)
        acts = self.activations[channels, tap[0] * layer.codes.shape[3] + tap[1]]
        if self.column is None:
            values = layer.values[:, channels, tap[0], tap[1]].astype(np.int64)
            return codes, values[:, :, None] * acts[None].astype(np.int64)
        return codes, self.column[acts[None] & (len(self.column) - 1), codes[:, :, None]]

    def sums(self, made: np.ndarray) -> np.ndarray:
        """What is added up of ``made``, int64[K, rows, samples]: a sum for each row, or one of all rows."""
        return np.cumsum(made, axis=1) if self.column is None else made.sum(axis=1, keepdims=True)


def step_costs(
    objective: EnergyObjective,
    layer: Layer,
    tap: tuple[int, int],
    channels: np.ndarray,
    stop: np.ndarray = NEVER,
) -> np.ndarray:
    """Cost of a step from each output channel to each other, ``channels`` on the rows: int32[K, K].

    stop : not 0 ends it, with costs that are of no use.
    """
    codes, made = objective.group(layer, tap, channels)
    d = table_distances(codes, objective.table.cost, stop)
    planes, weights = _planes(objective.sums(made), np.asarray(objective.psum_bits, np.int64))
    _add_plane_costs(d, planes, weights, made.shape[2], stop)
    return d


def stream_cost(objective: EnergyObjective, layer: Layer, group: Group) -> float:
    """Cost of one pass over a group, not rounded step by step."""
    codes, made = objective.group(layer, group.tap, group.channels)
    sums = np.ascontiguousarray(objective.sums(made[group.order]).transpose(1, 0, 2), np.int32)
    cost = _pattern_costs(objective, sums)
    return (
        objective.table.stream_cost(codes[group.order])
        + sum(_flips_cost(one, cost) for one in sums) / made.shape[2]
    )


def best_rows(
    objective: EnergyObjective, layer: Layer, tap: tuple[int, int], channels: np.ndarray, order: np.ndarray
) -> np.ndarray:
    """``channels`` in the order of rows that costs least while ``order`` streams: int64[rows].

    Exact up to 10 rows, for half of the samples that a step's cost is a mean of; beyond, neighbours are
    exchanged while that helps. What it was given, when all samples say that this costs less.
    """
    if objective.column is not None:
        return channels
    _, made = objective.group(layer, tap, channels)
    products = np.ascontiguousarray(made[order, :, :_ROW_SAMPLES].transpose(1, 0, 2), np.int32)
    cost = _pattern_costs(objective, np.abs(products).sum(axis=0, keepdims=True))
    found = channels[
        _best_rows(products, cost) if channels.size <= _EXACT_ROWS else _exchange_rows(products, cost)
    ]
    return min(found, channels, key=lambda c: stream_cost(objective, layer, Group(tap, c, order)))


def _pattern_costs(objective: EnergyObjective, sums: np.ndarray) -> np.ndarray:
    """What every pattern of flipped bits costs, for sums no larger than ``sums``: int32[2**bits].

    Bits above are copies of the sign, and cost what they cost together.
    """
    prices = np.asarray(objective.psum_bits, np.int64)
    needed = min(int(np.abs(sums).max(initial=0)).bit_length() + 1, prices.size)
    prices = np.append(prices[: needed - 1], prices[needed - 1 :].sum())
    cost = np.zeros(1 << prices.size, np.int32)
    for b, weight in enumerate(prices):
        cost[1 << b : 2 << b] = cost[: 1 << b] + weight
    return cost


def _planes(sums: np.ndarray, cost: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums, int64[K, rows, samples], as bit planes, uint64[planes, samples / 64, K], and what a flip costs.

    64 samples a word. What never flips is left out, and planes that are always equal, as the copies of a sign
    are, are one.
    """
    K, rows, _ = sums.shape
    found: list[np.ndarray] = []
    weights: list[int] = []
    for r in range(rows):
        previous = None
        for b, weight in enumerate(cost.tolist()):
            if not weight:
                continue
            bits = ((sums[:, r] >> b) & 1).astype(np.uint8)
            plane = np.packbits(bits, axis=1, bitorder="little").view(np.uint64)
            if previous is not None and np.array_equal(plane, previous):
                weights[-1] += weight
            elif (plane != plane[0]).any():
                found.append(plane.T)
                weights.append(weight)
                previous = plane
    if not found:
        return np.zeros((0, 1, K), np.uint64), np.zeros(0, np.int64)
    return np.ascontiguousarray(np.stack(found)), np.array(weights, np.int64)


@compiled()
def _add_plane_costs(d, planes, weights, samples, stop):
    K = d.shape[0]
    line = np.empty(K, np.int64)
    for i in range(K):
        if stop[0]:
            break
        line[:] = 0
        for q in range(planes.shape[0]):
            weight = weights[q]
            for w in range(planes.shape[1]):
                row = planes[q, w]
                x = row[i]
                for j in range(i):
                    line[j] += weight * np.int64(popcount(x ^ row[j]))
        for j in range(i):
            extra = np.int32((line[j] + samples // 2) // samples)
            d[i, j] += extra
            d[j, i] += extra


@compiled()
def _flips_cost(sums, cost):
    """What sums [K, samples] cost from step to step."""
    total = np.int64(0)
    mask = np.int32(cost.size - 1)
    for k in range(1, sums.shape[0]):
        for s in range(sums.shape[1]):
            total += cost[(sums[k, s] ^ sums[k - 1, s]) & mask]
    return total


@compiled()
def _best_rows(products, cost):
    """The order of rows that costs least, by dynamic programming over the sets of channels above a row."""
    rows, K, S = products.shape
    full = (1 << rows) - 1
    own = np.zeros(full + 1, np.int64)
    sums = np.zeros((K, S), np.int32)
    here = 0
    for i in range(1, full + 1):  # in Gray order one channel comes or goes at a time
        r = 0
        while not i >> r & 1:
            r += 1
        here ^= 1 << r
        if here >> r & 1:
            sums += products[r]
        else:
            sums -= products[r]
        own[here] = _flips_cost(sums, cost)
    best = np.full(full + 1, np.int64(1) << 62)
    came = np.zeros(full + 1, np.int8)
    best[0] = 0
    for here in range(1, full + 1):
        for r in range(rows):
            if here >> r & 1 and best[here ^ (1 << r)] < best[here]:
                best[here] = best[here ^ (1 << r)]
                came[here] = r
        best[here] += own[here]
    order = np.empty(rows, np.int64)
    here = full
    for at in range(rows - 1, -1, -1):
        order[at] = came[here]
        here ^= 1 << came[here]
    return order


@compiled()
def _exchange_rows(products, cost):
    """Neighbours change places while that helps: only the sum between them is another one then."""
    rows, K, S = products.shape
    alone = np.array([_flips_cost(products[r], cost) for r in range(rows)])
    order = np.argsort(alone)
    for _ in range(rows):
        moved = False
        above = np.zeros((K, S), np.int32)
        for r in range(rows - 1):
            if _flips_cost(above + products[order[r + 1]], cost) < _flips_cost(
                above + products[order[r]], cost
            ):
                order[r], order[r + 1] = order[r + 1], order[r]
                moved = True
            above += products[order[r]]
        if not moved:
            break
    return order
