"""The energy of a layer from action counts and a flip rate (paper, section 2)."""
from __future__ import annotations

import math
from dataclasses import dataclass

from hd_plugin.energy._technology import Technology
from hd_plugin.energy._widths import Widths
from hd_plugin.errors import InputError

__all__ = ["ActionCounts", "EnergyBreakdown", "flip_scale", "price"]


@dataclass(frozen=True)
class ActionCounts:
    """How often each action happens in one layer.

    mac : multiply-accumulates that do work. weight_hops : weights moved from PE to PE, idle columns included;
    idle_weight_hops : of those, the ones in columns without an output pixel. weight_reads, input_reads,
    output_writes : SRAM accesses in values. accumulator_reads/_writes : accumulation buffer accesses in values.
    lut_reads : address look-ups (segment and cluster). cycles : array cycles without fill and drain.
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
    """Joules of one layer. The clock is a term of its own; leakage is left out, as in the paper."""

    mac_J: float
    weight_hop_J: float
    psum_hop_J: float
    lut_J: float
    memory_J: float
    clock_J: float

    @property
    def datapath_J(self) -> float:
        """MACs, weight propagation, partial sums, and the address look-up that reordering needs."""
        return self.mac_J + self.weight_hop_J + self.psum_hop_J + self.lut_J

    @property
    def total_J(self) -> float:
        return self.datapath_J + self.memory_J + self.clock_J


def flip_scale(flip_rate: float, technology: Technology) -> float:
    """Datapath energy at ``flip_rate`` relative to the reference rate: floor + (1 - floor) * rate / reference.

    Raises InputError unless the rate is a number from 0 to 1.
    """
    if not (isinstance(flip_rate, (int, float)) and math.isfinite(flip_rate) and 0 <= flip_rate <= 1):
        raise InputError(f"flip_rate: {flip_rate!r} found; a number from 0 to 1 is needed (flips per weight bit and step)")
    return technology.floor + (1 - technology.floor) * flip_rate / technology.reference_rate


def price(counts: ActionCounts, flip_rate: float, widths: Widths, technology: Technology, *, pes: int,
          lut_bits: int = 0) -> EnergyBreakdown:
    """Energy of a layer whose weights flip at ``flip_rate`` (its NHD).

    Section 2: datapath = (MAC + weight propagation + partial sums), all scaled by the flip rate; memory by the
    accesses that the reuse factors leave. ``pes`` : rows * cols, for the clock. ``lut_bits`` : width of a table entry.
    """
    t = technology
    scale = flip_scale(flip_rate, t)
    mac_pJ = t.multiplier_pJ_per_bit2 * widths.weight * widths.activation + t.adder_pJ_per_bit * widths.psum
    weight_pJ = t.hop_pJ_per_bit * widths.weight
    psum_pJ = t.hop_pJ_per_bit * widths.psum
    memory_pJ = t.sram_pJ_per_bit * (
        counts.weight_reads * widths.weight + (counts.input_reads + counts.output_writes) * widths.activation
        + (counts.accumulator_reads + counts.accumulator_writes) * widths.accumulator)
    clock_pJ = t.clock_fraction * (mac_pJ + weight_pJ + psum_pJ) * pes * counts.cycles
    return EnergyBreakdown(
        mac_J=1e-12 * counts.mac * mac_pJ * scale,
        weight_hop_J=1e-12 * counts.weight_hops * weight_pJ * scale,
        psum_hop_J=1e-12 * counts.mac * psum_pJ * scale,
        lut_J=1e-12 * counts.lut_reads * lut_bits * t.lut_pJ_per_bit,
        memory_J=1e-12 * memory_pJ,
        clock_J=1e-12 * clock_pJ)
