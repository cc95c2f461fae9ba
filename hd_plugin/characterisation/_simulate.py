"""Energy of a layer on the synthesised array: every net's toggles times what one costs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from hd_plugin._checked import Checked, check
from hd_plugin.characterisation._stream import stimulus
from hd_plugin.errors import InputError
from hd_plugin.gates import Circuit, GateSimulator
from hd_plugin.hardware import Activations, ArraySize, Program

__all__ = ["ArraySimulator", "SimulatedEnergy"]

# registers, and the wires behind them, by the names that they have in the Verilog of every design; all other
# nets are multipliers and adders, or gates and counters. Pipeline registers of a column hop as sums do.
_PARTS = {
    "weight_hop": re.compile(r"^array\.(weight|swaps)\[|\.delay\[|^weights\[|^swap"),
    "psum_hop": re.compile(r"^array\.psum\[|^psums\[|\.piped\d"),
    "activations": re.compile(r"^array\.act\[|\.act(_next)?\[|^act_in\[|^act_shift"),
}


class _Design(Checked):
    """What ``make_circuit`` tells of an array that is not the systolic one."""

    mac: str
    latency: Annotated[int, Field(ge=0, le=1000)]
    digest: str
    encoding: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True)
class SimulatedEnergy:
    """Energy of ``tiles`` tiles in fJ, by part; the clock is a term of its own and not in ``datapath_fJ``."""

    mac_fJ: float
    weight_hop_fJ: float
    psum_hop_fJ: float
    activations_fJ: float
    clock_fJ: float
    cycles: int
    tiles: int

    @property
    def datapath_fJ(self) -> float:
        return self.mac_fJ + self.weight_hop_fJ + self.psum_hop_fJ + self.activations_fJ


class ArraySimulator:
    """``hd_array`` of any design as a circuit.

    glitches : count what happens inside a cycle too, with inertial delays. Raises InputError for a circuit
    that is not of an array.
    """

    def __init__(self, circuit: Circuit, glitches: bool = True) -> None:
        self.circuit, self.glitches = circuit, glitches
        path = circuit.netlist.path
        self.size = s = check(ArraySize, circuit.conditions.get("array"), f"{path}: array")
        self.latency = s.rows  # of the systolic array's sums
        if (design := circuit.conditions.get("design")) is not None:
            self.latency = check(_Design, design, f"{path}: design").latency
        order = circuit.schedule  # first of all: a loop says more about a netlist than its ports do
        ports = circuit.netlist.inputs | circuit.netlist.outputs
        wanted = {
            "act_shift": 1,
            "swap": 1,
            "act_in": s.cols * s.act_bits,
            "weights": s.rows * s.weight_bits,
            "psums": s.cols * s.psum_bits,
        }
        found = {name: len(ports.get(name, [])) for name in wanted}
        wrong = [f"{n} {found[n]} bits ({wanted[n]} needed)" for n in wanted if found[n] != wanted[n]]
        if wrong:
            raise InputError(f"{path}: not hd_array of {s.name}: {', '.join(wrong)}")
        self.gates = GateSimulator(order, circuit.delay_steps if glitches else None)

    @cached_property
    def _part_energies(self) -> dict[str, np.ndarray]:
        names, left, found = self.circuit.netlist.names, self.circuit.energy_fJ.copy(), {}
        for part, pattern in _PARTS.items():
            mine = np.array([bool(pattern.search(n)) for n in names])
            found[part] = np.where(mine, left, 0.0)
            left = np.where(mine, 0.0, left)
        return {"mac": left, **found}

    def run(self, made: Program, inputs: Activations, tiles: int = 1) -> SimulatedEnergy:
        """Stream ``tiles`` tiles, or as many as ``inputs`` fills.

        Raises InputError for a program of another size or format than the array's.
        """
        self._check(made, inputs)
        played = stimulus(made, inputs, self.size.cols, tiles, self.latency)
        toggles = self.gates.run(played.ports).nets
        parts = {f"{name}_fJ": float(toggles @ energy) for name, energy in self._part_energies.items()}
        cycles = played.tiles * len(made.used) * played.span
        clock_fJ = self.circuit.clock_fJ * cycles
        return SimulatedEnergy(**parts, clock_fJ=clock_fJ, cycles=cycles, tiles=played.tiles)

    def _check(self, made: Program, inputs: Activations) -> None:
        s = self.size
        found = {"rows": made.words.shape[2], "weight_bits": made.bits, "act_bits": inputs.bits}
        wrong = [
            f"{k.replace('_', ' ')} {v} (the circuit's: {getattr(s, k)})"
            for k, v in found.items()
            if getattr(s, k) != v
        ]
        if made.number_format != "twos_complement":
            wrong.append(f"number format {made.number_format} (the circuit's: twos_complement)")
        if inputs.signed:
            wrong.append("signed activations (the circuit's are unsigned)")
        if wrong:
            raise InputError(
                f"layer {made.tables.layer!r}: {', '.join(wrong)}; make a circuit of this size with "
                "'hd-plugin characterize'"
            )
