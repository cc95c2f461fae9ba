"""The Verilog computes what integer arithmetic does, and its wires flip as often as counted."""

import subprocess

import numpy as np
import pytest
from hardware_cases import MUTATIONS, mutated, random_layer, random_plan

import hd_plugin as hd
from hd_plugin.bits import NUMBER_FORMATS
from hd_plugin.errors import HdPluginError, MissingTool
from hd_plugin.gates import find_simulator
from hd_plugin.hardware import (
    Bench,
    VerifyOptions,
    _testbench,
    check_program,
    program,
    random_activations,
    rtl_files,
    verify_all,
)
from hd_plugin.streaming import METHODS


@pytest.fixture(params=["iverilog", "verilator"], scope="module")
def simulator(request):
    try:
        return find_simulator(request.param)
    except MissingTool as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def iverilog():
    """Quick to compile: for tests with a design of their own each."""
    try:
        return find_simulator("iverilog")
    except MissingTool as error:
        pytest.skip(str(error))


def test_the_verilog_is_lint_clean():
    try:
        find_simulator("verilator")
    except MissingTool as error:
        pytest.skip(str(error))
    for more in (
        [],
        ["-GFORMAT=1"],
        ["-GFORMAT=2"],
        ["-GFORMAT=3", "-GACT_SIGNED=1"],
        ["-GROWS=1", "-GCOLS=1"],
        ["-GROWS=2", "-GCOLS=3", "-GPSUM_BITS=14"],
    ):
        done = subprocess.run(
            [
                "verilator",
                "--lint-only",
                "-Wall",
                "--top-module",
                "hd_datapath",
                *more,
                *map(str, rtl_files(testbench=False)),
            ],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0 and not done.stderr, (more, done.stderr)


@pytest.mark.parametrize("number_format", NUMBER_FORMATS)
@pytest.mark.parametrize(
    "rows, cols, shape, signed",
    [
        (4, 3, (5, 10, 1, 1), False),
        (8, 8, (30, 11, 1, 2), True),
        (1, 1, (3, 2, 1, 1), False),
        (2, 5, (1, 3, 2, 1), True),
        (3, 2, (17, 3, 1, 1), False),
    ],
    ids=str,
)
def test_sums_and_toggles_of_any_plan(rows, cols, shape, signed, number_format, iverilog, tmp_path):
    layer = random_layer(1, shape, 4, number_format, hw=(3, 5))
    plan = random_plan(layer, rows, 2)
    inputs = random_activations(layer, 3, signed=signed)
    made = program(layer, plan)
    bench = Bench(iverilog, tmp_path, [(made, inputs)], cols)
    for alternate in (False, True):
        found = check_program(layer, plan, made, inputs, bench, VerifyOptions(cols=cols, alternate=alternate))
        assert found.ok and found.rtl.tiles == -(-15 // cols) and found.rtl.toggles == found.flips_hardware, (
            found
        )


def test_a_large_array(simulator):
    layer = random_layer(4, (5, 70), hw=(1, 1))
    options = VerifyOptions(simulator=simulator.name, cols=2)  # one pixel; each column costs compilation
    assert hd.verify(layer, hd.optimize(layer, rows=64), options=options).ok


def test_other_widths(iverilog):
    for bits, act_bits in ((2, 1), (8, 8), (5, 12)):
        layer = random_layer(bits, (9, 6), bits)
        inputs = hd.Activations(np.random.default_rng(0).integers(0, 2**act_bits, (6, 1, 20)), bits=act_bits)
        options = VerifyOptions(simulator="iverilog", tiles=None)
        assert hd.verify(layer, hd.optimize(layer, rows=4), inputs, options).ok


def test_one_full_1x1_and_one_full_3x3_layer_under_every_method(simulator):
    """Layers of the bundled network in whole; weights and sizes are real, all tiles run."""
    network = hd.load_network("resnet20_cifar10_w4")
    layers = [network.layer("layer2.0.conv1"), network.layer("linear")]
    done = verify_all(
        [(la, hd.optimize(la, 8, m, "greedy")) for la in layers for m in list(METHODS)[1:]],
        options=VerifyOptions(simulator=simulator.name, tiles=None),
    )
    assert [(v.taps, v.rtl.tiles) for v in done] == [(9, 32)] * 3 + [(1, 1)] * 3
    assert all(v.ok and v.rtl.toggles == v.rtl.flips == v.flips_hardware > 0 for v in done)


def test_a_full_layer_of_mobilenet(data, simulator):
    """A 1x1 layer of Table 5 with all its pixels."""
    network = hd.load_network(data / "mobilenet_v2_1.0_224_quant.tflite", spec="mobilenet_v2_table5")
    layer = min((la for la in network.layers if la.output_hw[0] > 7), key=lambda la: la.K * la.C)
    options = VerifyOptions(simulator=simulator.name, tiles=None)
    found = hd.verify(layer, hd.optimize(layer, 8, "cluster", "greedy"), options=options)
    assert found.ok and found.pixels == found.rtl.tiles * 8 and found.rtl.toggles == found.flips_hardware > 0


@pytest.mark.parametrize("mutate", MUTATIONS, ids=lambda m: m.__name__)
def test_the_verilog_catches(mutate, iverilog, tmp_path):
    layer, plan, inputs = mutated()
    made = program(layer, plan)
    bench = Bench(iverilog, tmp_path, [(made, inputs)], 4)
    assert check_program(layer, plan, made, inputs, bench, VerifyOptions(cols=4)).rtl.ok
    assert (
        check_program(layer, plan, mutate(made), inputs, bench, VerifyOptions(cols=4)).rtl.difference
        is not None
    )


@pytest.mark.parametrize(
    "file, old, new",
    [
        ("hd_datapath", "step & used[r]", "step"),
        ("hd_datapath", "use_lut ? looked_up : count", "count"),
        ("hd_datapath", "LATE = LATENCY + 1", "LATE = LATENCY + 2"),
        ("hd_lut", "next ? ~reading : reading", "reading"),
        ("hd_pe", "if (swap_in)   act ", "act "),
        ("hd_pe", "psum_in + wide", "wide"),
        ("hd_accumulator", "(overwrite ? start : sums[address])", "sums[address]"),
        ("hd_array", ".swap(step & first)", ".swap(step)"),
        ("hd_array", "swaps[r][0]  = swap_delay[r-1]", "swaps[r][0]  = swap"),
    ],
)
def test_a_broken_array_is_caught(file, old, new, iverilog, tmp_path, monkeypatch):
    """Every part of the Verilog matters to the check.

    Idle rows that do not hold show in the toggles, all else in the sums.
    """
    sources = []
    for path in rtl_files():
        text = path.read_text()
        if path.stem == file or (file == "hd_array" and path.stem == "hd_datapath"):
            text = text.replace(old, new)
        sources.append(tmp_path / path.name)
        sources[-1].write_text(text)
    assert any(a.read_text() != b.read_text() for a, b in zip(sources, rtl_files()))
    monkeypatch.setattr(_testbench, "rtl_files", lambda testbench=True: sources)
    layer, plan, inputs = mutated()
    found = hd.verify(layer, plan, inputs, VerifyOptions(cols=4, simulator="iverilog", tiles=None))
    assert not found.ok and found.difference is None
    assert (found.rtl.difference is None) == (old == "step & used[r]") and (
        found.rtl.toggles != found.rtl.flips
    ) == (old == "step & used[r]")


def test_a_simulator_that_fails_says_why(iverilog, tmp_path, monkeypatch):
    broken = tmp_path / "broken.v"
    broken.write_text("module hd_testbench; nonsense")
    monkeypatch.setattr(_testbench, "rtl_files", lambda testbench=True: [broken])
    layer, plan, inputs = mutated()
    options = VerifyOptions(simulator="iverilog")
    with pytest.raises(HdPluginError, match="iverilog.*syntax error"):
        hd.verify(layer, plan, inputs, options)
    broken.write_text("module hd_testbench; initial $finish; endmodule")
    with pytest.raises(HdPluginError, match="did not finish"):
        hd.verify(layer, plan, inputs, options)
