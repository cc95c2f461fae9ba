"""Encodings beside each other: what each costs and how far it errs, and those that no other one beats."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from hd_plugin.encoding_mac._column_area import column_area
from hd_plugin.encoding_mac._encoding import Encoding
from hd_plugin.encoding_mac._errors import EncodingErrors

__all__ = ["Candidate", "front"]


@dataclass(frozen=True)
class Candidate:
    """An encoding that a search came to. origin : which way; rows : of the column that its area is of;
    distribution : of the operands that its weighted errors are over.
    """

    encoding: Encoding
    origin: str
    rows: int = 32
    distribution: np.ndarray | None = field(default=None, repr=False, compare=False)

    @cached_property
    def errors(self) -> EncodingErrors:
        return self.encoding.errors(self.distribution)

    @property
    def on_data(self) -> float:
        """The root mean square of the error over ``distribution``, in units of the product."""
        found = self.errors.weighted_rmse
        assert found is not None
        return found

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
            "weighted_rmse": errors.weighted_rmse,
            "weighted_mean": errors.weighted_mean,
        }


def front(
    found: Iterable[Candidate], error: Callable[[Candidate], float] = lambda c: c.errors.max_absolute
) -> tuple[Candidate, ...]:
    """Those that no other one beats in area and ``error`` (the largest) at once, ascending area."""
    kept: list[Candidate] = []
    for one in sorted(found, key=lambda c: (c.area, error(c))):
        if not kept or error(one) < error(kept[-1]):
            kept.append(one)
    return tuple(kept)
