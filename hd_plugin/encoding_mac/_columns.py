"""Arrays whose rows need no skew: a PE without a partial sum, and a column that adds all rows at once.

``column_design`` counts the bits of an encoding, ``tree_design`` adds products in one expression.
"""

from __future__ import annotations

import hashlib
import json

from hd_plugin._wording import one_line
from hd_plugin.encoding_mac._cases import exact
from hd_plugin.encoding_mac._counter import counter
from hd_plugin.encoding_mac._encoding import Encoding
from hd_plugin.errors import InputError
from hd_plugin.hardware import ArrayDesign, ArrayText, Operands

__all__ = ["column_design", "tree_design"]

# Names are those of rtl/hd_array.v and rtl/hd_pe.v, so that energy is told by the same parts; of a net that
# has several, the shortest counts, so whatever may pass a register's value on has a long one.
_ARRAY = """\
// ROWS x COLS processing elements without partial sums: {about}. All rows work at once; column c works
// c cycles after column 0.
`default_nettype none

module hd_array #(
    parameter ROWS        = {rows},
    parameter COLS        = 8,
    parameter WEIGHT_BITS = {weight_bits},
    parameter ACT_BITS    = {act_bits},
    parameter ACT_SIGNED  = {act_signed},
    parameter PSUM_BITS   = {psum_bits},
    parameter FORMAT      = 0
) (
    input  wire                        clk,
    input  wire                        act_shift,
    input  wire [COLS*ACT_BITS-1:0]    act_in,       // of one row; the bottom row's come first
    input  wire                        swap,         // one cycle ahead of a group's first words
    input  wire [ROWS*WEIGHT_BITS-1:0] weights,      // row r at bits r*WEIGHT_BITS and up
    output wire [COLS*PSUM_BITS-1:0]   psums         // column c: {latency} + c cycles after its words
);
    localparam OUT = {out};
    wire [WEIGHT_BITS-1:0] weight [0:ROWS-1][0:COLS];
    wire                   swaps  [0:COLS];
    wire [ACT_BITS-1:0]    act    [0:ROWS][0:COLS-1];
    wire [ROWS*OUT-1:0]    outputs_of_all_rows [0:COLS-1];
    wire [PSUM_BITS-1:0]   sum    [0:COLS-1];

    genvar r, c;
    generate
        if (ROWS != {rows} || PSUM_BITS != {psum_bits} || FORMAT != 0{guard}) begin : other
            hd_array_of_other_parameters is_needed ();
        end
        assign swaps[0] = swap;
        for (c = 0; c < COLS; c = c + 1) begin : hop
            reg passed;
            always @(posedge clk) passed <= swaps[c];
            assign swaps[c+1] = passed;
        end
        for (r = 0; r < ROWS; r = r + 1) begin : row
            assign weight[r][0] = weights[r*WEIGHT_BITS +: WEIGHT_BITS];
            for (c = 0; c < COLS; c = c + 1) begin : pe
                hd_column_pe #(
                    .WEIGHT_BITS(WEIGHT_BITS), .ACT_BITS(ACT_BITS), .ACT_SIGNED(ACT_SIGNED), .OUT(OUT)
                ) i (
                    .clk(clk), .act_shift(act_shift), .act_in(act[r][c]), .act_out(act[r+1][c]),
                    .swap(swaps[c]), .weight_in(weight[r][c]), .weight_out(weight[r][c+1]),
                    .made(outputs_of_all_rows[c][r*OUT +: OUT]));
            end
            wire unused = &{{1'b0, weight[r][COLS]}};
        end
        for (c = 0; c < COLS; c = c + 1) begin : column
            assign act[0][c] = act_in[c*ACT_BITS +: ACT_BITS];
            hd_column i (.clk(clk), .outputs_of_all_rows(outputs_of_all_rows[c]), .sum(sum[c]));
            reg [PSUM_BITS-1:0] psum;
            always @(posedge clk) psum <= sum[c];
            assign psums[c*PSUM_BITS +: PSUM_BITS] = psum;
            wire unused = &{{1'b0, act[ROWS][c]}};
        end
        wire unused = &{{1'b0, swaps[COLS]}};     // it ends here
    endgenerate
endmodule

`default_nettype wire
"""
_PE = """\
// The registers of a processing element (hd_pe's, but no partial sum), and what it makes of its operands.
`default_nettype none

module hd_column_pe #(
    parameter WEIGHT_BITS = {weight_bits},
    parameter ACT_BITS    = {act_bits},
    parameter ACT_SIGNED  = {act_signed},
    parameter OUT         = {out}
) (
    input  wire                   clk,
    input  wire                   act_shift,
    input  wire [ACT_BITS-1:0]    act_in,
    output wire [ACT_BITS-1:0]    act_out,
    input  wire                   swap,
    input  wire [WEIGHT_BITS-1:0] weight_in,
    output reg  [WEIGHT_BITS-1:0] weight_out,
    output wire [OUT-1:0]         made
);
    reg [ACT_BITS-1:0] act, act_next;
    assign act_out = act_next;
    always @(posedge clk) begin
        if (act_shift) act_next <= act_in;
        if (swap)      act      <= act_next;
        weight_out <= weight_in;
    end

{body}
endmodule

`default_nettype wire
"""
_COLUMN = """\
// {about}
`default_nettype none

module hd_column (
    input  wire            clk,
    input  wire [{bits}:0] outputs_of_all_rows,
    output wire [{top}:0]  sum
);
    wire unused = &{{1'b0, clk, outputs_of_all_rows}};     // some designs have no use for all of them
{body}
endmodule

`default_nettype wire
"""
_OPERATORS = {"and": "&", "or": "|", "xor": "^"}
_INVERTED = {"nand": "&", "nor": "|", "xnor": "^"}


def column_design(encoding: Encoding, called: str | None = None, pipeline: int | None = None) -> ArrayDesign:
    """The array of an encoding: its gates in every PE, and its bits counted down every column.

    called : its name as an array, the encoding's by default. pipeline : full adders between two registers
    of the column; None: one path from the operands to the sum. Sums leave a register at the bottom. Weights
    must be two's complement. Raises InputError for an encoding of unsigned weights, or a pipeline below 1.
    """
    _checked(pipeline)
    if not encoding.w_signed:
        raise InputError(f"encoding {encoding.name!r}: its weights are unsigned; an array's are signed")
    operands = Operands(encoding.a_bits, encoding.w_bits, encoding.a_signed)

    def build(rows: int, psum_bits: int) -> ArrayText:
        found = counter(list(encoding.weights), rows, psum_bits, pipeline)
        name = ascii(one_line(encoding.name, 60))  # of a file of anyone's: it stays within its comment
        about = f"the {encoding.bits} bits of the encoding {name}, counted down each column"
        told = f"Counts the bits of {rows} rows with {found.adders} adders and {found.stages} registers."
        out, latency = encoding.bits, found.stages + 1
        column = _column(told, rows * out, psum_bits, found.lines)
        guard = (
            f" || WEIGHT_BITS != {encoding.w_bits} || ACT_BITS != {encoding.a_bits} || "
            f"(ACT_SIGNED != 0) != {int(encoding.a_signed)}"
        )
        return _array(operands, rows, psum_bits, (about, out, latency, guard), (_gates(encoding), column))

    return ArrayDesign(
        called or encoding.name,
        _digest("column", encoding.to_dict(), pipeline),
        build,
        operands=operands,
        code_table=encoding.code_table(),
        constant=encoding.constant,
        encoding=encoding.to_dict(),
    )


def tree_design(operands: Operands, pipeline: int | None = None, called: str = "tree") -> ArrayDesign:
    """The array of the plain product, the products of all rows added in one expression.

    called : its name as an array. pipeline : rows whose sum is registered before the sums are added; None:
    all rows at once. Sums leave a register at the bottom. Raises InputError for a pipeline below 1.
    """
    _checked(pipeline)

    def build(rows: int, psum_bits: int) -> ArrayText:
        lines, stages = _sums(rows, psum_bits, pipeline)
        about = "products, added down each column in one expression"
        column = _column(f"Adds the products of {rows} rows.", rows * psum_bits, psum_bits, lines)
        return _array(operands, rows, psum_bits, (about, psum_bits, stages + 1, ""), (_PRODUCT, column))

    # what a multiplier makes first are the bits of the exact encoding
    inside = exact(operands.act_bits, operands.weight_bits, a_signed=operands.act_signed)
    digest = _digest("tree", operands, pipeline)
    return ArrayDesign(called, digest, build, operands=operands, encoding=inside.to_dict())


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _checked(pipeline: int | None) -> None:
    if pipeline is not None and pipeline < 1:
        raise InputError(f"pipeline: {pipeline} found; at least 1 is needed")


def _array(
    operands: Operands, rows: int, psum_bits: int, what: tuple[str, int, int, str], bodies: tuple[str, str]
) -> ArrayText:
    """what : about it, bits of a PE, latency, more that its parameters must be. bodies : PE's, column's."""
    about, out, latency, guard = what
    fields = {**operands._asdict(), "act_signed": int(operands.act_signed), "out": out}
    told = {"rows": rows, "psum_bits": psum_bits, "about": about, "latency": latency, "guard": guard}
    modules = {
        "hd_column_pe": _PE.format(body=bodies[0], **fields),
        "hd_column": bodies[1],
        "hd_array": _ARRAY.format(**fields, **told),
    }
    return ArrayText(modules, latency)


def _column(about: str, bits: int, width: int, lines: tuple[str, ...]) -> str:
    body = "\n".join(f"    {line}" for line in lines)
    return _COLUMN.format(about=about, bits=bits - 1, top=width - 1, body=body)


def _gates(encoding: Encoding) -> str:
    """The gates of a PE, each a wire, and its outputs."""
    nets = [f"act[{i}]" for i in range(encoding.a_bits)]
    nets += [f"weight_in[{j}]" for j in range(encoding.w_bits)]
    nets += [f"gate_output_{g}" for g in range(len(encoding.gates))]
    lines = []
    for g in encoding.used_gates:
        kind, a, b = encoding.gates[g]
        if kind == "not":
            text = f"~{nets[a]}"
        elif kind in _INVERTED:
            text = f"~({nets[a]} {_INVERTED[kind]} {nets[b]})"
        else:
            text = f"{nets[a]} {_OPERATORS[kind]} {nets[b]}"
        lines.append(f"    wire gate_output_{g} = {text};")
    made = ", ".join(nets[net] for net in reversed(encoding.outputs))
    unused = "    wire unused = &{1'b0, ACT_SIGNED != 0, act, weight_in};     // not every bit is read"
    return "\n".join([unused, *lines, f"    assign made = {{{made}}};"])


_PRODUCT = """\
    wire signed [ACT_BITS:0] factor = {(ACT_SIGNED != 0) & act[ACT_BITS-1], act};
    wire signed [OUT-1:0] product = $signed(weight_in) * factor;
    assign made = product;"""


def _sums(rows: int, width: int, block: int | None) -> tuple[tuple[str, ...], int]:
    """All rows in one expression, or in blocks of rows with a register each; and how many registers follow
    each other."""
    parts = [f"outputs_of_all_rows[{r * width} +: {width}]" for r in range(rows)]
    if block is None or block >= rows:
        return (f"assign sum = {' + '.join(parts)};",), 0
    lines, blocks = [], -(-rows // block)
    for b in range(blocks):
        total = " + ".join(parts[b * block : (b + 1) * block])
        lines += [f"reg [{width - 1}:0] piped{b};", f"always @(posedge clk) piped{b} <= {total};"]
    return (*lines, f"assign sum = {' + '.join(f'piped{b}' for b in range(blocks))};"), 1
