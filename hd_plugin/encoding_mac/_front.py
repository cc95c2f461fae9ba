"""Encodings beside each other: what each costs and how far it errs, and those that no other one beats."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hd_plugin.encoding_mac._column_area import column_area
from hd_plugin.encoding_mac._encoding import Encoding
from hd_plugin.encoding_mac._errors import EncodingErrors

__all__ = ["Candidate", "front"]


@dataclass(frozen=True)
class Candidate:
    """An encoding that a search came to. origin : which way; rows : of the column that its area is of."""

    encoding: Encoding
    origin: str
    rows: int = 32

    @cached_property
    def errors(self) -> EncodingErrors:
        return self.encoding.errors()

    @cached_property
    def area(self) -> float:
        """Modelled, of a PE with its share of the counters, in NAND2 (``column_area``)."""
        return column_area(self.encoding, self.rows)

    def to_dict(self) -> dict[str, Any]:
        """One line of encode-search.json."""
        errors, e = self.errors, self.encoding
        return {
            "name": e.name,
            "origin": self.origin,
            "outputs": e.bits,
            "gates": len(e.used_gates),
            "levels": e.levels,
            "gate_area_nand2": e.area_nand2,
            "area_nand2": self.area,
            "max_absolute": errors.max_absolute,
            "max_relative": errors.max_relative,
            "rmse": errors.rmse,
            "mean": errors.mean,
        }


def front(found: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Those that no other one beats in area and largest error at once, ascending area; of equal ones the
    first.
    """
    kept: list[Candidate] = []
    for one in sorted(found, key=lambda c: (c.area, c.errors.max_absolute)):
        if not kept or one.errors.max_absolute < kept[-1].errors.max_absolute:
            kept.append(one)
    return tuple(kept)
