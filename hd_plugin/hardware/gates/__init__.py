"""The array in gates: cell libraries, synthesis, and a simulator that counts what toggles and what it costs."""
from hd_plugin.hardware.gates._circuit import Circuit, load_circuit, price_netlist
from hd_plugin.hardware.gates._hdl import hdl_toggles, to_verilog
from hd_plugin.hardware.gates._liberty import Library, read_liberty
from hd_plugin.hardware.gates._netlist import Netlist, read_netlist
from hd_plugin.hardware.gates._schedule import Schedule, schedule
from hd_plugin.hardware.gates._stream import Stimulus, stimulus
from hd_plugin.hardware.gates._synthesis import ArraySize, synthesise
from hd_plugin.hardware.gates._toggles import GateSimulator, Toggles

__all__ = ["ArraySize", "Circuit", "GateSimulator", "Library", "Netlist", "Schedule", "Stimulus", "Toggles", "hdl_toggles", "load_circuit",
           "price_netlist", "read_liberty", "read_netlist", "schedule", "stimulus", "synthesise", "to_verilog"]
