"""Arrays without partial sums: what their columns count, proven as the systolic array is."""

import subprocess
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from encoding_cases import random_encoding, summed
from hardware_cases import random_layer, random_plan

import hd_plugin as hd
from hd_plugin.encoding_mac import (
    Encoding,
    column_design,
    exact,
    load_mac,
    mac_stem,
    split_mac,
    tree_design,
    truncated,
)
from hd_plugin.encoding_mac._counter import counter, signed_digits
from hd_plugin.errors import InputError, MissingTool
from hd_plugin.gates import find_simulator
from hd_plugin.hardware import (
    SYSTOLIC,
    ArrayText,
    Operands,
    VerifyOptions,
    convolution,
    program,
    random_activations,
    rtl_files,
    run_program,
)


@pytest.fixture(scope="module")
def iverilog():
    try:
        return find_simulator("iverilog")
    except MissingTool as error:
        pytest.skip(str(error))


def designs(a_signed=False):
    """Of 5-bit activations and 4-bit weights."""
    operands = Operands(5, 4, a_signed)
    yield from (tree_design(operands), tree_design(operands, 2))
    for pipeline in (None, 1, 3):
        yield column_design(exact(5, 4, a_signed=a_signed), pipeline=pipeline)
    yield column_design(truncated(5, 4, 11, a_signed=a_signed))
    for seed, pipeline in ((1, None), (2, 1), (3, 2), (4, None)):
        yield column_design(random_encoding(seed, a_signed=a_signed), pipeline=pipeline)


@pytest.mark.parametrize("rows", [1, 4])
def test_the_verilog_is_lint_clean(rows, tmp_path):
    try:
        find_simulator("verilator")
    except MissingTool as error:
        pytest.skip(str(error))
    rest = [path for path in rtl_files(testbench=False) if path.stem not in ("hd_pe", "hd_array")]
    for which, design in enumerate(designs(a_signed=True)):
        (tmp_path / str(which)).mkdir()
        files = design.write(tmp_path / str(which), rows, 14)
        given = {"ROWS": rows, "COLS": 3, "PSUM_BITS": 14, "WEIGHT_BITS": 4, "ACT_BITS": 5, "ACT_SIGNED": 1}
        given["LATENCY"] = design.build(rows, 14).latency
        chosen = [f"-G{name}={value}" for name, value in given.items()]
        lint = ["verilator", "--lint-only", "-Wall", "--top-module", "hd_datapath", *chosen]
        done = subprocess.run([*lint, *map(str, [*files, *rest])], capture_output=True, text=True)
        assert done.returncode == 0 and not done.stderr, (design.name, done.stderr)


@pytest.mark.parametrize("a_signed", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_integers_equal_a_plain_loop(seed, a_signed):
    encoding = random_encoding(seed, a_signed=a_signed)
    layer = random_layer(seed, (6, 7, 1, 2), hw=(2, 2))
    inputs = random_activations(layer, seed, 5, a_signed)
    wanted = summed(layer, inputs, encoding.code_table())
    made = program(layer, random_plan(layer, 3, seed))
    for found in (
        convolution(layer, inputs, encoding.code_table()),
        run_program(made, inputs, encoding.code_table()),
    ):
        assert found.dtype == np.int64 and (found == wanted).all()


def test_an_exact_table_is_the_product():
    layer = random_layer(5, (6, 7, 2, 1), hw=(2, 3))
    for signed in (False, True):
        inputs = random_activations(layer, 1, 8, signed)
        table = exact(8, 4, a_signed=signed).code_table()
        assert (convolution(layer, inputs, table) == convolution(layer, inputs)).all()


def test_a_table_of_other_widths_is_refused():
    layer = random_layer(5, (3, 3), hw=(2, 3))
    with pytest.raises(InputError, match=r"code table: \[32, 16\] found; \[256, 16\] is needed"):
        convolution(layer, random_activations(layer), exact(5, 4).code_table())


@pytest.mark.parametrize("rows, shape", [(4, (5, 10, 1, 2)), (3, (9, 5, 2, 1)), (1, (3, 2, 1, 1))], ids=str)
@pytest.mark.parametrize("which", range(10))
def test_any_design_computes_its_layer_and_flips_as_counted(which, rows, shape, iverilog):
    """Idle rows too (10 channels, 4 rows), whose gates may give anything for the words that they hold."""
    signed = which % 2 == 1
    design = list(designs(signed))[which]
    layer = random_layer(1, shape, hw=(3, 5))
    inputs = random_activations(layer, 3, 5, signed)
    for alternate in (False, True):
        options = VerifyOptions(cols=3, simulator="iverilog", tiles=None, alternate=alternate)
        found = hd.verify(layer, random_plan(layer, rows, 2), inputs, options, design)
        assert found.ok and found.rtl.tiles == 5 and found.rtl.toggles > 0, found


def wrong_weight(encoding):
    weights = list(encoding.weights)
    weights[5] *= 2
    return replace(encoding, weights=tuple(weights))


def wrong_sign(encoding):
    weights = list(encoding.weights)
    weights[5] *= -1
    return replace(encoding, weights=tuple(weights))


def wrong_gate(encoding):
    gates = list(encoding.gates)
    gates[7] = gates[7]._replace(kind="or")
    return replace(encoding, gates=tuple(gates))


def wrong_net(encoding):
    gates = list(encoding.gates)
    gates[7] = gates[7]._replace(a=(gates[7].a + 1) % encoding.a_bits)
    return replace(encoding, gates=tuple(gates))


def case():
    layer = random_layer(3, (12, 10, 2, 1), hw=(3, 5))
    return layer, random_plan(layer, 4, 5), random_activations(layer, 7, 5)


def proof(design):
    layer, plan, inputs = case()
    options = VerifyOptions(cols=4, simulator="iverilog", tiles=None)
    return hd.verify(layer, plan, inputs, options, design)


@pytest.mark.parametrize("mutate", [wrong_weight, wrong_sign, wrong_gate, wrong_net])
def test_hardware_of_another_encoding_is_caught(mutate, iverilog):
    encoding = exact(5, 4, a_signed=False)
    assert proof(column_design(encoding)).ok
    found = proof(replace(column_design(encoding), build=column_design(mutate(encoding)).build))
    assert found.difference is None and found.rtl.difference is not None


@pytest.mark.parametrize(
    "module, old, new",
    [
        ("hd_column", "wire adder_sum_20 = ", "wire adder_sum_20 = 1'b1 ^ "),
        ("hd_column", "wire adder_carry_20 = (", "wire adder_carry_20 = 1'b0 & ("),
        ("hd_column", " | (", " & ("),
        ("hd_column", "piped3 <=", "piped4 <="),
        ("hd_column", "first_addend + second_addend", "first_addend | second_addend"),
        ("hd_column_pe", "if (swap) ", ""),
        ("hd_column_pe", "weight_out <= weight_in", "weight_out <= ~weight_in"),
        ("hd_array", "swaps[c+1] = passed", "swaps[c+1] = swaps[c]"),
    ],
)
def test_a_wrong_counter_register_or_wire_is_caught(module, old, new, iverilog):
    """A full adder changed in the Verilog text, one register for another, a hop left out."""
    design = column_design(exact(5, 4, a_signed=False), pipeline=2)

    def build(rows, psum_bits):
        text = design.build(rows, psum_bits)
        assert old in text.modules[module]
        changed = text.modules[module].replace(old, new, 1)
        return ArrayText({**text.modules, module: changed}, text.latency)

    found = proof(replace(design, build=build))
    assert found.difference is None and found.rtl.difference is not None


@pytest.mark.parametrize("late", [-1, 1])
def test_sums_that_come_at_another_time_are_caught(late, iverilog):
    design = load_mac("tree@2", 5, 4)

    def build(rows, psum_bits):
        text = design.build(rows, psum_bits)
        return text._replace(latency=text.latency + late)

    assert proof(design).ok and proof(replace(design, build=build)).rtl.difference is not None


def test_a_constant_that_is_forgotten_is_caught(iverilog):
    encoding = truncated(5, 4, 11, a_signed=False)
    design = column_design(encoding)
    assert encoding.constant and proof(design).ok
    assert proof(replace(design, constant=0)).rtl.difference is not None


def test_signed_digits_add_up_and_are_few():
    for number in range(1, 300):
        digits = signed_digits(number)
        assert sum(digit << power for power, digit in digits) == number
        powers = [power for power, _ in digits]
        assert all(b - a > 1 for a, b in pairwise(powers))  # no two neighbours: the fewest that there are


def test_a_counter_of_ones_needs_no_more_adders_than_bits():
    for rows in (8, 32, 64):
        found = counter([1], rows, 8)
        assert found.stages == 0 and found.adders < rows
        assert counter([1], rows, 8, 2).stages > 1


def test_macs_by_name(tmp_path):
    assert load_mac("binary", 8, 4) is SYSTOLIC
    assert load_mac("tree", 8, 4).code_table is None
    assert (load_mac("exact", 8, 4).code_table == exact(8, 4, a_signed=False).code_table()).all()
    path = tmp_path / "mine.json"
    random_encoding(1).save(path)
    found = load_mac(path, 5, 4)
    assert found.name == "any" and found.operands == Operands(5, 4, False)
    assert load_mac("truncated:24", 8, 4).name == "truncated:24"
    with pytest.raises(InputError, match=r"mine.json: .*5-bit unsigned .* 5-bit signed .* found"):
        load_mac(path, 5, 4, True)
    with pytest.raises(InputError, match=r"mine.json: .* 8-bit .*'any' takes unsigned 5-bit"):
        load_mac(path, 8, 4, True)
    with pytest.raises(InputError, match="mac: 'tre' is unknown, and no file .* did you mean 'tree'"):
        load_mac("tre", 8, 4)
    unsigned = replace(Encoding.load(path), w_signed=False)
    with pytest.raises(InputError, match="unsigned; an array's are signed"):
        column_design(unsigned)


def test_registers_in_a_column_by_name(tmp_path):
    path = tmp_path / "mine.json"
    random_encoding(1).save(path)
    for name, called, stem in (
        ("exact@2", "exact@2", "exact_every2"),
        ("truncated:24@2", "truncated:24@2", "truncated_24_every2"),
        ("tree@2", "tree@2", "tree_every2"),
        (f"{path}@2", "any@2", "mine_every2"),
    ):
        bits = 5 if "mine" in name else 8
        plain, found = load_mac(split_mac(name)[0], bits, 4), load_mac(name, bits, 4)
        assert (found.name, mac_stem(name), split_mac(name)[1]) == (called, stem, 2)
        assert found.build(8, 16).latency > plain.build(8, 16).latency and found.digest != plain.digest
        assert found.build(8, 16) == load_mac(name, bits, 4).build(8, 16)
    (tmp_path / "mine.json@2").write_bytes(path.read_bytes())  # a file of that name is that file
    assert load_mac(f"{path}@2", 5, 4).name == "any" and split_mac(f"{path}@2")[1] is None
    for name, told in (
        ("binary@2", "mac binary@2: the systolic array has a register a row already"),
        ("tree@0", "mac 'tree@0': '0' found behind '@'; a number from 1"),
        (f"exact@{'9' * 5000}", "'99+.* found behind '@'"),
        ("exact@x", "mac 'exact@x': 'x' found behind '@'"),
        ("exat@2", "mac: 'exat' is unknown, .* did you mean 'exact'"),
    ):
        with pytest.raises(InputError, match=told):
            load_mac(name, 8, 4)


def test_the_name_of_an_encoding_stays_a_comment(iverilog):
    encoding = replace(exact(5, 4, a_signed=False), name='x\nmodule hd_pe; \u2028 `include "y" \\')
    design = column_design(encoding)
    first = design.build(4, 12).modules["hd_array"].splitlines()[0]
    assert first.isascii() and "module hd_pe" in first and proof(design).ok


def test_other_formats_of_weights_are_refused():
    layer = random_layer(3, (4, 4), number_format="gray")
    plan = random_plan(layer, 4, 1)
    with pytest.raises(InputError, match="mac tree: .* two's complement; gray found"):
        hd.verify(layer, plan, None, VerifyOptions(simulator="none"), load_mac("tree", 8, 4))
