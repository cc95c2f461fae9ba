"""What an encoding takes of a column, modelled: its gates, and its share of the counters below them."""

from __future__ import annotations

from hd_plugin.encoding_mac._counter import signed_digits
from hd_plugin.encoding_mac._encoding import AREA_NAND2, Encoding
from hd_plugin.errors import InputError

__all__ = ["column_area", "counter_cells"]

# two XOR2 and three NAND2; an XOR2 and an AND2
FULL_ADDER = 2 * AREA_NAND2["xor"] + 3 * AREA_NAND2["nand"]
HALF_ADDER = AREA_NAND2["xor"] + AREA_NAND2["and"]


def column_area(encoding: Encoding, rows: int = 32) -> float:
    """Of a PE in NAND2: its gates, and the counters of a column of ``rows`` PEs divided by ``rows``.

    No register, and no accumulator: both are the same for all encodings. A model for ranking; synthesis
    shares gates and simplifies. Raises InputError for rows < 1.
    """
    full, half = counter_cells(encoding.weights, rows)
    return encoding.area_nand2 + (FULL_ADDER * full + HALF_ADDER * half) / rows


def counter_cells(weights: tuple[int, ...], rows: int) -> tuple[int, int]:
    """Full and half adders that add a column's outputs up: (full, half).

    Outputs whose weights differ by powers of two share counters (a negative one is inverted, with a
    constant); the others have counters of their own, whose sums are added once for every digit of the
    odd factor, +-1 at a power of two.
    """
    if rows < 1:
        raise InputError(f"rows: {rows} found; at least 1 is needed")
    by_factor: dict[int, dict[int, int]] = {}
    for weight in weights:
        power = (weight & -weight).bit_length() - 1
        heights = by_factor.setdefault(abs(weight) >> power, {})
        heights[power] = heights.get(power, 0) + rows
    full = half = 0
    common = by_factor.pop(1, {})
    for factor, heights in by_factor.items():
        more_full, more_half, places = _count(heights)
        full, half = full + more_full, half + more_half
        for power, _ in signed_digits(factor):  # subtracting costs what adding does
            for place in places:
                common[place + power] = common.get(place + power, 0) + 1
    more_full, more_half, _ = _count(common)
    return full + more_full, half + more_half


def _count(heights: dict[int, int]) -> tuple[int, int, list[int]]:
    """Adders until one bit is left at every place, and those places."""
    left, full, half, places = dict(heights), 0, 0, []
    place = min(left, default=0)
    while left:
        bits = left.pop(place, 0)
        if bits:
            places.append(place)
            adders = (bits - 1) // 2
            full, half = full + adders, half + (bits - 1) % 2
            if carries := adders + (bits - 1) % 2:
                left[place + 1] = left.get(place + 1, 0) + carries
        place += 1
    return full, half, places
