// The output address table (arXiv 2002.05293, section 5): counter -> address of the accumulation buffer. Two banks of DEPTH entries,
// so that the next group's table is written while this group's one is read; `next` swaps them at a group's first step.
`default_nettype none

module hd_lut #(
    parameter DEPTH     = 1024,
    parameter ADDR_BITS = 10
) (
    input  wire                 clk,
    input  wire                 reset,
    input  wire                 write,
    input  wire [ADDR_BITS-1:0] write_index,
    input  wire [ADDR_BITS-1:0] write_address,
    input  wire                 next,
    input  wire [ADDR_BITS-1:0] counter,
    output wire [ADDR_BITS-1:0] address
);
    reg [ADDR_BITS-1:0] bank0 [0:DEPTH-1];
    reg [ADDR_BITS-1:0] bank1 [0:DEPTH-1];
    reg reading;                                    // the bank that was read last
    wire now = next ? ~reading : reading;
    assign address = now ? bank1[counter] : bank0[counter];

    always @(posedge clk) begin
        reading <= reset ? 1'b1 : now;              // the first group reads bank 0
        if (write &  now) bank0[write_index] <= write_address;
        if (write & ~now) bank1[write_index] <= write_address;
    end
endmodule

`default_nettype wire
