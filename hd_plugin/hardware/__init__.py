"""The array in hardware: Verilog, the tables it loads, and the proof that a plan computes its layer."""

from hd_plugin.hardware._activity import Activity, activity
from hd_plugin.hardware._integer import convolution, run_program
from hd_plugin.hardware._objective import energy_objective, transition_energies
from hd_plugin.hardware._program import (
    KINDS,
    Activations,
    Program,
    program,
    random_activations,
    sampled_activations,
)
from hd_plugin.hardware._simulators import SIMULATORS, SimulationError, find_simulator, rtl_files
from hd_plugin.hardware._tables import AddressTables, address_bits
from hd_plugin.hardware._verify import RtlCheck, Verification, check_program, verify, verify_all
from hd_plugin.hardware._verilog import Bench, Seen

__all__ = [
    "KINDS",
    "SIMULATORS",
    "Activations",
    "Activity",
    "AddressTables",
    "Bench",
    "Program",
    "RtlCheck",
    "Seen",
    "SimulationError",
    "Verification",
    "activity",
    "address_bits",
    "check_program",
    "convolution",
    "energy_objective",
    "find_simulator",
    "program",
    "random_activations",
    "rtl_files",
    "run_program",
    "sampled_activations",
    "transition_energies",
    "verify",
    "verify_all",
]
