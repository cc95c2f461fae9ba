"""The fields of a technology file: energies of one PE at a reference rate, areas, and memories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hd_plugin.characterisation._simulate import SimulatedEnergy
from hd_plugin.energy import Technology, load_technology
from hd_plugin.gates import Circuit
from hd_plugin.hardware import ArraySize

__all__ = ["Reference", "technology_fields"]

Sourced = dict[str, float | str]  # a value and its source

_MEMORY = "eyeriss45"  # whose SRAM is scaled: no logic library tells what memory costs
_SPLIT = (
    "; multiplier and adder are one piece of logic after synthesis, divided by weight bits x activation bits "
    "+ partial-sum bits"
)


@dataclass(frozen=True)
class Reference:
    """The stream that coefficients are told for: its name, what it cost, its PEs times steps and its flips.

    line : fJ a step and fJ a flip, by name, over all typical streams.
    """

    name: str
    energy: SimulatedEnergy
    steps: float
    flips: float
    line: Mapping[str, float]


def technology_fields(
    circuit: Circuit, size: ArraySize, reference: Reference, node_nm: float, systolic: bool = True
) -> dict[str, dict[str, Sourced]]:
    """``coefficients``, ``flip_model`` and ``size``, each number with its source.

    node_nm : the memories of another technology are scaled to it. systolic : False for an array without
    registers for partial sums, whose hops are free.
    """
    base = load_technology(_MEMORY)
    energies = _energies(circuit, size, reference, base, node_nm)
    if not systolic:
        energies |= _without_psums(size, reference)
    return {
        "coefficients": energies,
        "flip_model": _flip_model(size, reference),
        "size": _areas(circuit, size, base, node_nm),
    }


def _value(x: float, source: str) -> Sourced:
    return {"value": float(f"{x:.6g}"), "source": source}


def _scaled(base: Technology, node_nm: float) -> str:
    return f"estimate: {_MEMORY}'s, scaled by the node ({node_nm:g} nm / {base.node_nm:g} nm)"


def _logic_bits(size: ArraySize) -> int:
    return size.weight_bits * size.act_bits + size.psum_bits


def _energies(
    circuit: Circuit, size: ArraySize, reference: Reference, base: Technology, node_nm: float
) -> dict[str, Sourced]:
    one, steps = reference.energy, reference.steps
    mac, hops = one.mac_fJ / steps, (one.weight_hop_fJ + one.psum_hop_fJ) / steps
    scale, scaled = node_nm / base.node_nm, _scaled(base, node_nm)
    library = circuit.conditions["library"]
    simulated = f"gate-level simulation of {library}, {reference.name}, per PE and step"
    logic = _value(mac / _logic_bits(size) / 1e3, simulated + _SPLIT)
    return {
        "multiplier_pJ_per_bit2": logic,
        "adder_pJ_per_bit": dict(logic),
        "hop_pJ_per_bit": _value(
            hops / (size.weight_bits + size.psum_bits) / 1e3,
            simulated + ": registers of weights and partial sums, over their bits",
        ),
        "sram_pJ_per_bit": _value(base.sram_pJ_per_bit * scale, scaled),
        "lut_pJ_per_bit": _value(base.lut_pJ_per_bit * scale, scaled),
        "clock_fraction": _value(
            circuit.clock_fJ / (size.rows * size.cols) / (mac + hops),
            "clock pins of all registers, ungated, no clock tree, against the PE's datapath energy",
        ),
    }


def _without_psums(size: ArraySize, reference: Reference) -> dict[str, Sourced]:
    """The hops of an array whose columns count."""
    hop_fJ = reference.energy.weight_hop_fJ / reference.steps / size.weight_bits
    told = f"gate-level simulation, {reference.name}, per PE and step"
    return {
        "hop_pJ_per_bit": _value(hop_fJ / 1e3, f"{told}: registers of weights, over their bits"),
        "psum_hop_pJ_per_bit": _value(0.0, "no registers for partial sums: the column counts"),
    }


def _flip_model(size: ArraySize, reference: Reference) -> dict[str, Sourced]:
    still = reference.line["steps"] * reference.steps
    moving = reference.line["flips"] * reference.flips
    return {
        "reference_rate": _value(
            reference.flips / reference.steps / size.weight_bits, "flip rate of the reference stream"
        ),
        "floor": _value(
            still / (still + moving),
            "the straight line a steps + b flips, fitted to all streams with relu activations: its share "
            "without flips",
        ),
    }


def _areas(circuit: Circuit, size: ArraySize, base: Technology, node_nm: float) -> dict[str, Sourced]:
    cells = circuit.netlist.cells
    registers = sum(1 for i in circuit.netlist.instances if cells[i.cell].flip_flop)
    flop_um2 = circuit.conditions["register_um2"]
    logic_um2 = (circuit.area_um2 - flop_um2) / (size.rows * size.cols) / _logic_bits(size)
    scale = node_nm / base.node_nm
    return {
        "multiplier_um2_per_bit2": _value(logic_um2, "synthesis" + _SPLIT),
        "adder_um2_per_bit": _value(logic_um2, "synthesis" + _SPLIT),
        "register_um2_per_bit": _value(flop_um2 / max(registers, 1), "synthesis: mean area of a register"),
        "sram_um2_per_bit": _value(base.sram_um2_per_bit * scale**2, _scaled(base, node_nm) + " squared"),
        "leakage_nW_per_um2": _value(
            circuit.leakage_nW / circuit.area_um2, "leakage of all cells over their area"
        ),
        "sram_leakage_nW_per_bit": _value(base.sram_leakage_nW_per_bit, f"estimate: {_MEMORY}'s"),
    }
