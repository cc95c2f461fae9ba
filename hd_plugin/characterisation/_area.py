"""What a PE takes of an array, however few columns were synthesised."""

from __future__ import annotations

import re

from hd_plugin.errors import InputError
from hd_plugin.gates import Circuit
from hd_plugin.hardware import ArraySize

__all__ = ["area_per_pe"]

# rows of a systolic array wait for each other in these, at one edge of it; and all of it shares what tells a
# new group (yosys makes one of equal registers)
_EDGE = re.compile(r"\.delay\b|\.swap_delay\b|^array\.swaps\[")
_HOPS = re.compile(r"^array\.weight\[(\d+)\]")  # of row r and column c: r * (columns + 1) + c


def area_per_pe(circuit: Circuit) -> float:
    """Area of a PE in um2, with its share of the column below it.

    Without the registers that skew rows and that pass ``swap`` on, which are the array's, not a PE's.

    The registers that pass weights on end at the last column, where nothing reads them; as many are added as
    the other columns have. So a few columns tell what one of many takes. Registers count with their mean
    area. Raises InputError for a circuit of fewer than two columns, or that does not tell its array.
    """
    try:
        size = ArraySize(**circuit.conditions["array"])
    except (KeyError, TypeError) as error:
        raise InputError(f"{circuit.netlist.path}: array: no size found in its conditions") from error
    if size.cols < 2:
        raise InputError(f"{circuit.netlist.path}: array {size.name}: two columns are needed to tell a PE's")
    names = _register_names(circuit)
    register_um2 = circuit.conditions["register_um2"] / max(len(names), 1)
    columns = [int(found[1]) % (size.cols + 1) for name in names if (found := _HOPS.search(name))]
    hops = sum(1 for column in columns if column)
    edge = len(columns) - hops + sum(1 for name in names if _EDGE.search(name))
    whole = circuit.area_um2 + register_um2 * (hops / (size.cols - 1) - edge)
    return float(whole / (size.rows * size.cols))


def _register_names(circuit: Circuit) -> list[str]:
    """Of the net that each register drives."""
    net = circuit.netlist
    return [
        next((net.names[i.nets[pin]] for pin in net.cells[i.cell].outputs if pin in i.nets), "")
        for i in net.instances
        if net.cells[i.cell].flip_flop
    ]
