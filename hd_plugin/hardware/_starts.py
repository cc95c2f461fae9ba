"""What an encoded layer's sums are added to: all constants, less what idle rows add."""

from __future__ import annotations

import numpy as np

from hd_plugin.hardware._design import ArrayDesign
from hd_plugin.hardware._program import Program

__all__ = ["starts"]


def starts(made: Program, design: ArrayDesign, tiles: int, alternate: bool = False) -> np.ndarray:
    """The first value of every sum of a tile, int64[tiles].

    A row that a group does not use holds the word that it had, with an activation of 0. What the gates make
    of the two goes into every sum of the group, and is taken off here; the encoding's constant is added for
    each of the layer's products. alternate : every other tile runs backwards, so that rows hold other words.
    """
    found = np.zeros(tiles, np.int64)
    if design.code_table is None:
        return found
    idle = design.code_table[0] - design.constant
    products = int(made.used.sum()) * design.constant
    held = np.zeros(made.words.shape[2], np.int64)  # reset
    order = np.arange(len(made.used))
    for tile in range(min(tiles, 3)):
        backwards = alternate and tile % 2 == 1
        found[tile] = products
        for g in order[::-1] if backwards else order:
            used = int(made.used[g])
            found[tile] -= idle[held[used:]].sum()
            held[:used] = made.words[g, 0 if backwards else -1, :used]
    for tile in range(3, tiles):  # from the second one on, a tile begins as the one two before it did
        found[tile] = found[tile - 2]
    return found
