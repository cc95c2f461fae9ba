"""What the parts of a layer add up to, with made-up runs in place of Timeloop's."""

from dataclasses import replace

import numpy as np
import pytest

import hd_plugin as hd
from hd_plugin.energy import AddressLut, load_technology
from hd_plugin.engines import Accesses, Array, ComponentResult, Request
from hd_plugin.engines.timeloop import RunError, Shape
from hd_plugin.engines.timeloop._mapping import Block
from hd_plugin.engines.timeloop._parts import COMPONENTS
from hd_plugin.engines.timeloop._run import Outcome
from hd_plugin.engines.timeloop._sums import evaluation
from hd_plugin.engines.timeloop._variables import variables_for

TECHNOLOGY = load_technology("eyeriss45")
NAMES = {part: part for part in (*COMPONENTS, "array_rows", "array_columns")}
KEPT = {
    "main_memory": ("Weights", "Inputs", "Outputs"),
    "clock": (),
    "address_lut": (),
    "weight_buffer": ("Weights",),
    "input_buffer": ("Inputs",),
    "output_buffer": ("Outputs",),
    "accumulation_buffer": ("Outputs",),
    "weight_line": ("Weights",),
    "input_register": ("Inputs",),
    "psum_hop": ("Outputs",),
}
EACH = Accesses(reads=18, fills=27, updates=6, energy_pJ=10.0)
WRITE_PJ = 0.25


@pytest.fixture
def run(tmp_path):
    """A run of ten cycles in which every part does the same at every dataspace that it keeps."""
    (tmp_path / "timeloop-model.ERT.yaml").write_text(
        "ERT:\n  tables:\n  - name: system.weight_buffer\n    actions:\n"
        f"    - {{name: write, energy: {WRITE_PJ}}}\n"
    )
    parts = {name: ComponentResult(0, 0.0, 2.0, dict.fromkeys(spaces, EACH)) for name, spaces in KEPT.items()}
    return Outcome(parts | {"mac": ComponentResult(100, 50.0, 3.0, {})}, 10, tmp_path)


def summed(run, ends, layer=None, lut_bits=0, copies=1):
    layer = layer or hd.Layer("one", np.zeros((4, 8, 1, 1), np.uint8), 4, output_hw=(4, 4))
    variables = variables_for(Request(layer, 3, 0.5, lut_bits), Array(), "eyeriss45", copies)
    runs = [(run, Block(Shape(1, 1, 1, 1, 1, 1), first, last)) for first, last in ends]
    return evaluation(runs, variables, TECHNOLOGY, NAMES), variables


def test_weights_come_with_the_first_part_and_outputs_go_with_the_last(run):
    found, _ = summed(run, [(True, False), (False, True), (False, False)])
    parts = found.components
    assert parts["weight_buffer"].accesses["Weights"] == Accesses(
        3 * 18, 27, 3 * 6, pytest.approx(30.0 - 2 * 27 * WRITE_PJ)
    )
    assert parts["main_memory"].accesses["Weights"] == Accesses(18, 3 * 27, 3 * 6, 10.0)
    for name in ("output_buffer", "main_memory"):
        assert parts[name].accesses["Outputs"] == EACH
    assert parts["accumulation_buffer"].accesses["Outputs"] == Accesses(54, 81, 18, 30.0)
    assert parts["mac"].computes == 300 and found.counts.cycles == 30
    assert found.folders == (str(run.folder),) * 3


def test_an_unrolled_problem_holds_each_input_several_times_but_it_comes_once(run):
    parts = summed(run, [(True, True)], copies=9)[0].components
    assert parts["input_buffer"].accesses["Inputs"] == replace(EACH, fills=3)
    assert parts["main_memory"].accesses["Inputs"] == replace(EACH, reads=2, energy_pJ=10.0 / 9)
    assert parts["main_memory"].accesses["Weights"] == EACH


def test_counts_are_read_from_the_parts_by_name(run):
    found, variables = summed(run, [(True, True)])
    counts = found.counts
    assert (counts.mac, counts.weight_hops) == (100, 27 * variables["cols"])
    assert counts.idle_weight_hops == counts.weight_hops - counts.mac
    assert (counts.weight_reads, counts.input_reads, counts.output_writes) == (18, 18, 6)
    assert (counts.accumulator_reads, counts.accumulator_writes, counts.lut_reads) == (18, 6, 0)
    energy = found.energy
    assert (energy.mac_J, energy.weight_hop_J, energy.psum_hop_J) == pytest.approx((50e-12, 10e-12, 10e-12))
    assert energy.memory_J == pytest.approx(8 * 10e-12)


def test_the_work_of_clock_and_table_is_taken_apart_from_their_leakage(run):
    found, variables = summed(run, [(True, True)], lut_bits=5)
    table = AddressLut(TECHNOLOGY, variables["lut_entries"], 5, 1)
    static_pJ = 10 * table.leak_pJ(1e-9)
    assert variables["lut_entries"] == 4 * 3 and found.counts.lut_reads == 10
    assert found.energy.clock_J == pytest.approx(2.0 * 10 * 1e-12)
    assert found.energy.lut_J == pytest.approx((2.0 * 10 - static_pJ) * 1e-12)
    assert found.energy.leakage_J == pytest.approx((8 * 2.0 * 10 + 3.0 * 10 + static_pJ) * 1e-12)


def test_a_part_that_the_architecture_lacks_is_named(run):
    few = Outcome({n: p for n, p in run.components.items() if n != "psum_hop"}, 10, run.folder)
    with pytest.raises(RunError, match="Timeloop tells nothing of psum_hop"):
        summed(few, [(True, True)])
