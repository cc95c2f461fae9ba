// Runs one layer through hd_datapath from memory images, writes the sums, and counts what flips on the array's weight inputs.
// Images (all $readmemh): words and addresses by group and step, used rows by group, activations by tile, group and row, starts of
// the sums by tile.
`default_nettype none

module hd_testbench #(
    parameter ROWS        = 8,
    parameter COLS        = 8,
    parameter WEIGHT_BITS = 4,
    parameter ACT_BITS    = 8,
    parameter ACT_SIGNED  = 0,
    parameter PSUM_BITS   = 16,
    parameter ACC_BITS    = 32,
    parameter FORMAT      = 0,
    parameter DEPTH       = 1024,       // of the accumulation buffer: at least K
    parameter ADDR_BITS   = 10,
    parameter LATENCY     = ROWS,       // of hd_array
    parameter STEPS       = 1,          // room in the images: groups * K, groups, tiles * groups * ROWS, tiles
    parameter GROUPS      = 1,
    parameter ACTS        = 1,
    parameter TILES       = 1
) ();
    reg [ROWS*WEIGHT_BITS-1:0] words     [0:STEPS-1];
    reg [ADDR_BITS-1:0]        addresses [0:STEPS-1];
    reg [ROWS-1:0]             rows_used [0:GROUPS-1];
    reg [COLS*ACT_BITS-1:0]    acts      [0:ACTS-1];
    reg [ACC_BITS-1:0]         starts    [0:TILES-1];

    reg clk = 1'b0, reset = 1'b1;
    always #5 clk = ~clk;
    reg act_shift = 1'b0, step = 1'b0, first = 1'b0, overwrite = 1'b0, reversed = 1'b0, use_lut = 1'b0, lut_write = 1'b0;
    reg [COLS*ACT_BITS-1:0] act_in;
    reg [ROWS-1:0] used = {ROWS{1'b0}};
    reg [ROWS*WEIGHT_BITS-1:0] weights;
    reg [ACC_BITS-1:0] start;
    reg [ADDR_BITS-1:0] lut_write_index, lut_write_address, read_address, last;
    wire [COLS*ACC_BITS-1:0] read_sums;
    wire [ROWS*WEIGHT_BITS-1:0] row_weights;

    hd_datapath #(.ROWS(ROWS), .COLS(COLS), .WEIGHT_BITS(WEIGHT_BITS), .ACT_BITS(ACT_BITS), .ACT_SIGNED(ACT_SIGNED), .PSUM_BITS(PSUM_BITS),
                  .ACC_BITS(ACC_BITS), .FORMAT(FORMAT), .DEPTH(DEPTH), .ADDR_BITS(ADDR_BITS), .LATENCY(LATENCY)) dut (
        .clk(clk), .reset(reset), .act_shift(act_shift), .act_in(act_in), .step(step), .first(first), .overwrite(overwrite), .start(start), .backwards(reversed), .last(last), .used(used),
        .weights(weights), .use_lut(use_lut), .lut_write(lut_write), .lut_write_index(lut_write_index),
        .lut_write_address(lut_write_address), .read_address(read_address), .read_sums(read_sums), .row_weights(row_weights));

    // flips on the weight inputs; the first word of each row is loaded for free
    reg [63:0] toggles = 0, cycles = 0;
    reg [ROWS*WEIGHT_BITS-1:0] previous;
    reg [ROWS-1:0] written = {ROWS{1'b0}}, live = {ROWS{1'b0}};
    function integer flips(input [ROWS*WEIGHT_BITS-1:0] a, input [ROWS*WEIGHT_BITS-1:0] b, input [ROWS-1:0] counted);
        integer n;
        begin
            flips = 0;
            for (n = 0; n < ROWS * WEIGHT_BITS; n = n + 1)
                if (counted[n / WEIGHT_BITS] && (a[n] !== b[n])) flips = flips + 1;
        end
    endfunction
    always @(posedge clk) begin
        cycles  <= cycles + 1;
        toggles <= toggles + flips(row_weights, previous, live);
        previous  <= row_weights;
        written <= written | (used & {ROWS{step}});
        live    <= written;
    end

    integer K, groups, tiles, alternate, lut, passes, pass, span, s, k, out, found;
    reg [8*1024-1:0] path;

    // tiles outermost; every other one backwards when they alternate
    function integer backwards(input integer p);
        backwards = (alternate != 0) && ((p / groups) % 2 == 1) ? 1 : 0;
    endfunction
    function integer group_of(input integer p);
        group_of = (backwards(p) != 0) ? groups - 1 - p % groups : p % groups;
    endfunction

    // while one pass streams, the next one's table and activations are loaded; inputs change at falling edges
    task load(input integer p, input integer at);
        begin
            lut_write = (p < passes) && (at < K);
            if (p < passes && at < K) begin
                lut_write_index   = at[ADDR_BITS-1:0];
                lut_write_address = addresses[group_of(p) * K + at];
            end
            act_shift = (p < passes) && (at >= ROWS + COLS) && (at < 2 * ROWS + COLS);
            if (p < passes && at >= ROWS + COLS && at < 2 * ROWS + COLS)
                act_in = acts[((p / groups) * groups + group_of(p)) * ROWS + (2 * ROWS + COLS - 1 - at)];
        end
    endtask

    initial begin
        found = $value$plusargs("K=%d", K) + $value$plusargs("groups=%d", groups) + $value$plusargs("tiles=%d", tiles)
              + $value$plusargs("alternate=%d", alternate) + $value$plusargs("lut=%d", lut);
        if (found != 5) begin $display("HD_PLUGIN error=plusargs"); $finish; end
        use_lut = (lut != 0);
        if ($value$plusargs("words=%s", path) != 0)     $readmemh(path, words, 0, groups * K - 1);
        if ($value$plusargs("addresses=%s", path) != 0) $readmemh(path, addresses, 0, groups * K - 1);
        if ($value$plusargs("used=%s", path) != 0)      $readmemh(path, rows_used, 0, groups - 1);
        if ($value$plusargs("acts=%s", path) != 0)      $readmemh(path, acts, 0, tiles * groups * ROWS - 1);
        if ($value$plusargs("starts=%s", path) != 0)    $readmemh(path, starts, 0, tiles - 1);
        if ($value$plusargs("out=%s", path) != 0)       out = $fopen(path, "w");
        last = K[ADDR_BITS-1:0] - 1'b1;
        passes = tiles * groups;
        span = (K > 2 * ROWS + COLS) ? K : 2 * ROWS + COLS;
        repeat (2) @(negedge clk);
        reset = 1'b0;
        for (s = 0; s < span; s = s + 1) begin
            load(0, s);
            @(negedge clk);
        end
        for (pass = 0; pass < passes; pass = pass + 1) begin
            for (s = 0; s < span; s = s + 1) begin
                step      = (s < K);
                first     = (s == 0);
                overwrite = (pass % groups == 0);
                start     = starts[pass / groups];
                used      = rows_used[group_of(pass)];
                reversed  = (backwards(pass) != 0);
                if (s < K) weights = words[group_of(pass) * K + (reversed ? K - 1 - s : s)];
                load(pass + 1, s);
                @(negedge clk);
            end
            step      = 1'b0;
            act_shift = 1'b0;
            lut_write = 1'b0;
            if (pass % groups == groups - 1) begin
                repeat (LATENCY + COLS + 3) @(negedge clk);
                for (k = 0; k < K; k = k + 1) begin
                    read_address = k[ADDR_BITS-1:0];
                    @(negedge clk);
                    $fdisplay(out, "%h", read_sums);
                end
            end
        end
        $display("HD_PLUGIN toggles=%0d cycles=%0d", toggles, cycles);
        $fclose(out);
        $finish;
    end
endmodule

`default_nettype wire
