"""The PEs of an array whose columns count (EncodingNet), one by one or a column at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from hd_plugin.energy._components import Mac

__all__ = ["EncodedColumn", "EncodedMac"]


@dataclass(frozen=True)
class EncodedMac(Mac):
    """The gates of one PE and its share of the counters below: what takes the place of multiplier and adder.

    Its technology is of an array that was characterised with such PEs (hd-plugin characterize --mac ...), at
    these widths.
    """

    def problems(self) -> list[str]:
        if self.technology.psum_pJ_per_bit == 0:
            return []
        return [
            f"technology {self.technology.name!r}: of PEs that pass partial sums on; name one whose columns "
            "count, as 'hd-plugin characterize --mac exact' makes them"
        ]


@dataclass(frozen=True)
class EncodedColumn(EncodedMac):
    """A whole column: ``rows`` PEs and the counters; ``compute`` is one step of all its rows."""

    rows: Annotated[int, Field(ge=1, le=4096)] = 8

    def actions_pJ(self) -> dict[str, float]:
        return {name: self.rows * energy for name, energy in super().actions_pJ().items()}

    @property
    def area_um2(self) -> float:
        return self.rows * super().area_um2
