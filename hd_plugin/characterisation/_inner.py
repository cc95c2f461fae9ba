"""What a PE takes in the middle of an array, told by one of few columns."""

from __future__ import annotations

import re

import numpy as np

from hd_plugin._checked import check
from hd_plugin.errors import InputError
from hd_plugin.gates import Circuit
from hd_plugin.hardware import ArraySize

__all__ = ["area_per_pe", "clock_per_pe_fJ", "net_shares"]

# rows of a systolic array wait for each other in these, at one edge of it; and all of it shares what tells a
# new group (yosys makes one of equal registers)
_EDGE = re.compile(r"\.delay\b|\.swap_delay\b|^array\.swaps\[|^swap$|^weights\[")
_HOPS = re.compile(r"^array\.weight\[(\d+)\]")  # of row r and column c: r * (columns + 1) + c


def net_shares(circuit: Circuit) -> np.ndarray:
    """How often each net stands in the middle of an array, over how often it stands here, float64[nets].

    0 for what is at the edge that weights come from: the registers that skew rows, the weights' inputs, and
    what passes ``swap`` on. The wires between columns are one fewer than columns, as nothing reads the last
    ones: columns / (columns - 1). 1 for all others. So a few columns tell what one of many takes. Raises
    InputError for a circuit of fewer than two columns, or that does not tell its array.
    """
    path = circuit.netlist.path
    cols = check(ArraySize, circuit.conditions.get("array"), f"{path}: array").cols
    if cols < 2:
        raise InputError(f"{path}: an array of one column; two columns are needed to tell what a PE takes")
    shares = np.ones(len(circuit.netlist.names))
    for net, name in enumerate(circuit.netlist.names):
        if hop := _HOPS.search(name):
            shares[net] = cols / (cols - 1) if int(hop[1]) % (cols + 1) else 0.0
        elif _EDGE.search(name):
            shares[net] = 0.0
    return shares


def area_per_pe(circuit: Circuit) -> float:
    """Area of a PE in um2, its share of the column below it included; registers have their mean area.

    Raises InputError as ``net_shares`` does.
    """
    shares = _register_shares(circuit)
    registers_um2 = float(circuit.conditions["register_um2"])
    logic = circuit.area_um2 - registers_um2
    return (logic + registers_um2 * float(np.mean(shares))) / _pes(circuit)


def clock_per_pe_fJ(circuit: Circuit) -> float:
    """What the clock of a PE's registers, and of its share of the column, takes in a cycle.

    Raises InputError as ``net_shares`` does.
    """
    return circuit.clock_fJ * float(np.mean(_register_shares(circuit))) / _pes(circuit)


def _pes(circuit: Circuit) -> int:
    array = circuit.conditions["array"]
    return int(array["rows"]) * int(array["cols"])


def _register_shares(circuit: Circuit) -> np.ndarray:
    """Of the net that each register drives."""
    net, shares = circuit.netlist, net_shares(circuit)
    found = [
        next((shares[i.nets[pin]] for pin in net.cells[i.cell].outputs if pin in i.nets), 1.0)
        for i in net.instances
        if net.cells[i.cell].flip_flop
    ]
    return np.array(found) if found else np.ones(1)
