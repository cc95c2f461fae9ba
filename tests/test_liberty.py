"""Liberty files: functions, tables, units, and what nets cost by hand-made arithmetic."""

import itertools
import os
from pathlib import Path

import numpy as np
import pytest
from gate_cases import LIBRARY, netlist_file
from hypothesis import given
from hypothesis import strategies as st

from hd_plugin.errors import InputError
from hd_plugin.hardware.gates import load_circuit, price_netlist, read_liberty, read_netlist
from hd_plugin.hardware.gates._liberty import Table
from hd_plugin.hardware.gates._logic import emit, evaluate, inputs_of, parse

DATA = os.environ.get("HD_PLUGIN_DATA")
CELL = """library (l) {{ voltage_unit : "1V"; time_unit : "1ns"; capacitive_load_unit (1, {unit}); nom_voltage : 2.0; leakage_power_unit : "1nW";
  cell (INV) {{ area : 1; pin (A) {{ direction : input; capacitance : {input}; }}
    pin (Y) {{ direction : output; function : "!A"; {power} }} }} }}"""


def library(folder, text):
    path = folder / "l.lib"
    path.write_text(text)
    return read_liberty(path)


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


def test_a_net_costs_half_cv2_and_what_its_driver_spends(tmp_path):
    power = 'internal_power () { related_pin : "A"; rise_power (s) { values ("3"); } fall_power (s) { values ("5"); } }'
    own = library(tmp_path, CELL.format(unit="pf", input="1.5", power=power))
    net = read_netlist(
        netlist_file(
            tmp_path,
            {"i": ["a"]},
            {"x": ("INV", {"A": "a", "Y": "p"}), "y": ("INV", {"A": "p", "Y": "q"})},
            {"o": ["q"]},
            None,
        ),
        own,
    )
    found = dict(zip(net.names, price_netlist(net, own, wire_per_pin=0.0).energy_fJ))
    assert found["a"] == pytest.approx(0.5 * 1.5 * 4 * 1e3)
    assert found["p"] == pytest.approx(
        (0.5 * 1.5 * 4 + (3 + 5) / 2) * 1e3
    )  # tables are in units of 1 pF x (1 V)^2
    wired = dict(zip(net.names, price_netlist(net, own, wire_per_pin=1.0).energy_fJ))
    assert wired["a"] == pytest.approx(2 * found["a"])


def test_an_input_pins_own_power_is_weighted_by_its_states_and_supplies_add_up(tmp_path):
    one = 'internal_power () {{ {0} rise_power (s) {{ values ("{1}"); }} fall_power (s) {{ values ("{1}"); }} }}'
    powers = [
        one.format('when : "B";', 4),
        one.format("", 2),
        one.format('related_pg_pin : VSS; when : "!B";', 8),
    ]
    text = CELL.format(unit="pf", input=0, power="").replace(
        "cell (INV)",
        "cell (AND) { area : 1; pin (A) { direction : input; capacitance : 0; "
        + "".join(powers)
        + ' } pin (B) { direction : input; capacitance : 0; } pin (Y) { direction : output; function : "A&B"; } } cell (INV)',
    )
    own = library(tmp_path, text)

    def cost(b):
        net = read_netlist(
            netlist_file(
                tmp_path, {"i": ["a", "b"]}, {"x": ("AND", {"A": "a", "B": b, "Y": "p"})}, {"o": ["p"]}, None
            ),
            own,
        )
        return dict(zip(net.names, price_netlist(net, own).energy_fJ))["a"] / 1e3

    assert cost("b") == pytest.approx(
        4 / 2 + 2 / 2 + 8 / 2
    )  # B is 1 half of the time; the table without ``when`` is for the other half
    assert (cost("1"), cost("0")) == (pytest.approx(4), pytest.approx(2 + 8))


def test_units_do_not_change_energies(tmp_path):
    power = (
        'internal_power () {{ rise_power (s) {{ values ("{0}"); }} fall_power (s) {{ values ("{0}"); }} }}'
    )
    energies = []
    for unit, scale in (("pf", 1.0), ("ff", 1e3)):
        own = library(
            tmp_path, CELL.format(unit=unit, input=0.002 * scale, power=power.format(0.003 * scale))
        )
        net = read_netlist(
            netlist_file(tmp_path, {"i": ["a"]}, {"x": ("INV", {"A": "a", "Y": "p"})}, {"o": ["p"]}, None),
            own,
        )
        energies.append(price_netlist(net, own).energy_fJ)
    assert np.allclose(*energies)


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
                power='internal_power () { rise_power (s) { index_1 ("1,2"); index_2 ("1,2"); values ("1,2,3"); } }',
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
        """library (x) { operating_conditions (a) { voltage : 0.7; } leakage_power_unit : "1pW"; cell (A) { area : 1/* um2 */;
        leakage_power () { value : 2; when : "A"; } leakage_power () { value : 4; } pin (N) { direction : internal; } } };""",
    )
    assert (
        found.voltage == 0.7
        and found.cells["A"].leakage_nW == pytest.approx(3e-3)
        and found.cells["A"].pins == {}
    )


def test_a_flip_flops_states_are_those_that_exist(tmp_path):
    """Q and QN are never equal: four tables for the states of D, Q and QN are all there is."""
    powers = "".join(
        f'internal_power () {{ when : "{d}D*{q}Q*{n}QN"; rise_power (s) {{ values ("1"); }} fall_power (s) {{ values ("1"); }} }}'
        for d in ("", "!")
        for q, n in (("", "!"), ("!", ""))
    )
    own = library(
        tmp_path,
        f"""library (l) {{ nom_voltage : 1; cell (F) {{ ff (IQ, IQN) {{ next_state : "D"; clocked_on : "C"; }}
        pin (C) {{ direction : input; capacitance : 0; {powers} }} pin (D) {{ direction : input; capacitance : 0; }}
        pin (Q) {{ direction : output; function : "IQ"; }} pin (QN) {{ direction : output; function : "IQN"; }} }} }}""",
    )
    net = read_netlist(
        netlist_file(
            tmp_path, {"i": ["a"]}, {"x": ("F", {"C": "clk", "D": "a", "Q": "p", "QN": "n"})}, {"o": ["p"]}
        ),
        own,
    )
    assert price_netlist(net, own).clock_fJ == pytest.approx(2 * 1e3)
    bad = library(tmp_path, (tmp_path / "l.lib").read_text().replace("!D*!Q*QN", "ZZ"))
    with pytest.raises(InputError, match="cell 'F': pin 'C': when: 'ZZ' is no pin of the cell"):
        price_netlist(net, bad)


def test_strings_that_go_on_in_the_next_line_and_comments(tmp_path):
    text = CELL.format(
        unit="pf",
        input="1",
        power='/* no; } */ internal_power () { rise_power (s) { index_1 ("1, \\\n 2"); values ("1, \\\n 2"); } }',
    )
    assert library(tmp_path, text).cells["INV"].pins["Y"].power[0].rise.values.size == 2


def test_a_circuit_file_says_what_the_circuit_says(tmp_path):
    own = read_liberty(str(LIBRARY))
    cells = {"x": ("NAND2", {"A": "a", "B": "q", "Y": "p"}), "y": ("DFF", {"CK": "clk", "D": "p", "Q": "q"})}
    net = read_netlist(netlist_file(tmp_path, {"i": ["a"]}, cells, {"o": ["q"]}), own)
    made = price_netlist(net, own)
    made.save(tmp_path / "c.json.gz")
    again = load_circuit(tmp_path / "c.json.gz")
    assert (again.netlist.instances, again.netlist.cells, again.netlist.names) == (
        net.instances,
        net.cells,
        net.names,
    )
    assert (
        np.allclose(again.energy_fJ, made.energy_fJ, rtol=1e-3)
        and (again.delay_steps == made.delay_steps).all()
    )
    assert made.clock_fJ == pytest.approx(
        2 * 3.0 + 2.0 + made.conditions["wire_pF_per_pin"] * 1e3
    )  # 6 fF an edge at half of CV^2, 2 fF of pin
    (tmp_path / "bad.json.gz").write_bytes(b"no")
    with pytest.raises(InputError, match="bad.json.gz: not a readable circuit"):
        load_circuit(tmp_path / "bad.json.gz")


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
