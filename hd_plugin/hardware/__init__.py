"""The array in hardware: Verilog, the tables it loads, and the proof that a plan computes its layer."""
from hd_plugin.hardware._integer import convolution, run_program
from hd_plugin.hardware._program import Activations, Program, program, random_activations
from hd_plugin.hardware._simulators import SIMULATORS, SimulationError, find_simulator, rtl_files
from hd_plugin.hardware._tables import AddressTables, address_bits
from hd_plugin.hardware._verify import RtlCheck, Verification, check_program, verify, verify_all
from hd_plugin.hardware._verilog import Bench, Seen

__all__ = ["SIMULATORS", "Activations", "AddressTables", "Bench", "Program", "RtlCheck", "Seen", "SimulationError", "Verification",
           "address_bits", "check_program", "convolution", "find_simulator", "program", "random_activations", "rtl_files", "run_program", "verify", "verify_all"]
