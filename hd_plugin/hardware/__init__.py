"""The array in hardware: its Verilog, the tables it loads, what moves inside it, and the proof that a plan
computes its layer.
"""

from hd_plugin.hardware._activations import (
    KINDS,
    Activations,
    random_activations,
    sampled_activations,
    tiles_of,
)
from hd_plugin.hardware._activity import Activity, activity
from hd_plugin.hardware._design import SYSTOLIC, ArrayDesign, ArrayText, Operands
from hd_plugin.hardware._integer import convolution, run_program
from hd_plugin.hardware._program import MOST_TILES, Program, group_inputs, program, telling_tiles
from hd_plugin.hardware._size import ArraySize
from hd_plugin.hardware._starts import starts
from hd_plugin.hardware._tables import AddressTables, address_bits
from hd_plugin.hardware._testbench import rtl_files
from hd_plugin.hardware._verify import (
    RtlCheck,
    Verification,
    VerifyOptions,
    check_program,
    verify,
    verify_all,
)
from hd_plugin.hardware._verilog import Bench, Seen

__all__ = [
    "KINDS",
    "MOST_TILES",
    "SYSTOLIC",
    "Activations",
    "Activity",
    "AddressTables",
    "ArrayDesign",
    "ArraySize",
    "ArrayText",
    "Bench",
    "Operands",
    "Program",
    "RtlCheck",
    "Seen",
    "Verification",
    "VerifyOptions",
    "activity",
    "address_bits",
    "check_program",
    "convolution",
    "group_inputs",
    "program",
    "random_activations",
    "rtl_files",
    "run_program",
    "sampled_activations",
    "starts",
    "telling_tiles",
    "tiles_of",
    "verify",
    "verify_all",
]
