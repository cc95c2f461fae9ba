// One processing element of the input-stationary array (arXiv 2002.05293, Figure 1a). An activation stays, weights pass from
// left to right, partial sums from top to bottom, one register each.
`default_nettype none

module hd_pe #(
    parameter WEIGHT_BITS = 4,
    parameter ACT_BITS    = 8,
    parameter ACT_SIGNED  = 0,
    parameter PSUM_BITS   = 16,
    parameter FORMAT      = 0          // of weights: 0 two's complement, 1 sign-magnitude, 2 offset binary, 3 Gray
) (
    input  wire                   clk,
    input  wire                   act_shift,    // the chain of next activations moves down by one row
    input  wire [ACT_BITS-1:0]    act_in,
    output wire [ACT_BITS-1:0]    act_out,
    input  wire                   swap_in,      // one cycle ahead of a group's first weight: the next activation becomes this one
    output reg                    swap_out,
    input  wire [WEIGHT_BITS-1:0] weight_in,
    output reg  [WEIGHT_BITS-1:0] weight_out,
    input  wire [PSUM_BITS-1:0]   psum_in,
    output reg  [PSUM_BITS-1:0]   psum_out
);
    reg [ACT_BITS-1:0] act, act_next;
    assign act_out = act_next;

    wire signed [WEIGHT_BITS-1:0] value;
    generate
        if (FORMAT == 1) begin : sign_magnitude
            wire [WEIGHT_BITS-1:0] magnitude = {1'b0, weight_in[WEIGHT_BITS-2:0]};
            assign value = weight_in[WEIGHT_BITS-1] ? -magnitude : magnitude;
        end else if (FORMAT == 2) begin : offset_binary
            assign value = {~weight_in[WEIGHT_BITS-1], weight_in[WEIGHT_BITS-2:0]};
        end else if (FORMAT == 3) begin : gray
            wire [WEIGHT_BITS-1:0] offset;
            genvar b;
            for (b = 0; b < WEIGHT_BITS; b = b + 1) begin : bit_of
                assign offset[b] = ^weight_in[WEIGHT_BITS-1:b];
            end
            assign value = {~offset[WEIGHT_BITS-1], offset[WEIGHT_BITS-2:0]};
        end else begin : twos_complement
            assign value = weight_in;
        end
    endgenerate

    wire signed [ACT_BITS:0] factor = {(ACT_SIGNED != 0) & act[ACT_BITS-1], act};
    wire signed [WEIGHT_BITS+ACT_BITS:0] product = value * factor;
    wire [PSUM_BITS-1:0] wide;
    generate
        if (PSUM_BITS > WEIGHT_BITS + ACT_BITS + 1) begin : extend
            assign wide = {{(PSUM_BITS-WEIGHT_BITS-ACT_BITS-1){product[WEIGHT_BITS+ACT_BITS]}}, product};
        end else begin : cut
            assign wide = product[PSUM_BITS-1:0];
        end
    endgenerate

    always @(posedge clk) begin
        if (act_shift) act_next <= act_in;
        if (swap_in)   act      <= act_next;
        swap_out   <= swap_in;
        weight_out <= weight_in;
        psum_out   <= psum_in + wide;
    end
endmodule

`default_nettype wire
