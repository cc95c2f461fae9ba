"""The parameters of ``hd_array``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from hd_plugin._checked import Checked

__all__ = ["ArraySize"]


class ArraySize(Checked):
    """The array's size, and widths in bits. Weights are two's complement, activations unsigned.

    rows, cols : 1 to 64. weight_bits : 2 to 8, act_bits : 2 to 16, psum_bits : 4 to 48. Raises InputError
    that lists all that is out of range.
    """

    rows: Annotated[int, Field(ge=1, le=64)] = 8
    cols: Annotated[int, Field(ge=1, le=64)] = 8
    weight_bits: Annotated[int, Field(ge=2, le=8)] = 4
    act_bits: Annotated[int, Field(ge=2, le=16)] = 8
    psum_bits: Annotated[int, Field(ge=4, le=48)] = 16

    @property
    def name(self) -> str:
        """Short, with everything in it: 8x8_w4_a8_p16."""
        return f"{self.rows}x{self.cols}_w{self.weight_bits}_a{self.act_bits}_p{self.psum_bits}"

    def wrapper(self) -> str:
        """Verilog of a module ``top`` that is ``hd_array`` with these parameters."""
        parameters = ", ".join(f".{name.upper()}({value})" for name, value in self)
        return (
            "module top(input wire clk, input wire act_shift, "
            f"input wire [{self.cols * self.act_bits - 1}:0] act_in, input wire swap, "
            f"input wire [{self.rows * self.weight_bits - 1}:0] weights, "
            f"output wire [{self.cols * self.psum_bits - 1}:0] psums);\n"
            f"hd_array #({parameters}) array (.clk(clk), .act_shift(act_shift), .act_in(act_in), "
            ".swap(swap), .weights(weights), .psums(psums));\nendmodule\n"
        )

    def to_dict(self) -> dict[str, int]:
        """The parameters by name."""
        return self.model_dump()
