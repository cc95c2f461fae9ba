"""What an array is to the rest of the package: its Verilog, when its sums come, and what its PEs multiply."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hd_plugin._atomic import write_text
from hd_plugin.errors import InputError

__all__ = ["SYSTOLIC", "SYSTOLIC_MODULES", "ArrayDesign", "ArrayText", "Operands"]

_RTL = Path(__file__).resolve().parent / "rtl"
SYSTOLIC_MODULES = ("hd_pe", "hd_array")


class Operands(NamedTuple):
    """Widths in bits, and whether activations are two's complement; weights are."""

    act_bits: int
    weight_bits: int
    act_signed: bool

    def __str__(self) -> str:
        signs = "signed" if self.act_signed else "unsigned"
        return f"{self.act_bits}-bit {signs} activations and {self.weight_bits}-bit weights"


class ArrayText(NamedTuple):
    """modules : Verilog by name, ``hd_array`` among them. latency : cycles from words to column 0's sums."""

    modules: Mapping[str, str]
    latency: int


@dataclass(frozen=True, eq=False)
class ArrayDesign:
    """An array in the place of ``hd_array``: the same ports and parameters (hardware/rtl/hd_array.v).

    name : as users write it. digest : of all that its Verilog depends on. build : of rows and psum_bits, its
    Verilog; the number of columns stays a parameter. skewed : row r works r cycles after row 0. operands :
    the only ones that it takes, None for any. code_table : what is counted for all pairs of bit patterns,
    int64[2**act_bits, 2**weight_bits]; None: the product, in any number format. constant : the part of
    ``code_table`` that no PE makes; it is added once with the accumulation buffer's start. encoding : whose
    bits move in its PEs and columns, as a file of ``encoding_mac.Encoding`` has it; None: systolic.
    """

    name: str
    digest: str
    build: Callable[[int, int], ArrayText]
    skewed: bool = False
    operands: Operands | None = None
    code_table: np.ndarray | None = None
    constant: int = 0
    encoding: Mapping[str, Any] | None = None

    def check(self, found: Operands, number_format: str = "twos_complement") -> None:
        """Raise InputError for operands or a format of weights that it is not made for."""
        wanted = self.operands or found
        if wanted != found:
            raise InputError(f"mac {self.name}: it is made for {wanted}; {found} found")
        if self is not SYSTOLIC and number_format != "twos_complement":
            raise InputError(f"mac {self.name}: its weights are two's complement; {number_format} found")

    def write(self, folder: Path, rows: int, psum_bits: int) -> list[Path]:
        """A Verilog file for each module in ``folder``."""
        modules = self.build(rows, psum_bits).modules
        for name, text in modules.items():
            write_text(folder / f"{name}.v", text)
        return [folder / f"{name}.v" for name in modules]

    def psum_bits(self, rows: int, found: Operands) -> int:
        """Bits, sign included, that hold every sum of ``rows`` PEs."""
        if self.code_table is None:
            product = found.act_bits + found.weight_bits + (0 if found.act_signed else 1)
            return product + (rows - 1).bit_length()
        made = self.code_table - self.constant
        low, high = rows * min(int(made.min()), 0), rows * max(int(made.max()), 0)
        return max(high.bit_length(), (-low - 1).bit_length() if low else 0) + 1


def _systolic(rows: int, psum_bits: int) -> ArrayText:
    """The Verilog in rtl/ is parametrised in everything; its sums leave after a register a row."""
    texts = {name: (_RTL / f"{name}.v").read_text(encoding="utf8") for name in SYSTOLIC_MODULES}
    return ArrayText(texts, rows)


SYSTOLIC = ArrayDesign("binary", "binary", _systolic, skewed=True)
