"""What a transition between two bit patterns costs; Hamming distance is the default."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hd_plugin.bits._formats import check_bits
from hd_plugin.errors import InputError

__all__ = ["TransitionTable", "hamming_table"]


@dataclass(frozen=True, eq=False)
class TransitionTable:
    """``cost[a, b]``: what it costs when pattern ``b`` follows pattern ``a`` on the wires.

    cost : int32[2**bits, 2**bits], symmetric, zero on the diagonal, not negative. Integers keep plans exact
    and identical on every machine: scale energies up and round (``from_energies``).
    """

    bits: int
    cost: np.ndarray
    name: str = "custom"

    def __post_init__(self) -> None:
        check_bits(self.bits, "table.bits")
        cost = np.asarray(self.cost)
        size = 1 << self.bits
        if cost.shape != (size, size):
            raise InputError(f"table.cost: shape {cost.shape} found; {self.bits} bits need ({size}, {size})")
        if not np.issubdtype(cost.dtype, np.integer):
            raise InputError("table.cost: integers are needed; use TransitionTable.from_energies for floats")
        if (cost < 0).any() or cost.diagonal().any() or (cost != cost.T).any():
            raise InputError(
                "table.cost: must be symmetric, >= 0, and 0 where nothing changes, since a "
                "plan may stream an order in either direction"
            )
        object.__setattr__(self, "cost", np.ascontiguousarray(cost, dtype=np.int32))

    @classmethod
    def from_energies(cls, energy: np.ndarray, bits: int, name: str = "energy") -> TransitionTable:
        """Round a table of energies [2**bits, 2**bits] to integers, its largest entry at 4095.

        The two directions are averaged, and staying the same is free. Raises InputError unless all are
        finite.
        """
        energy = np.asarray(energy, dtype=np.float64)
        if not np.isfinite(energy).all():
            raise InputError("table: energies must be finite")
        energy = energy / 2 + energy.T / 2  # halved first: no sum overflows
        energy = np.maximum(energy - np.diag(energy.diagonal()), 0.0)
        top = energy.max()
        return cls(
            bits, np.rint(4095 * (energy / top)).astype(np.int64) if top > 0 else energy.astype(int), name
        )

    def stream_cost(self, words: np.ndarray) -> int:
        """Total cost of streaming ``words[T, ...]``; equals ``stream_flips`` for the Hamming table."""
        words = np.asarray(words)
        return int(self.cost[words[:-1], words[1:]].sum(dtype=np.int64))


def hamming_table(bits: int) -> TransitionTable:
    """The default table, cost[a, b] = popcount(a xor b), up to 12 bits (a dense table grows as 4**bits)."""
    check_bits(bits)
    if bits > 12:
        raise InputError(f"bits: a dense table of {bits} bits is too large; tables go up to 12 bits")
    codes = np.arange(1 << bits, dtype=np.uint16)
    return TransitionTable(
        bits, np.bitwise_count(codes[:, None] ^ codes[None, :]).astype(np.int32), "hamming"
    )
