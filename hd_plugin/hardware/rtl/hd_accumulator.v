// The accumulation buffer of one column: DEPTH partial sums, one read-modify-write a cycle. The first group of a tile
// overwrites: its sums are added to `start`, what is known before (0, or an encoding's constants).
`default_nettype none

module hd_accumulator #(
    parameter DEPTH     = 1024,
    parameter ADDR_BITS = 10,
    parameter PSUM_BITS = 16,
    parameter ACC_BITS  = 32
) (
    input  wire                 clk,
    input  wire                 valid,
    input  wire                 overwrite,
    input  wire [ACC_BITS-1:0]  start,
    input  wire [ADDR_BITS-1:0] address,
    input  wire [PSUM_BITS-1:0] psum,
    input  wire [ADDR_BITS-1:0] read_address,
    output wire [ACC_BITS-1:0]  read_sum
);
    reg [ACC_BITS-1:0] sums [0:DEPTH-1];
    wire [ACC_BITS-1:0] wide = {{(ACC_BITS-PSUM_BITS){psum[PSUM_BITS-1]}}, psum};
    assign read_sum = sums[read_address];

    always @(posedge clk)
        if (valid) sums[address] <= (overwrite ? start : sums[address]) + wide;
endmodule

`default_nettype wire
