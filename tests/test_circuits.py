"""Circuits: what nets cost by hand-made arithmetic, their files, and synthesis of any Verilog."""

import gzip
import importlib.util
import json

import numpy as np
import pytest
from gate_cases import CELL, LIBRARY, library, netlist_file

from hd_plugin.errors import InputError
from hd_plugin.gates import (
    GateSimulator,
    load_circuit,
    price_netlist,
    read_liberty,
    read_netlist,
    schedule,
    synthesise,
)


def test_a_net_costs_half_cv2_and_what_its_driver_spends(tmp_path):
    power = (
        'internal_power () { related_pin : "A"; rise_power (s) { values ("3"); } '
        'fall_power (s) { values ("5"); } }'
    )
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
    # tables are in units of 1 pF x (1 V)^2
    assert found["p"] == pytest.approx((0.5 * 1.5 * 4 + (3 + 5) / 2) * 1e3)
    wired = dict(zip(net.names, price_netlist(net, own, wire_per_pin=1.0).energy_fJ))
    assert wired["a"] == pytest.approx(2 * found["a"])


def test_an_input_pins_own_power_is_weighted_by_its_states_and_supplies_add_up(tmp_path):
    def power(condition, value):
        table = f'{{ values ("{value}"); }}'
        return f"internal_power () {{ {condition} rise_power (s) {table} fall_power (s) {table} }}"

    powers = [power('when : "B";', 4), power("", 2), power('related_pg_pin : VSS; when : "!B";', 8)]
    cell = (
        f"cell (AND) {{ area : 1; pin (A) {{ direction : input; capacitance : 0; {''.join(powers)} }} "
        "pin (B) { direction : input; capacitance : 0; } "
        'pin (Y) { direction : output; function : "A&B"; } } cell (INV)'
    )
    own = library(tmp_path, CELL.format(unit="pf", input=0, power="").replace("cell (INV)", cell))

    def cost(b):
        net = read_netlist(
            netlist_file(
                tmp_path, {"i": ["a", "b"]}, {"x": ("AND", {"A": "a", "B": b, "Y": "p"})}, {"o": ["p"]}, None
            ),
            own,
        )
        return dict(zip(net.names, price_netlist(net, own).energy_fJ))["a"] / 1e3

    # B is 1 half of the time; the table without ``when`` is for the other half
    assert cost("b") == pytest.approx(4 / 2 + 2 / 2 + 8 / 2)
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


def test_a_flip_flops_states_are_those_that_exist(tmp_path):
    """Q and QN are never equal: four tables for the states of D, Q and QN are all there is."""
    powers = "".join(
        f'internal_power () {{ when : "{d}D*{q}Q*{n}QN"; rise_power (s) {{ values ("1"); }} '
        'fall_power (s) { values ("1"); } }'
        for d in ("", "!")
        for q, n in (("", "!"), ("!", ""))
    )
    own = library(
        tmp_path,
        f"""library (l) {{ nom_voltage : 1; cell (F) {{
        ff (IQ, IQN) {{ next_state : "D"; clocked_on : "C"; }}
        pin (C) {{ direction : input; capacitance : 0; {powers} }}
        pin (D) {{ direction : input; capacitance : 0; }}
        pin (Q) {{ direction : output; function : "IQ"; }}
        pin (QN) {{ direction : output; function : "IQN"; }} }} }}""",
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


def test_a_circuit_file_says_what_the_circuit_says(tmp_path):
    own = read_liberty(LIBRARY)
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


def saved(folder, **changes):
    """A circuit file of one inverter, with other fields."""
    net = netlist_file(folder, {"i": ["a"]}, {"x": ("INV", {"A": "a", "Y": "p"})}, {"o": ["p"]}, None)
    path, own = folder / "c.json.gz", read_liberty(LIBRARY)
    price_netlist(read_netlist(net, own), own).save(path)
    data = json.loads(gzip.decompress(path.read_bytes())) | changes
    path.write_bytes(gzip.compress(json.dumps({k: v for k, v in data.items() if v is not None}).encode()))
    return path


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"schema": "other/1"}, "schema: 'other/1' found, 'hd-plugin/circuit/1' needed"),
        ({"top": None, "delay_ps": None}, "top: missing; delay_ps: missing"),
        ({"clock_fJ": -1, "conditions": 3}, "clock_fJ: -1 found; a number >= 0 .*conditions: 3 found"),
        ({"energy_fJ": [-1.0] * 9}, r"energy_fJ\[4\]: -1.0 found; a number >= 0 is needed; and 4 more"),
        ({"energy_fJ": [1.0]}, "energy_fJ: 1 found for 4 nets that are named"),
        ({"outputs": {"o": [9]}}, "inputs, outputs: a net above 3"),
        ({"instances": [[0, "x", 2, 9]]}, r"instances\[0\]: \[0, 'x', 2, 9\] found; .* a net below 4"),
        ({"instances": [[7, "x", 2, 3]]}, "a cell type below 1"),
        ({"instances": [[0, "x", 2]]}, "for each pin of the type"),
        ({"instances": [["x", 0, 2, 3]]}, "a cell type below 1, a name"),
        ({"instances": [[]]}, r"instances\[0\]: \[\] found"),
    ],
)
def test_what_is_wrong_with_a_circuit_file_is_listed(tmp_path, changes, words):
    path = saved(tmp_path, **changes)
    with pytest.raises(InputError, match=f"c.json.gz: not a readable circuit .*{words}.*characterize'$"):
        load_circuit(path)


@pytest.mark.skipif(importlib.util.find_spec("pyosys") is None, reason="pyosys is not installed")
@pytest.mark.parametrize("fraig", [True, False])
def test_any_verilog_is_synthesised_and_computes_what_it_says(tmp_path, fraig):
    """A counter's parity, with a parameter that a wrapper fixes."""
    (tmp_path / "parity.v").write_text(
        "module parity #(parameter W = 2) (input wire clk, input wire [W-1:0] a, output reg odd);\n"
        "always @(posedge clk) odd <= ^a;\nendmodule\n"
    )
    wrapper = (
        "module five(input wire clk, input wire [4:0] a, output wire odd);\n"
        "parity #(.W(5)) p (.clk(clk), .a(a), .odd(odd));\nendmodule\n"
    )
    synthesise([tmp_path / "parity.v"], "five", LIBRARY, tmp_path / "net.json", wrapper, fraig)
    net = read_netlist(tmp_path / "net.json", read_liberty(LIBRARY))
    given = np.random.default_rng(0).random((5, 100)) < 0.5
    found = GateSimulator(schedule(net)).run({"a": given}, outputs=True).outputs["odd"][0]
    assert net.top == "five" and (found[1:] == (given.sum(0) % 2 == 1)[:-1]).all()
    with pytest.raises(InputError, match="no blanks in a path"):
        synthesise([tmp_path / "a b.v"], "five", LIBRARY, tmp_path / "x.json")
