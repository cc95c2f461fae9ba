// The array with its weight input registers, output address table and accumulation buffers. Rows that a group does not use, and all
// rows in a cycle without a step, hold their word: no weight wire moves.
`default_nettype none

module hd_datapath #(
    parameter ROWS        = 8,
    parameter COLS        = 8,
    parameter WEIGHT_BITS = 4,
    parameter ACT_BITS    = 8,
    parameter ACT_SIGNED  = 0,
    parameter PSUM_BITS   = 16,
    parameter ACC_BITS    = 32,
    parameter FORMAT      = 0,
    parameter DEPTH       = 1024,
    parameter ADDR_BITS   = 10,
    parameter LATENCY     = ROWS        // of hd_array: cycles from words to the sums of column 0
) (
    input  wire                        clk,
    input  wire                        reset,
    input  wire                        act_shift,
    input  wire [COLS*ACT_BITS-1:0]    act_in,
    input  wire                        step,         // a word for every used row
    input  wire                        first,        // of a group: its table and activations are in force from now on
    input  wire                        overwrite,    // the first group of a tile
    input  wire [ACC_BITS-1:0]         start,        // what its sums are added to; holds until they have left the last column
    input  wire                        backwards,    // this group streams from its last step to its first
    input  wire [ADDR_BITS-1:0]        last,         // steps of a group, less 1
    input  wire [ROWS-1:0]             used,
    input  wire [ROWS*WEIGHT_BITS-1:0] weights,
    input  wire                        use_lut,      // 0: the counter is the address (one order for all groups)
    input  wire                        lut_write,
    input  wire [ADDR_BITS-1:0]        lut_write_index,
    input  wire [ADDR_BITS-1:0]        lut_write_address,
    input  wire [ADDR_BITS-1:0]        read_address,
    output wire [COLS*ACC_BITS-1:0]    read_sums,
    output reg  [ROWS*WEIGHT_BITS-1:0] row_weights   // what the array's weight inputs see
);
    reg  [ADDR_BITS-1:0] counter;
    wire [ADDR_BITS-1:0] count = !first ? counter : backwards ? last : {ADDR_BITS{1'b0}};
    wire [ADDR_BITS-1:0] looked_up;
    wire [COLS*PSUM_BITS-1:0] psums;

    hd_lut #(.DEPTH(DEPTH), .ADDR_BITS(ADDR_BITS)) lut (
        .clk(clk), .reset(reset), .write(lut_write), .write_index(lut_write_index), .write_address(lut_write_address),
        .next(step & first), .counter(count), .address(looked_up));

    integer r;
    always @(posedge clk) begin
        if (step) counter <= backwards ? count - 1'b1 : count + 1'b1;
        for (r = 0; r < ROWS; r = r + 1)
            if (reset) row_weights[r*WEIGHT_BITS +: WEIGHT_BITS] <= {WEIGHT_BITS{1'b0}};
            else if (step & used[r]) row_weights[r*WEIGHT_BITS +: WEIGHT_BITS] <= weights[r*WEIGHT_BITS +: WEIGHT_BITS];
    end

    hd_array #(.ROWS(ROWS), .COLS(COLS), .WEIGHT_BITS(WEIGHT_BITS), .ACT_BITS(ACT_BITS), .ACT_SIGNED(ACT_SIGNED), .PSUM_BITS(PSUM_BITS),
               .FORMAT(FORMAT)) array (
        .clk(clk), .act_shift(act_shift), .act_in(act_in), .swap(step & first), .weights(row_weights), .psums(psums));

    // a step's address, and whether it counts, wait until its sums leave column 0, and go on from column to column
    localparam LATE = LATENCY + 1;
    reg [LATE+COLS-2:0] valid, fresh;
    reg [ADDR_BITS-1:0] address [0:LATE+COLS-2];
    integer i;
    always @(posedge clk) begin
        valid <= reset ? {(LATE+COLS-1){1'b0}} : {valid[LATE+COLS-3:0], step};
        fresh <= {fresh[LATE+COLS-3:0], overwrite};
        address[0] <= use_lut ? looked_up : count;
        for (i = 1; i < LATE + COLS - 1; i = i + 1) address[i] <= address[i-1];
    end

    genvar c;
    generate
        for (c = 0; c < COLS; c = c + 1) begin : column
            hd_accumulator #(.DEPTH(DEPTH), .ADDR_BITS(ADDR_BITS), .PSUM_BITS(PSUM_BITS), .ACC_BITS(ACC_BITS)) buffer (
                .clk(clk), .valid(valid[LATE-1+c]), .overwrite(fresh[LATE-1+c]), .start(start), .address(address[LATE-1+c]),
                .psum(psums[c*PSUM_BITS +: PSUM_BITS]), .read_address(read_address), .read_sum(read_sums[c*ACC_BITS +: ACC_BITS]));
        end
    endgenerate
endmodule

`default_nettype wire
