"""Digital circuits in gates: cell libraries, synthesis of any Verilog, a simulator that counts what toggles
and what it costs, and the HDL simulators that are installed. Knows no array and no plan.
"""

from hd_plugin.gates._circuit import Circuit, load_circuit
from hd_plugin.gates._hdl import hdl_toggles, to_verilog, write_bench
from hd_plugin.gates._liberty import Library
from hd_plugin.gates._libraries import LibertyFiles, bundled_library, check_cells, liberty_files, read_liberty
from hd_plugin.gates._netlist import Netlist, read_netlist
from hd_plugin.gates._pricing import price_netlist
from hd_plugin.gates._schedule import Schedule, schedule
from hd_plugin.gates._simulators import SIMULATORS, SimulationError, Simulator, find_simulator
from hd_plugin.gates._synthesis import SynthesisError, synthesise
from hd_plugin.gates._timing import CriticalPath, PathCell, critical_path
from hd_plugin.gates._toggles import GateSimulator, Toggles

__all__ = [
    "SIMULATORS",
    "Circuit",
    "CriticalPath",
    "GateSimulator",
    "LibertyFiles",
    "Library",
    "Netlist",
    "PathCell",
    "Schedule",
    "SimulationError",
    "Simulator",
    "SynthesisError",
    "Toggles",
    "bundled_library",
    "check_cells",
    "critical_path",
    "find_simulator",
    "hdl_toggles",
    "liberty_files",
    "load_circuit",
    "price_netlist",
    "read_liberty",
    "read_netlist",
    "schedule",
    "synthesise",
    "to_verilog",
    "write_bench",
]
