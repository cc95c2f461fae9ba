"""Operand widths, in bits."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Widths"]


@dataclass(frozen=True)
class Widths:
    """Widths in bits: weight and activation operands, partial sums inside the array, accumulation buffer entries."""

    weight: int
    activation: int
    psum: int
    accumulator: int
