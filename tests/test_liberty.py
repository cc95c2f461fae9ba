"""Liberty files: functions, tables, and what is wrong with a file."""

import itertools
import os
import re
import tempfile
from pathlib import Path

import numpy as np
import pytest
from gate_cases import CELL, library, library_in_two
from hypothesis import given
from hypothesis import strategies as st

from hd_plugin.errors import InputError
from hd_plugin.gates import bundled_library, check_cells, read_liberty
from hd_plugin.gates._liberty import Table
from hd_plugin.gates._logic import emit, evaluate, inputs_of, parse

DATA = os.environ.get("HD_PLUGIN_DATA")


@given(
    st.recursive(
        st.sampled_from(["A", "B1", "C", "0", "1"]),
        lambda inner: st.one_of(
            inner.map(lambda x: f"!{x}" if len(x) < 3 else f"!({x})"),
            inner.map(lambda x: f"({x})'"),
            st.tuples(inner, st.sampled_from([" & ", "*", " ", "|", " + ", "^"]), inner).map(
                lambda t: f"({t[0]}){t[1]}({t[2]})"
            ),
        ),
        max_leaves=8,
    )
)
def test_functions_mean_what_python_makes_of_them(text):
    tree = parse(text, "test")
    pins = inputs_of(tree)
    python = text.replace("!", "~").replace("+", "|").replace("*", "&").replace(") (", ")&(")
    while "'" in python:  # (x)' -> (~(x))
        end = python.index("'")
        depth, start = 0, end - 1
        for start in range(end - 1, -1, -1):
            depth += {")": 1, "(": -1}.get(python[start], 0)
            if depth == 0:
                break
        python = f"{python[:start]}(~{python[start:end]}){python[end + 1 :]}"
    ops, slots = [], {p: i for i, p in enumerate(pins)}
    fresh = itertools.count(len(pins) + 1)
    emit(tree, slots, len(pins), lambda: next(fresh), ops)
    for values in itertools.product((0, 1), repeat=len(pins)):
        wanted = eval(python, {}, dict(zip(pins, values))) & 1
        assert evaluate(tree, dict(zip(pins, map(bool, values)))) == bool(wanted)
        memory = dict(enumerate(values))
        for code, a, b, out in ops:
            memory[out] = [
                lambda: memory[a],
                lambda: 1 - memory[a],
                lambda: memory[a] & memory[b],
                lambda: memory[a] | memory[b],
                lambda: memory[a] ^ memory[b],
                lambda: a,
            ][code]()
        assert memory[len(pins)] == wanted


def test_xor_binds_closer_than_and_and_that_closer_than_or():
    assert parse("A + B * C ^ D", "t") == (
        "|",
        ("pin", "A"),
        ("&", ("pin", "B"), ("^", ("pin", "C"), ("pin", "D"))),
    )
    assert parse("A B'", "t") == ("&", ("pin", "A"), ("!", ("pin", "B")))
    with pytest.raises(InputError, match="cell 'x': function '.A &': its end found"):
        parse("(A & ", "cell 'x'")


def test_tables_are_bilinear_inside_and_flat_outside():
    table = Table(np.array([0.0, 1.0]), np.array([0.0, 2.0]), np.array([[0.0, 4.0], [1.0, 5.0]]))
    assert [table.at(0, 1), table.at(0.5, 1), table.at(9, 9), table.at(-1, -1)] == [2.0, 2.5, 5.0, 0.0]


@pytest.mark.parametrize(
    "text, words",
    [
        ("library (l) { cell (A) { area : 1; ", "line 1: the file ends early; not a whole Liberty file"),
        (
            "library (l) { nom_voltage : 1;\n cell (A) { area : x; } }",
            "cell 'A': area: 'x' found; a number is needed",
        ),
        ("module m;", "line 1"),
        ("library (l) { }", "no cell in this library"),
        ("library (l) { time_unit : banana; cell (A) { } }", "time_unit: 'banana' found"),
        (
            CELL.format(
                unit="pf",
                input="1",
                power='internal_power () { rise_power (s) { index_1 ("1,2"); index_2 ("1,2"); '
                'values ("1,2,3"); } }',
            ),
            "cell 'INV': pin 'Y': internal_power: rise_power: 3 values found for 2 x 2 indices",
        ),
        (
            CELL.format(
                unit="pf", input="1", power='internal_power () { rise_power (s) { values ("1,two"); } }'
            ),
            "rise_power: values: numbers are needed",
        ),
        ('library (x) { a : "b', "line 1: '\"b' found"),
        ("library (x) { a : b c", "the file ends early"),
        ("", "the file ends early"),
        ("\x00", "not a whole Liberty file"),
        ("library (x) { time_unit : 1.2.3ns; cell (A) { } }", "time_unit: '1.2.3ns' found"),
        ("library (x) " + "{ a () " * 3000, "nested more than 50 deep"),
        ("library (x) { cell (A) { } }", "nom_voltage: none found"),
        ("library (x) { nom_voltage : nan; cell (A) { } }", "nom_voltage: 'nan' found"),
        (
            "library (x) { nom_voltage : 1; cell (A) { area : -2; } }",
            "cell 'A': area: '-2' found; a number is needed, 0 or more",
        ),
        (
            "library (x) { nom_voltage : 1; cell (A) { } } library (y) { }",
            "'library' found after the end of the library",
        ),
    ],
)
def test_broken_liberty_files_are_named(tmp_path, text, words):
    with pytest.raises(InputError, match=words):
        library(tmp_path, text)


def test_voltage_and_leakage_are_found_where_they_are(tmp_path):
    found = library(
        tmp_path,
        """library (x) { operating_conditions (a) { voltage : 0.7; } leakage_power_unit : "1pW";
        cell (A) { area : 1/* um2 */; leakage_power () { value : 2; when : "A"; }
        leakage_power () { value : 4; } pin (N) { direction : internal; } } };""",
    )
    assert (
        found.voltage == 0.7
        and found.cells["A"].leakage_nW == pytest.approx(3e-3)
        and found.cells["A"].pins == {}
    )


def test_strings_that_go_on_in_the_next_line_and_comments(tmp_path):
    text = CELL.format(
        unit="pf",
        input="1",
        power='/* no; } */ internal_power () { rise_power (s) { index_1 ("1, \\\n 2"); '
        'values ("1, \\\n 2"); } }',
    )
    assert library(tmp_path, text).cells["INV"].pins["Y"].power[0].rise.values.size == 2


@pytest.mark.skipif(not DATA, reason="HD_PLUGIN_DATA is not set")
def test_a_foundrys_library_is_read_whole():
    found = read_liberty(Path(DATA) / "sg13g2_stdcell_typ_1p20V_25C.lib")
    assert found.voltage == 1.2 and len(found.cells) == 84
    nand, flop = found.cells["sg13g2_nand2_1"], found.cells["sg13g2_dfrbpq_1"]
    assert nand.area_um2 == 7.2576 and nand.leakage_nW == pytest.approx(0.0812456)
    assert nand.pins["Y"].power[0].rise.values[0, 0] == pytest.approx(
        0.00166701
    )  # pJ, as it stands in the file
    assert nand.pins["Y"].arcs[0].delays[0].values[1, 2] == pytest.approx(0.174291)
    assert flop.flip_flop["clocked_on"] == "CLK" and found.cells["sg13g2_dlhq_1"].why_not


@given(st.integers(1, 4), st.integers(1, 4), st.randoms(use_true_random=False))
def test_a_table_with_its_axes_the_other_way_round_says_the_same(slews, loads, random):
    """Capacitance first, as some libraries have it, against transition first: every corner and between."""
    slew = sorted(random.sample(range(1, 50), slews))
    load = sorted(random.sample(range(1, 50), loads))
    energy = {(s, c): random.randint(0, 999) for s in slew for c in load}

    def at(first, second, of):
        """The table read from a file in which the rows are ``first``."""
        axes = {"input_net_transition": slew, "total_output_net_capacitance": load}
        index = "".join(
            f'index_{i} ("{", ".join(map(str, axes[name]))}"); ' for i, name in enumerate((first, second), 1)
        )
        rows = ", ".join('"' + ", ".join(str(of(x, y)) for y in axes[second]) + '"' for x in axes[first])
        template = f"power_lut_template (s) {{ variable_1 : {first}; variable_2 : {second}; }}"
        power = f"internal_power () {{ rise_power (s) {{ {index} values ({rows}); }} }}"
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "x.lib"
            text = CELL.format(unit="pf", input="1", power=power)
            path.write_text(text.replace("{", "{ " + template, 1), encoding="utf8")
            return read_liberty(path).cells["INV"].pins["Y"].power[0].rise

    plain = at("input_net_transition", "total_output_net_capacitance", lambda s, c: energy[s, c])
    turned = at("total_output_net_capacitance", "input_net_transition", lambda c, s: energy[s, c])
    for s, c in energy:
        assert plain.at(s, c) == turned.at(s, c) == pytest.approx(energy[s, c])  # 1 pF x (1 V)^2 = 1 pJ
    between = np.mean(slew), np.mean(load)
    assert plain.at(*between) == turned.at(*between)


def test_a_library_in_several_files_is_one_library(tmp_path):
    whole, joined = read_liberty(bundled_library()), read_liberty(library_in_two(tmp_path))
    assert set(joined.cells) == set(whole.cells) and joined.voltage == whole.voltage
    for name, cell in whole.cells.items():
        other = joined.cells[name]
        assert (cell.area_um2, cell.leakage_nW, cell.flip_flop) == (
            other.area_um2,
            other.leakage_nW,
            other.flip_flop,
        )
        assert [p.capacitance_pF for p in cell.pins.values()] == [
            p.capacitance_pF for p in other.pins.values()
        ]
    assert "gates.lib" in joined.path and "flops.lib.gz" in joined.path


def test_files_that_are_no_one_library_are_refused_by_name(tmp_path):
    gates, flops = library_in_two(tmp_path)
    (tmp_path / "again.lib").write_text(gates.read_text())
    with pytest.raises(InputError, match=r"again.lib: cell '\w+' is in .*gates.lib too"):
        read_liberty([gates, tmp_path / "again.lib"])
    with pytest.raises(InputError, match=r"gates.lib: named twice"):
        read_liberty([gates, flops, gates])
    (tmp_path / "low.lib").write_text(re.sub(r"nom_voltage : [\d.]+", "nom_voltage : 0.5", gates.read_text()))
    with pytest.raises(InputError, match=r"low.lib: 0.5 V, and .*flops.lib.gz is of"):
        read_liberty([flops, tmp_path / "low.lib"])
    with pytest.raises(InputError, match="no file given"):
        read_liberty([])
    flops.write_bytes(flops.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"flops.lib.gz: not a readable gzip file"):
        read_liberty(flops)


def test_what_synthesis_lacks_is_told_before_it_begins(tmp_path):
    gates, flops = library_in_two(tmp_path)
    check_cells(read_liberty([gates, flops]))
    check_cells(read_liberty(bundled_library()))
    with pytest.raises(InputError, match=r"gates.lib: a flip-flop \(.*\) missing.*--liberty FILE --lib"):
        check_cells(read_liberty(gates))
    with pytest.raises(InputError, match=r"flops.lib.gz: an inverter and a NAND, .* of two inputs missing"):
        check_cells(read_liberty(flops))
