"""The energy of a layer from action counts and a flip rate (paper, section 2)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields

from hd_plugin.energy._components import AddressLut, Clock, Mac, PsumHop, Sram, WeightHop
from hd_plugin.energy._technology import Technology
from hd_plugin.energy._widths import Widths

__all__ = ["PARTS", "TOTALS", "ActionCounts", "EnergyBreakdown", "Total", "price"]

# the parts of EnergyBreakdown as people read them
PARTS = {
    "mac_J": "MACs",
    "weight_hop_J": "weight hops",
    "psum_hop_J": "partial-sum hops",
    "lut_J": "address table",
    "clock_J": "clock",
    "memory_J": "memory",
    "leakage_J": "leakage",
}


@dataclass(frozen=True)
class Total:
    """A sum of energies that has a name. parts : fields of EnergyBreakdown; base : how many of them the name
    stands for, the others are told after it.
    """

    name: str
    base: int
    more: int = 0

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(PARTS)[: self.base + self.more]

    def words(self, clock: bool = True) -> str:
        """What stands over a column; clock : False where the clock is left out of it."""
        more = [PARTS[part] for part in self.parts[self.base :] if clock or part != "clock_J"]
        return f"{self.name} with {', '.join(more)}" if more else self.name

    def contents(self) -> str:
        """The parts in words."""
        return ", ".join(PARTS[part] for part in self.parts)


# Every sum that a table shows, each holding the ones before it
TOTALS = {
    "pes": Total("PEs", 3),
    "datapath": Total("datapath", 4),
    "clocked": Total("datapath", 4, 1),
    "total": Total("datapath", 4, 2),
    "everything": Total("datapath", 4, 3),
}


@dataclass(frozen=True)
class ActionCounts:
    """How often each action happens in one layer.

    mac : multiply-accumulates that do work. weight_hops : weights moved from PE to PE, idle columns
    included; idle_weight_hops : of those, the ones in columns without an output pixel. weight_reads,
    input_reads, output_writes : SRAM accesses in values. accumulator_reads, accumulator_writes :
    accumulation buffer accesses in values. lut_reads : address look-ups (segment and cluster). cycles :
    array cycles without fill and drain.
    """

    mac: int
    weight_hops: int
    idle_weight_hops: int
    weight_reads: int
    accumulator_reads: int
    accumulator_writes: int
    input_reads: int
    output_writes: int
    lut_reads: int
    cycles: int


@dataclass(frozen=True)
class EnergyBreakdown:
    """Joules of one layer, by part; its sums are TOTALS.

    leakage_J : None where the engine does not model it; the paper (section 2) leaves it out.
    """

    mac_J: float
    weight_hop_J: float
    psum_hop_J: float
    lut_J: float
    memory_J: float
    clock_J: float
    leakage_J: float | None = None

    def total(self, name: str) -> float:
        """One of TOTALS, in joules; leakage that is not modelled counts as none."""
        return float(sum(getattr(self, part) or 0.0 for part in TOTALS[name].parts))

    @property
    def datapath_J(self) -> float:
        """MACs, weight propagation, partial sums, and the address look-up that reordering needs."""
        return self.total("datapath")

    @property
    def clocked_J(self) -> float:
        """The datapath and its clock."""
        return self.total("clocked")

    @property
    def total_J(self) -> float:
        """The datapath, its clock and the memories; no leakage."""
        return self.total("total")

    @property
    def everything_J(self) -> float | None:
        """``total_J`` and leakage; None where the engine does not model that."""
        return None if self.leakage_J is None else self.total("everything")

    @classmethod
    def sum(cls, parts: Iterable[EnergyBreakdown]) -> EnergyBreakdown:
        """Term by term; leakage only where all of them tell it."""
        found = list(parts)
        leaked = [part.leakage_J for part in found if part.leakage_J is not None]
        terms = [f.name for f in fields(cls) if f.name != "leakage_J"]
        sums = {name: math.fsum(getattr(part, name) for part in found) for name in terms}
        return cls(**sums, leakage_J=math.fsum(leaked) if leaked and len(leaked) == len(found) else None)

    def to_dict(self) -> dict[str, float | None]:
        """As ``energy_J`` in compare.json: terms without their unit."""
        return {name.removesuffix("_J"): value for name, value in asdict(self).items()}


def price(
    counts: ActionCounts,
    flip_rate: float,
    widths: Widths,
    technology: Technology,
    *,
    pes: int,
    lut_bits: int = 0,
) -> EnergyBreakdown:
    """Energy of a layer whose weights flip at ``flip_rate`` (its NHD).

    Section 2: datapath = (MAC + weight propagation + partial sums), all scaled by the flip rate; memory by
    the accesses that the reuse factors leave. pes : rows * cols, for the clock. lut_bits : width of a table
    entry.
    """
    t, w = technology, widths
    mac_pJ = Mac(t, flip_rate, w.weight, w.activation, w.psum).actions_pJ()["compute"]
    weight_pJ = WeightHop(t, flip_rate, w.weight).actions_pJ()["write"]
    psum_pJ = PsumHop(t, flip_rate, w.psum).actions_pJ()["update"]

    def sram_pJ(bits: int) -> float:
        return Sram(t, bits, 1).actions_pJ()["read"]

    memory_pJ = (
        counts.weight_reads * sram_pJ(w.weight)
        + (counts.input_reads + counts.output_writes) * sram_pJ(w.activation)
        + (counts.accumulator_reads + counts.accumulator_writes) * sram_pJ(w.accumulator)
    )
    return EnergyBreakdown(
        mac_J=1e-12 * counts.mac * mac_pJ,
        weight_hop_J=1e-12 * counts.weight_hops * weight_pJ,
        psum_hop_J=1e-12 * counts.mac * psum_pJ,
        lut_J=1e-12 * counts.lut_reads * AddressLut(t, 1, lut_bits).actions_pJ()["read"],
        memory_J=1e-12 * memory_pJ,
        clock_J=1e-12 * counts.cycles * Clock(t, w.weight, w.activation, w.psum, pes).cycle_pJ(),
    )
