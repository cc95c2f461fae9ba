"""The array in gates: cell libraries, synthesis, a simulator that counts what toggles and what it costs, and energy models from it."""

from hd_plugin.hardware.gates._array_energy import ArrayEnergy
from hd_plugin.hardware.gates._characterise import bundled_library, characterise, check_names, make_circuit
from hd_plugin.hardware.gates._circuit import Circuit, load_circuit, price_netlist
from hd_plugin.hardware.gates._fit import MODELS, counts_of, quality
from hd_plugin.hardware.gates._hdl import hdl_toggles, to_verilog, write_bench
from hd_plugin.hardware.gates._liberty import Library, read_liberty
from hd_plugin.hardware.gates._netlist import Netlist, read_netlist
from hd_plugin.hardware.gates._schedule import Schedule, schedule
from hd_plugin.hardware.gates._simulate import ArraySimulator, SimulatedEnergy
from hd_plugin.hardware.gates._stream import Stimulus, stimulus
from hd_plugin.hardware.gates._synthesis import ArraySize, SynthesisError, synthesise
from hd_plugin.hardware.gates._toggles import GateSimulator, Toggles

__all__ = [
    "MODELS",
    "ArrayEnergy",
    "ArraySimulator",
    "ArraySize",
    "Circuit",
    "GateSimulator",
    "Library",
    "Netlist",
    "Schedule",
    "SimulatedEnergy",
    "Stimulus",
    "SynthesisError",
    "Toggles",
    "bundled_library",
    "characterise",
    "check_names",
    "counts_of",
    "hdl_toggles",
    "load_circuit",
    "make_circuit",
    "price_netlist",
    "quality",
    "read_liberty",
    "read_netlist",
    "schedule",
    "stimulus",
    "synthesise",
    "to_verilog",
    "write_bench",
]
