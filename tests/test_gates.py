"""The gate-level simulator against two slow ones and an event-driven HDL simulator."""

import shutil

import numpy as np
import pytest
from gate_cases import LIBRARY, event_toggles, netlist_file, random_cells, settled
from hypothesis import given, settings
from hypothesis import strategies as st

from hd_plugin.errors import InputError
from hd_plugin.gates import GateSimulator, hdl_toggles, price_netlist, read_liberty, read_netlist, schedule

OWN = read_liberty(str(LIBRARY))


def made(folder, cells, inputs=("a", "b", "c", "d"), outputs=None):
    last = list(cells.values())[-1][1]
    clock = "clk" if any(kind == "DFF" for kind, _ in cells.values()) else None
    return read_netlist(
        netlist_file(
            folder, {"i": list(inputs)}, cells, outputs or {"o": [last.get("Y", last.get("Q"))]}, clock
        ),
        OWN,
    )


def random_stimulus(seed, bits, cycles):
    return {"i": np.random.default_rng(seed).random((bits, cycles)) < 0.4}


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32), count=st.integers(1, 40), cycles=st.sampled_from([1, 2, 63, 64, 65, 130, 700])
)
def test_settled_toggles_and_outputs_are_those_of_cycle_by_cycle_evaluation(
    tmp_path_factory, seed, count, cycles
):
    order = schedule(made(tmp_path_factory.mktemp("net"), random_cells(seed, "abcd", count)))
    stimulus = random_stimulus(seed, 4, cycles)
    values = settled(order, stimulus, cycles)
    found = GateSimulator(order).run(stimulus, outputs=True)
    names = len(order.netlist.names)
    assert (found.nets == (values[:names, 1:] != values[:names, :-1]).sum(1)).all()
    assert (found.outputs["o"] == values[order.netlist.outputs["o"]]).all()


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 25), longest=st.integers(1, 9))
def test_glitches_are_those_of_a_step_by_step_event_simulation(tmp_path_factory, seed, count, longest):
    order = schedule(made(tmp_path_factory.mktemp("net"), random_cells(seed, "abcd", count)))
    stimulus, cycles = random_stimulus(seed, 4, 12), 12
    delays = np.random.default_rng(seed).integers(1, longest + 1, order.nets)
    values = settled(order, stimulus, cycles)
    wanted = event_toggles(order, values, delays, steps=(count + 2) * (longest + 1))
    assert (
        GateSimulator(order, delays[: len(order.netlist.names)]).run(stimulus).nets
        == wanted[: len(order.netlist.names)]
    ).all()


def test_a_pulse_shorter_than_the_delay_is_swallowed_and_a_longer_one_counted(tmp_path):
    # a xor of a signal and its delayed self pulses at every change
    cells = {
        "slow": ("BUF", {"A": "a", "Y": "late"}),
        "pulse": ("XOR2", {"A": "a", "B": "late", "Y": "p"}),
        "end": ("BUF", {"A": "p", "Y": "y"}),
    }
    net = made(tmp_path, cells)
    stimulus = {"i": np.tile([False, True], 8)[None].repeat(4, 0)}
    at = {name: i for i, name in enumerate(net.names)}

    def toggles(slow, end):
        delays = np.ones(len(net.names), np.int64)
        delays[at["late"]], delays[at["y"]] = slow, end
        return GateSimulator(schedule(net), delays).run(stimulus).nets[at["y"]]

    assert toggles(slow=5, end=6) == 0
    assert toggles(slow=5, end=5) == 2 * 15


@pytest.mark.skipif(not shutil.which("iverilog"), reason="iverilog is not installed")
@pytest.mark.parametrize("seed", range(4))
def test_toggles_equal_iverilog_net_by_net(tmp_path, seed):
    net = made(tmp_path, random_cells(seed, "abcd", 120))
    order, stimulus = schedule(net), random_stimulus(seed, 4, 300)
    circuit = price_netlist(net, OWN)
    clock = [order.clock] if order.clock else []
    for delays in (None, circuit.delay_steps):
        wanted = hdl_toggles(order, stimulus, tmp_path, delays)
        wanted[clock] = 0
        found = GateSimulator(order, delays).run(stimulus).nets
        if delays is None:
            assert (found == wanted).all()
        else:  # where a pulse is exactly as long as a delay, event order decides
            assert found.sum() == pytest.approx(wanted.sum(), rel=0.05)
            assert np.corrcoef(found, wanted)[0, 1] > 0.99


LOOP = {"x": ("NAND2", {"A": "a", "B": "q", "Y": "p"}), "y": ("NAND2", {"A": "b", "B": "p", "Y": "q"})}
TANGLE = {"x": ("DFF", {"CK": "clk", "D": "q", "Q": "p"}), "y": ("DFF", {"CK": "clk", "D": "p", "Q": "q"})}
TWO_DRIVERS = {"x": ("INV", {"A": "a", "Y": "p"}), "y": ("INV", {"A": "b", "Y": "p"})}
GATED = {
    "g": ("AND2", {"A": "clk", "B": "b", "Y": "gc"}),
    "x": ("DFF", {"CK": "gc", "D": "a", "Q": "p"}),
    "y": ("DFF", {"CK": "gc", "D": "p", "Q": "q"}),
}
AS_DATA = {"x": ("DFF", {"CK": "clk", "D": "a", "Q": "p"}), "y": ("AND2", {"A": "p", "B": "clk", "Y": "q"})}
OPEN = {"x": ("INV", {"A": "nowhere", "Y": "p"})}
TWO_CLOCKS = {"x": ("DFF", {"CK": "clk", "D": "a", "Q": "p"}), "y": ("DFF", {"CK": "b", "D": "p", "Q": "q"})}


@pytest.mark.parametrize(
    "cells, words",
    [
        (LOOP, "a loop without a register: x, y"),
        (TANGLE, "2 registers that depend on each other: x, y"),
        (TWO_DRIVERS, "net 'p' has two drivers, one of them 'y'"),
        (GATED, "the clock 'gc' is no input"),
        (AS_DATA, "cell 'y' .AND2. reads the clock 'clk' as data"),
        (OPEN, "net 'nowhere', which cell 'x' .INV. reads, has no driver"),
        (TWO_CLOCKS, "two clocks, 'clk' and 'b'"),
    ],
)
def test_what_cannot_be_simulated_is_named(tmp_path, cells, words):
    with pytest.raises(InputError, match=words):
        schedule(made(tmp_path, cells))


def test_cells_that_are_not_of_the_library_are_named(tmp_path):
    with pytest.raises(InputError, match=r"cell 'x' is a '\$_AND_'|cell 'x' is a \$_AND_: it was not mapped"):
        made(tmp_path, {"x": ("$_AND_", {"A": "a", "B": "b", "Y": "p"})})
    with pytest.raises(InputError, match="cell 'x' is a 'NAND5', which .*; did you mean 'NAND3'"):
        made(tmp_path, {"x": ("NAND5", {"A": "a", "B": "b", "Y": "p"})})
    with pytest.raises(InputError, match="cell 'x' .NAND2.: input 'B' has no net"):
        made(tmp_path, {"x": ("NAND2", {"A": "a", "Y": "p"})})
    (tmp_path / "no.json").write_text("{}")
    with pytest.raises(InputError, match="not a netlist"):
        read_netlist(tmp_path / "no.json", OWN)
    for broken in (
        '{"modules": {"top": {"cells": {"x": {}}}}}',
        '{"modules": {"top": {"cells": [1]}}}',
        '{"modules": {"top": {"attributes": {"top": "yes"}}, "b": {}}}',
        '{"modules": {"top": {"ports": {"a": {"direction": "input", "bits": 3}}}}}',
    ):
        (tmp_path / "no.json").write_text(broken)
        with pytest.raises(InputError, match="no.json: not a netlist"):
            read_netlist(tmp_path / "no.json", OWN)
    (tmp_path / "no.json").write_text('{"modules": {}}')
    with pytest.raises(InputError, match="0 modules found"):
        read_netlist(tmp_path / "no.json", OWN)


def test_missing_and_misshapen_stimuli_are_named(tmp_path):
    simulator = GateSimulator(schedule(made(tmp_path, random_cells(1, "abcd", 5))))
    with pytest.raises(InputError, match="input 'i' is missing"):
        simulator.run({})
    with pytest.raises(InputError, match=r"input 'i': \[3, 10\] found; \[4, cycles\]"):
        simulator.run({"i": np.zeros((3, 10), bool)})
    with pytest.raises(InputError, match="no input 'j'"):
        simulator.run({"i": np.zeros((4, 10), bool), "j": np.zeros((4, 10), bool)})
