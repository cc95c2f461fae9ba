"""Arrays of other designs in gates: what they compute and what their parts cost, under any plan."""

from dataclasses import replace

import numpy as np
import pytest
from encoding_cases import random_encoding
from gate_cases import LIBRARY
from hardware_cases import random_layer, random_plan

from benchmarks import encodings
from hd_plugin.characterisation import ArraySimulator, area_per_pe, make_circuit, stimulus
from hd_plugin.encoding_mac import column_design, load_mac, truncated
from hd_plugin.errors import InputError
from hd_plugin.gates import load_circuit
from hd_plugin.hardware import SYSTOLIC, ArraySize, Operands, program, random_activations, run_program, starts

pytest.importorskip("pyosys", reason="pyosys is not installed: nothing can be synthesised")
ROWS, COLS = 4, 2
OPERANDS = Operands(5, 4, False)
DESIGNS = {
    "systolic": SYSTOLIC,
    "tree": load_mac("tree", 5, 4),
    "tree, pipelined": load_mac("tree@2", 5, 4),
    "exact": load_mac("exact", 5, 4),
    "exact, pipelined": load_mac("exact@2", 5, 4),
    "exact, a register a level": load_mac("exact@1", 5, 4),
    "truncated": column_design(truncated(5, 4, 12, a_signed=False)),
    "any": column_design(random_encoding(6)),
}


@pytest.fixture(scope="module", params=DESIGNS)
def made_array(request):
    design = DESIGNS[request.param]
    bits = design.psum_bits(ROWS, OPERANDS)
    size = ArraySize(rows=ROWS, cols=COLS, weight_bits=4, act_bits=5, psum_bits=bits)
    return design, make_circuit(LIBRARY, size, design=design)


def case(plan_seed=2):
    layer = random_layer(1, (30, 10, 1, 2), hw=(2, 2))
    plan = random_plan(layer, ROWS, plan_seed)
    return program(layer, plan), random_activations(layer, 3, 5)


def test_its_gates_compute_the_layer(made_array):
    design, circuit = made_array
    bits = circuit.conditions["array"]["psum_bits"]
    latency = design.build(ROWS, bits).latency
    for seed in (2, 3):
        made, inputs = case(seed)
        played = stimulus(made, inputs, COLS, 2, latency)
        told = ArraySimulator(circuit).gates.run(played.ports, outputs=True).outputs["psums"]
        psums = (told.reshape(COLS, bits, -1).astype(np.int64) << np.arange(bits)[:, None]).sum(1)
        psums = np.where(psums >> (bits - 1), psums - (1 << bits), psums)
        K, groups = made.words.shape[1], len(made.used)
        sums = np.repeat(starts(made, design, 2), COLS) + np.zeros((K, 1), np.int64)
        for p in range(2 * groups):
            for c in range(COLS):
                at = played.span * (p + 1) + latency + c
                addresses = made.tables.output_addresses[p % groups]
                sums[addresses, p // groups * COLS + c] += psums[c, at : at + K]
        found = np.zeros_like(sums)
        found[made.tables.output_order] = sums
        assert (found == run_program(made, inputs, design.code_table)).all()


def test_its_parts_are_told_by_their_names(made_array):
    design, circuit = made_array
    simulator = ArraySimulator(circuit)
    one = simulator.run(*case())
    assert min(one.mac_fJ, one.weight_hop_fJ, one.psum_hop_fJ, one.activations_fJ) > 0
    latency = design.build(ROWS, circuit.conditions["array"]["psum_bits"]).latency
    toggles = simulator.gates.run(stimulus(*case(), COLS, latency=latency).ports).nets
    assert one.datapath_fJ == pytest.approx(float(toggles @ circuit.energy_fJ))
    found = simulator._part_energies
    flops = {
        part: sum(
            1
            for i in circuit.netlist.instances
            if circuit.netlist.cells[i.cell].flip_flop
            and any(energy[i.nets[pin]] > 0 for pin in ("Q", "QN") if pin in i.nets)
        )
        for part, energy in found.items()
    }
    bits, every = circuit.conditions["array"]["psum_bits"], design.name in ("binary", "tree", "exact")
    assert flops["mac"] == 0 < flops["activations"] <= 2 * 5 * ROWS * COLS
    assert not every or flops["activations"] == 2 * 5 * ROWS * COLS  # others do not read every bit
    if design.skewed:
        assert flops["psum_hop"] > bits * COLS and flops["weight_hop"] > 4 * ROWS
    else:  # no skew, and one partial sum a column besides the pipeline's
        stages = design.build(ROWS, bits).latency - 1
        assert flops["weight_hop"] <= 4 * ROWS + 1 and (not every or flops["weight_hop"] == 4 * ROWS + 1)
        assert (flops["psum_hop"] <= bits * COLS) == (stages == 0)


def test_a_circuit_tells_its_design_and_survives_its_file(made_array, tmp_path):
    design, circuit = made_array
    circuit.save(tmp_path / "c.json.gz")
    known = load_circuit(tmp_path / "c.json.gz")
    assert known.conditions.get("design") == circuit.conditions.get("design")
    assert ("design" in known.conditions) == (design is not SYSTOLIC)
    if design is not SYSTOLIC:
        assert known.conditions["design"]["mac"] == design.name
    assert ArraySimulator(known).run(*case()) == ArraySimulator(circuit).run(*case())


def test_a_design_that_a_file_tells_wrongly_is_refused():
    circuit = make_circuit(LIBRARY, ArraySize(rows=2, cols=2), design=load_mac("exact", 8, 4))
    circuit.conditions["design"]["latency"] = "soon"
    with pytest.raises(InputError, match="design: latency: 'soon'"):
        ArraySimulator(circuit)


def test_a_design_of_other_operands_is_refused():
    with pytest.raises(InputError, match="mac exact: it is made for 5-bit unsigned .* 8-bit unsigned"):
        make_circuit(LIBRARY, ArraySize(rows=2, cols=2), design=load_mac("exact", 5, 4))


@pytest.mark.parametrize("design", [SYSTOLIC, load_mac("exact", 5, 4)], ids=lambda d: d.name)
def test_a_pe_takes_what_one_more_column_takes(design):
    def made(cols):
        return make_circuit(LIBRARY, ArraySize(rows=6, cols=cols, act_bits=5, psum_bits=12), design=design)

    two, three = made(2), made(3)
    wanted = (three.area_um2 - two.area_um2) / 6
    assert area_per_pe(two) == pytest.approx(wanted, rel=0.03)
    assert area_per_pe(three) == pytest.approx(area_per_pe(two), rel=0.01)
    with pytest.raises(InputError, match="two columns are needed"):
        area_per_pe(made(1))


def test_the_benchmark_finds_again_what_it_computed(tmp_path, monkeypatch):
    point = encodings.Point(LIBRARY, 4, 2, "exact@2")
    found = encodings.measured(point, 2, tmp_path)
    assert found.latency > 1 and min(found.area, found.path_ns, found.energy, found.clock) > 0
    monkeypatch.setattr(encodings, "_measure", None)
    assert encodings.measured(point, 2, tmp_path) == found
    with pytest.raises(TypeError):
        encodings.measured(replace(point, mac="exact@3"), 2, tmp_path)
