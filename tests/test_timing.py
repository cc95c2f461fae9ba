"""The slowest path: a chain by hand, and every path of small netlists one by one."""

import numpy as np
import pytest
from gate_cases import LIBRARY, netlist_file, random_cells
from hypothesis import given
from hypothesis import strategies as st

from hd_plugin.gates import critical_path, load_circuit, price_netlist, read_liberty, read_netlist

GENERIC = read_liberty(LIBRARY)


def priced(folder, inputs, cells, outputs, library=GENERIC):
    return price_netlist(read_netlist(netlist_file(folder, inputs, cells, outputs), library), library, 0.0)


def test_a_chain_by_hand(tmp_path):
    """tau is 4 ps, a pin has its logical effort in fF: DFF 24 + 4 h, INV 4 + 4 h, NAND2 8 + 4 h."""
    cells = {
        "first": ("DFF", {"CK": "clk", "D": "a", "Q": "q"}),
        "u1": ("INV", {"A": "q", "Y": "x"}),
        "u2": ("NAND2", {"A": "x", "B": "b", "Y": "y"}),
        "last": ("DFF", {"CK": "clk", "D": "y", "Q": "z"}),
    }
    found = critical_path(priced(tmp_path, {"a": ["a"], "b": ["b"]}, cells, {"z": ["z"]}))
    nand = GENERIC.cells["NAND2"].pins["A"].capacitance_pF * 1e3
    times = np.cumsum([24 + 4 * 1, 4 + 4 * nand, 8 + 4 * 1])
    assert [c.name for c in found.cells] == ["first", "u1", "u2"]
    assert [c.cell for c in found.cells] == ["DFF", "INV", "NAND2"]
    assert [c.net for c in found.cells] == ["q", "x", "y"]
    assert [c.at_ns * 1e3 for c in found.cells] == pytest.approx(times, rel=1e-3)
    assert found.delay_ns * 1e3 == pytest.approx(times[-1], rel=1e-3) and found.setup_ns == 0
    assert found.start == "q" and found.end == "z"


def with_setup(folder, text):
    """The project's library, its register with a setup time."""
    folder.mkdir()
    pin = "pin (D) {\n      direction : input;\n      capacitance : 1;"
    timing = f' timing () {{ related_pin : "CK"; timing_type : setup_rising; {text} }}'
    path = folder / "with_setup.lib"
    path.write_text(LIBRARY.read_text().replace(pin, pin + timing))
    assert path.read_text() != LIBRARY.read_text()
    return read_liberty(path)


def test_the_longest_setup_time_of_a_register_counts(tmp_path):
    cells = {
        "first": ("DFF", {"CK": "clk", "D": "a", "Q": "q"}),
        "last": ("DFF", {"CK": "clk", "D": "q", "Q": "z"}),
    }
    ports = {"a": ["a"]}, {"z": ["z"]}
    both = 'rise_constraint (scalar) { values ("11"); } fall_constraint (scalar) { values ("17"); }'
    circuit = priced(tmp_path, ports[0], cells, ports[1], with_setup(tmp_path / "a", both))
    found = critical_path(circuit)
    assert found.setup_ns == pytest.approx(0.017) and found.end == "z"
    assert found.delay_ns == pytest.approx(0.024 + 4 * 0.001 + 0.017)  # from the clock, with a load of 1 fF
    circuit.save(tmp_path / "c.json.gz")
    assert critical_path(load_circuit(tmp_path / "c.json.gz")) == found
    table = (  # both axes are transitions, in the file's ps
        'rise_constraint (by_load) { index_1 ("0, 100"); index_2 ("0, 100"); values ("10, 0", "60, 50"); }'
    )
    circuit = priced(tmp_path, ports[0], cells, ports[1], with_setup(tmp_path / "b", table))
    slew = 1e3 * circuit.conditions["slew_ns"]
    assert 0 < slew < 100
    assert critical_path(circuit).setup_ns * 1e3 == pytest.approx(10 + 0.5 * slew - 0.1 * slew, rel=1e-3)


def every_path(circuit):
    """The longest of all paths, each walked from its end to where it begins."""
    netlist, found = circuit.netlist, []
    driver = {}
    for i in netlist.instances:
        logic = netlist.cells[i.cell]
        for pin in logic.outputs:
            if pin in i.nets:
                driver[i.nets[pin]] = i, [i.nets[p] for p in logic.inputs], bool(logic.flip_flop)
    inputs = {net for nets in netlist.inputs.values() for net in nets}

    def walk(net, behind):
        if net in inputs:
            found.append(behind)
        elif net in driver:
            _, reads, register = driver[net]
            own = behind + circuit.delay_ps[net]
            if register:
                found.append(own)
            else:
                for other in set(reads):
                    walk(other, own)

    for i in netlist.instances:
        if netlist.cells[i.cell].flip_flop:
            walk(i.nets["D"], 0.0)
    for nets in netlist.outputs.values():
        for net in nets:
            walk(net, 0.0)
    return max(found, default=0.0)


@given(st.integers(0, 10**6), st.integers(1, 18))
def test_it_is_the_longest_of_all_paths(tmp_path_factory, seed, count):
    cells = random_cells(seed, ["a", "b", "c"], count)
    last = list(cells.values())[-1][1]
    outputs = {"z": [last.get("Y") or last["Q"]]}
    circuit = priced(tmp_path_factory.mktemp("n"), {n: [n] for n in "abc"}, cells, outputs)
    found = critical_path(circuit)
    assert found.delay_ns * 1e3 == pytest.approx(every_path(circuit))
    # what is told of the way adds up, each cell reading the one before it
    instances = {i.name: i for i in circuit.netlist.instances}
    nets = {name: n for n, name in enumerate(circuit.netlist.names)}
    before = 0.0
    for one, cell in zip([None, *found.cells], found.cells):
        assert cell.at_ns * 1e3 == pytest.approx(before + circuit.delay_ps[nets[cell.net]])
        assert one is None or nets[one.net] in instances[cell.name].nets.values()
        before = 1e3 * cell.at_ns
    assert before == pytest.approx(1e3 * (found.delay_ns - found.setup_ns))


def test_a_circuit_of_constants_has_no_path(tmp_path):
    circuit = priced(tmp_path, {"a": ["a"]}, {"u": ("INV", {"A": "1", "Y": "y"})}, {"z": ["y"]})
    found = critical_path(circuit)
    assert found.delay_ns == 0 and found.cells == () and found.end == ""
