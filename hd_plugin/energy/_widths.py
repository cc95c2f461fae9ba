"""Operand widths, in bits."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Widths"]


@dataclass(frozen=True)
class Widths:
    """Bits of weights and activations, of partial sums in the array, and of accumulation buffer entries."""

    weight: int
    activation: int
    psum: int
    accumulator: int
