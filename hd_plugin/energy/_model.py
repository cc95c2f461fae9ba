"""The energy of a layer from action counts and a flip rate (paper, section 2)."""

from __future__ import annotations

from dataclasses import dataclass

from hd_plugin.energy._components import AddressLut, Clock, Mac, PsumHop, Sram, WeightHop
from hd_plugin.energy._technology import Technology
from hd_plugin.energy._widths import Widths

__all__ = ["ActionCounts", "EnergyBreakdown", "price"]


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
    """Joules of one layer. The clock is a term of its own.

    leakage_J : None where the engine does not model it; never part of a total, as in the paper (section 2).
    """

    mac_J: float
    weight_hop_J: float
    psum_hop_J: float
    lut_J: float
    memory_J: float
    clock_J: float
    leakage_J: float | None = None

    @property
    def datapath_J(self) -> float:
        """MACs, weight propagation, partial sums, and the address look-up that reordering needs."""
        return self.mac_J + self.weight_hop_J + self.psum_hop_J + self.lut_J

    @property
    def total_J(self) -> float:
        return self.datapath_J + self.memory_J + self.clock_J


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
