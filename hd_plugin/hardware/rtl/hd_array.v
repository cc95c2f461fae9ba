// ROWS x COLS processing elements. Row r gets its weights r cycles after row 0, so that a weight meets the partial sum of the
// rows above; column c works c cycles after column 0.
`default_nettype none

module hd_array #(
    parameter ROWS        = 8,
    parameter COLS        = 8,
    parameter WEIGHT_BITS = 4,
    parameter ACT_BITS    = 8,
    parameter ACT_SIGNED  = 0,
    parameter PSUM_BITS   = 16,
    parameter FORMAT      = 0
) (
    input  wire                        clk,
    input  wire                        act_shift,
    input  wire [COLS*ACT_BITS-1:0]    act_in,       // of one row; the bottom row's come first
    input  wire                        swap,         // one cycle ahead of a group's first words
    input  wire [ROWS*WEIGHT_BITS-1:0] weights,      // row r at bits r*WEIGHT_BITS and up
    output wire [COLS*PSUM_BITS-1:0]   psums         // column c: ROWS + c cycles after the words it belongs to
);
    wire [WEIGHT_BITS-1:0] weight [0:ROWS-1][0:COLS];
    wire                   swaps  [0:ROWS-1][0:COLS];
    wire [ACT_BITS-1:0]    act    [0:ROWS][0:COLS-1];
    wire [PSUM_BITS-1:0]   psum   [0:ROWS][0:COLS-1];

    genvar r, c;
    generate
        for (r = 0; r < ROWS; r = r + 1) begin : row
            if (r == 0) begin : straight
                assign weight[r][0] = weights[WEIGHT_BITS-1:0];
                assign swaps[r][0]  = swap;
            end else begin : skewed
                reg [r*WEIGHT_BITS-1:0] delay;
                reg [r-1:0]             swap_delay;
                if (r == 1) begin : one
                    always @(posedge clk) begin
                        delay      <= weights[r*WEIGHT_BITS +: WEIGHT_BITS];
                        swap_delay <= swap;
                    end
                end else begin : more
                    always @(posedge clk) begin
                        delay      <= {delay[(r-1)*WEIGHT_BITS-1:0], weights[r*WEIGHT_BITS +: WEIGHT_BITS]};
                        swap_delay <= {swap_delay[r-2:0], swap};
                    end
                end
                assign weight[r][0] = delay[(r-1)*WEIGHT_BITS +: WEIGHT_BITS];
                assign swaps[r][0]  = swap_delay[r-1];
            end
            for (c = 0; c < COLS; c = c + 1) begin : pe
                hd_pe #(.WEIGHT_BITS(WEIGHT_BITS), .ACT_BITS(ACT_BITS), .ACT_SIGNED(ACT_SIGNED), .PSUM_BITS(PSUM_BITS), .FORMAT(FORMAT)) i (
                    .clk(clk), .act_shift(act_shift), .act_in(act[r][c]), .act_out(act[r+1][c]),
                    .swap_in(swaps[r][c]), .swap_out(swaps[r][c+1]), .weight_in(weight[r][c]), .weight_out(weight[r][c+1]),
                    .psum_in(psum[r][c]), .psum_out(psum[r+1][c]));
            end
            wire unused = &{1'b0, weight[r][COLS], swaps[r][COLS]};     // they end here
        end
        for (c = 0; c < COLS; c = c + 1) begin : column
            assign act[0][c]  = act_in[c*ACT_BITS +: ACT_BITS];
            assign psum[0][c] = {PSUM_BITS{1'b0}};
            assign psums[c*PSUM_BITS +: PSUM_BITS] = psum[ROWS][c];
            wire unused = &{1'b0, act[ROWS][c]};
        end
    endgenerate
endmodule

`default_nettype wire
