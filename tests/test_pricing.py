"""What a netlist's nets cost, against arithmetic from names: loads pin by pin, tables that are planes.

Every table of this library is a plane a + b * slew + c * load, so that what is read from it can be said in a
line, and the mean transition is the solution of a linear equation.
"""

from __future__ import annotations

import random

import numpy as np
import pytest
from gate_cases import library, netlist_file

from hd_plugin.gates import price_netlist, read_netlist

VOLTAGE, SLEWS, LOADS = 1.5, (0.0, 4.0), (0.0, 64.0)
# capacitance of each input, in pF
INPUTS = {"INV": {"A": 0.5}, "NAND": {"A": 0.7, "B": 0.9}, "DFF": {"CK": 0.3, "D": 0.4, "R": 0.6}, "TIE": {}}
OUTPUT = {"INV": "Y", "NAND": "Y", "DFF": "Q", "TIE": "Y"}
FUNCTION = {"INV": "!A", "NAND": "!(A B)", "DFF": "IQ", "TIE": "1"}
# planes of the arcs to the output by the input that they begin at: transition, delay (ns), energy (pJ)
ARCS = {
    "INV": {
        "A": ((0.2, 0.05, 0.01), (0.3, 0.1, 0.02), (1.0, 0.2, 0.03)),
        "E": ((6.0, 0.0, 0.0), (5.0, 0.0, 0.0), (4.0, 0.0, 0.0)),  # an enable: nor is this one
    },
    "NAND": {
        "A": ((0.3, 0.02, 0.02), (0.4, 0.2, 0.01), (2.0, 0.1, 0.02)),
        "B": ((0.5, 0.04, 0.03), (0.6, 0.1, 0.03), (3.0, 0.3, 0.01)),
    },
    "DFF": {
        "CK": ((0.4, 0.01, 0.01), (0.9, 0.2, 0.02), (5.0, 0.4, 0.05)),
        "R": ((9.0, 0.0, 0.0), (7.0, 0.0, 0.0), (8.0, 0.0, 0.0)),  # a clear: no toggle of a stream comes so
    },
    "TIE": {},
}
KINDS = {"CK": "rising_edge", "R": "clear", "E": "three_state_enable"}
# energy of a toggle of an input pin inside its cell, at no load
HIDDEN = {
    ("INV", "A"): (0.1, 0.3),
    ("NAND", "B"): (0.2, 0.1),
    ("DFF", "CK"): (1.5, 0.2),
    ("DFF", "D"): (0.7, 0.0),
}
LEAKAGE, AREA = {"INV": 3, "NAND": 5, "DFF": 11, "TIE": 2}, {"INV": 1, "NAND": 2, "DFF": 7, "TIE": 1}


def plane(kind: str, a: float, b: float, c: float) -> str:
    values = ", ".join(f'"{", ".join(str(a + b * s + c * x) for x in LOADS)}"' for s in SLEWS)
    axes = f'index_1 ("{SLEWS[0]}, {SLEWS[1]}"); index_2 ("{LOADS[0]}, {LOADS[1]}");'
    return f"{kind} (t) {{ {axes} values ({values}); }}"


def both(kind: str, planes: tuple[float, float, float]) -> str:
    """Rise and fall, half above and half below."""
    a, b, c = planes
    names = {"power": ("rise_power", "fall_power"), "delay": ("cell_rise", "cell_fall")}
    up, down = names.get(kind, ("rise_transition", "fall_transition"))
    return plane(up, a * 1.5, b * 1.5, c * 1.5) + plane(down, a / 2, b / 2, c / 2)


def liberty() -> str:
    cells = []
    for name, pins in INPUTS.items():
        text = ""
        for pin, load in pins.items():
            own = HIDDEN.get((name, pin))
            # an input drives nothing, so that a slope by load is never looked up
            power = f"internal_power () {{ {both('power', (*own, 0.25))} }}" if own else ""
            text += f"pin ({pin}) {{ direction : input; capacitance : {load}; {power} }}"
        timing = power = ""
        for related, (transition, delay, energy) in ARCS[name].items():
            kind = KINDS.get(related, "combinational")
            timing += (
                f'timing () {{ related_pin : "{related}"; timing_type : {kind}; '
                f"{both('transition', transition)} {both('delay', delay)} }}"
            )
            power += f'internal_power () {{ related_pin : "{related}"; {both("power", energy)} }}'
        flop = 'ff (IQ, IQN) { next_state : "D"; clocked_on : "CK"; clear : "!R"; }' if name == "DFF" else ""
        output = (
            f'pin ({OUTPUT[name]}) {{ direction : output; function : "{FUNCTION[name]}"; {timing} {power} }}'
        )
        text = output + text if name == "NAND" else text + output  # pins stand in any order
        cells.append(
            f"cell ({name}) {{ area : {AREA[name]}; cell_leakage_power : {LEAKAGE[name]}; {flop} {text} }}"
        )
    return (
        'library (planes) { voltage_unit : "1V"; time_unit : "1ns"; capacitive_load_unit (1, pf); '
        f'leakage_power_unit : "1nW"; nom_voltage : {VOLTAGE}; {" ".join(cells)} }}'
    )


def drawn(seed: int) -> tuple[dict[str, tuple[str, dict[str, str]]], list[str]]:
    """A random netlist: cells by name, and the nets that are outputs (some twice)."""
    rng = random.Random(seed)
    nets, cells = ["a", "b", "r"], {}
    for i in range(rng.randint(1, 14)):
        kind = rng.choice(list(INPUTS))
        pins = {p: {"CK": "clk", "R": "r"}.get(p) or rng.choice(nets) for p in INPUTS[kind]}
        out = {OUTPUT[kind]: f"n{i}"}
        cells[f"x{i}"] = (kind, out | pins if rng.random() < 0.5 else pins | out)
        nets.append(f"n{i}")
    return cells, [rng.choice(nets[3:]) for _ in range(rng.randint(1, 3))]


def at(planes: tuple[float, ...], slew: float, load: float) -> float:
    a, b, c = planes
    return a + b * slew + c * load


@pytest.mark.parametrize("wire", [0.0, 1.0, 2.5])
@pytest.mark.parametrize("seed", range(12))
def test_every_net_costs_what_its_pins_and_planes_say(tmp_path, seed, wire):
    cells, outputs = drawn(seed)
    own = library(tmp_path, liberty())
    ports = {f"o{i}": [net] for i, net in enumerate(outputs)}
    netlist = read_netlist(netlist_file(tmp_path, {"i": ["a", "b", "r"]}, cells, ports), own)
    found = price_netlist(netlist, own, wire_per_pin=wire, conditions={"mine": 1})

    pins = [
        (net, INPUTS[kind][pin], kind, pin)
        for kind, nets in cells.values()
        for pin, net in nets.items()
        if pin in INPUTS[kind]
    ]
    mean = sum(load for _, load, _, _ in pins) / len(pins)
    load = dict.fromkeys(netlist.names, 0.0)
    for net, capacitance, _, _ in pins:
        load[net] += capacitance + wire * mean
    for net in outputs:  # a port is one more pin of a usual load
        load[net] += mean + wire * mean
    driver = {nets[OUTPUT[kind]]: kind for kind, nets in cells.values()}
    toggled = {kind: [arc for pin, arc in arcs.items() if pin not in "RE"] for kind, arcs in ARCS.items()}

    # slew = mean over drivers of mean over arcs of (a + c load) + b slew
    drives = {n: k for n, k in driver.items() if toggled[k]}
    fixed = [np.mean([a + c * load[n] for (a, _, c), _, _ in toggled[k]]) for n, k in drives.items()]
    slope = np.mean([np.mean([b for (_, b, _), _, _ in toggled[k]]) for k in drives.values()])
    slew = np.mean(fixed) / (1 - slope)
    assert found.conditions["slew_ns"] == pytest.approx(slew, rel=1e-6)

    energy = {net: 0.5 * load[net] * VOLTAGE**2 for net in netlist.names}
    for net, kind in drives.items():
        energy[net] += np.mean([at(planes, slew, load[net]) for _, _, planes in toggled[kind]])
    clock = 0.0
    for net, capacitance, kind, pin in pins:
        inside = at((*HIDDEN.get((kind, pin), (0.0, 0.0)), 0.0), slew, 0.0)
        if pin == "CK":  # two edges a cycle, of the pin and of its wire
            clock += 2 * inside + (capacitance + wire * mean) * VOLTAGE**2
        else:
            energy[net] += inside
    delay = {n: np.mean([at(p, slew, load[n]) for _, p, _ in toggled[k]]) for n, k in drives.items()}
    for i, net in enumerate(netlist.names):
        if i < 2 or net == "clk":
            assert found.energy_fJ[i] == 0.0
            continue
        assert found.energy_fJ[i] == pytest.approx(1e3 * energy[net], rel=6e-4), net  # four digits are kept
        assert found.delay_ps[i] == pytest.approx(1e3 * delay.get(net, 0.0), rel=6e-4), net
    assert found.clock_fJ == pytest.approx(1e3 * clock)
    kinds = [kind for kind, _ in cells.values()]
    assert found.leakage_nW == sum(LEAKAGE[k] for k in kinds)
    assert found.area_um2 == sum(AREA[k] for k in kinds)
    assert found.conditions["assumptions"].startswith("no layout") and "setup_ps" not in found.conditions
    told = {"mine": 1, "cells": len(cells), "voltage_V": VOLTAGE, "library": "planes"}
    assert told.items() <= found.conditions.items()
    assert found.conditions["register_um2"] == AREA["DFF"] * kinds.count("DFF")
    assert found.conditions["wire_pF_per_pin"] == pytest.approx(wire * mean)


def test_a_mean_input_pin_of_wire_is_what_a_pin_gets_unless_told(tmp_path):
    own = library(tmp_path, liberty())
    cells = {"x": ("INV", {"A": "a", "Y": "p"})}
    netlist = read_netlist(netlist_file(tmp_path, {"i": ["a"]}, cells, {"o": ["p"]}, None), own)
    plain, told = price_netlist(netlist, own), price_netlist(netlist, own, wire_per_pin=1.0)
    assert (plain.energy_fJ == told.energy_fJ).all() and plain.conditions["wire_pF_per_pin"] == 0.5


def test_states_count_unless_a_pin_is_tied(tmp_path):
    """A pin's own power where the other is 1: half of the states, all of them or none."""
    hidden = f'internal_power () {{ when : "B"; {both("power", (4.0, 0.0, 0.0))} }}'
    pins = f"""pin (A) {{ direction : input; capacitance : 0.5; {hidden} }}
      pin (B) {{ direction : input; capacitance : 0.5; }}
      pin (Y) {{ direction : output; function : "A B"; }}"""
    own = library(
        tmp_path,
        'library (l) { voltage_unit : "1V"; time_unit : "1ns"; capacitive_load_unit (1, pf); '
        f"nom_voltage : 1.0; cell (AND) {{ area : 1; {pins} }} }}",
    )
    found = {}
    for other in ("b", "1", "0"):  # b is the first net of all
        cells = {"x": ("AND", {"A": "a", "B": other, "Y": "y"})}
        ports = {"j": ["b"], "i": ["a"]}
        netlist = read_netlist(netlist_file(tmp_path, ports, cells, {"o": ["y"]}, None), own)
        priced = price_netlist(netlist, own, wire_per_pin=0.0)
        found[other] = priced.energy_fJ[netlist.names.index("a")] - 0.5 * 0.5 * 1e3
    assert found == {"b": pytest.approx(2000), "1": pytest.approx(4000), "0": pytest.approx(0)}
