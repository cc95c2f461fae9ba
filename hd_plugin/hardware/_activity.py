"""What moves inside the array while a layer streams: the counts that energy models are made of (compiled)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hd_plugin.bits import decode
from hd_plugin.bits._compiled import compiled
from hd_plugin.bits._popcount import popcount
from hd_plugin.hardware._activations import Activations, tiles_of
from hd_plugin.hardware._program import Program, group_inputs

__all__ = ["Activity", "activity"]


@dataclass(frozen=True, eq=False)
class Activity:
    """Counts over all PEs and cycles of a run; every row's word passes all ``cols`` columns.

    flips : of weight bits, float[weight bits]; words : words that change; busy_words : of those, the ones
    that meet an activation other than 0; partial_products : flips times the 1 bits of the activation that
    they meet, float[weight bits]; products, psums : flips of the product, and of the partial sum below it,
    float[their bits]; below : PEs at or below a changing word in their column; held, loading : flips of the
    stationary activations, and of the chain that loads the next ones; switches : PEs that get a new
    activation; steps : PEs times steps.
    """

    flips: np.ndarray
    words: float
    busy_words: float
    partial_products: np.ndarray
    products: np.ndarray
    psums: np.ndarray
    below: float
    held: float
    loading: float
    switches: float
    steps: float
    cycles: int
    tiles: int


def activity(made: Program, inputs: Activations, cols: int, tiles: int = 1, psum_bits: int = 16) -> Activity:
    """Count ``tiles`` tiles of ``cols`` pixels, from an array that is all 0.

    psum_bits : how many of the partial sums' bits to count. Raises InputError for less than one tile.
    """
    groups, K, rows = made.words.shape
    tiles = tiles_of(inputs, cols, tiles)
    held = [[group_inputs(made, inputs, g, t, cols) for g in range(groups)] for t in range(tiles)]
    codes = np.arange(1 << made.bits, dtype=np.uint16)
    flips, partial, products, psums, single = _count(
        np.ascontiguousarray(made.words),
        made.used.astype(np.int64),
        decode(codes, made.bits, made.number_format).astype(np.int64),
        np.array(held, np.int64),
        (made.bits, made.bits + inputs.bits, psum_bits),
    )
    pes = rows * cols
    return Activity(
        flips * cols,
        single[0] * cols,
        single[1],
        partial,
        products,
        psums,
        single[2] * cols,
        single[3],
        single[4],
        float(pes * groups * tiles),
        float(pes * groups * tiles * K),
        tiles * groups * max(K, 2 * rows + cols),
        tiles,
    )


@compiled()
def _add_bits(x, counts):
    bit = 0
    while x and bit < counts.size:
        if x & 1:
            counts[bit] += 1
        x >>= 1
        bit += 1


@compiled()
def _count(words, used, values, acts, bits):
    """Counts of weight bits, partial products, products and partial sums, by bit, and of five single things.

    The five: words, busy words, below, held, loading. bits : of a weight, a product and a partial sum.
    """
    tiles, groups, cols, rows = acts.shape
    K = words.shape[1]
    flips, partial = np.zeros(bits[0]), np.zeros(bits[0])
    products, psums, single = np.zeros(bits[1]), np.zeros(bits[2]), np.zeros(5)
    product_mask, psum_mask = (1 << products.size) - 1, (1 << psums.size) - 1
    word = np.zeros(rows, np.int64)
    held, chain = np.zeros((cols, rows), np.int64), np.zeros((cols, rows), np.int64)
    product, psum = np.zeros((cols, rows), np.int64), np.zeros((cols, rows), np.int64)
    weight, nonzero = np.zeros(rows), np.zeros(rows)
    for tile in range(tiles):
        for g in range(groups):
            for c in range(cols):
                for entering in range(rows - 1, -1, -1):  # the bottom row's comes first
                    for r in range(rows - 1, -1, -1):
                        new = chain[c, r - 1] if r else acts[tile, g, c, entering]
                        single[4] += popcount(np.uint64(chain[c, r] ^ new))
                        chain[c, r] = new
                for r in range(rows):
                    single[3] += popcount(np.uint64(held[c, r] ^ acts[tile, g, c, r]))
                    held[c, r] = acts[tile, g, c, r]
            for r in range(rows):
                weight[r], nonzero[r] = 0, 0
                for c in range(cols):
                    weight[r] += popcount(np.uint64(held[c, r]))
                    nonzero[r] += held[c, r] != 0
            for k in range(K):
                first = rows
                for r in range(rows):
                    now = np.int64(words[g, k, r]) if r < used[g] else word[r]
                    x = now ^ word[r]
                    word[r] = now
                    if x:
                        first = min(first, r)
                        single[0] += 1
                        single[1] += nonzero[r]
                        for b in range(flips.size):
                            if (x >> b) & 1:
                                flips[b] += 1
                                partial[b] += weight[r]
                single[2] += rows - first
                start = 0 if k == 0 else first
                for c in range(cols):
                    above = psum[c, start - 1] if 0 < start < rows else 0
                    for r in range(start, rows):
                        p = values[word[r]] * held[c, r]
                        above += p
                        if p != product[c, r]:
                            _add_bits((p ^ product[c, r]) & product_mask, products)
                            product[c, r] = p
                        if above != psum[c, r]:
                            _add_bits((above ^ psum[c, r]) & psum_mask, psums)
                            psum[c, r] = above
    return flips, partial, products, psums, single
