"""Circuits, netlists and cell libraries for the fuzz."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from fuzz_case import Case, copy_of, json_of
from gate_cases import LIBRARY, netlist_file

from hd_plugin.gates import load_circuit, price_netlist, read_liberty, read_netlist

__all__ = ["CASES"]


def _make_netlist(path: Path) -> None:
    cells = {
        "x": ("NAND2", {"A": "a", "B": "q", "Y": "p"}),
        "y": ("DFF", {"CK": "clk", "D": "p", "Q": "q"}),
        "z": ("XOR2", {"A": "p", "B": "a", "Y": "r"}),
    }
    made = netlist_file(path.parent, {"i": ["a"]}, cells, {"o": ["q", "r"]})
    path.write_bytes(made.read_bytes())


def _netlist(path: Path) -> Any:
    found = read_netlist(path, read_liberty(LIBRARY))
    ports = {name: len(nets) for name, nets in {**found.inputs, **found.outputs}.items()}
    return {"cells": {i.name: i.cell for i in found.instances}, "ports": ports}


def _netlist_said(path: Path) -> Any:
    [module] = json_of(path)["modules"].values()
    cells = {name: cell["type"] for name, cell in module["cells"].items()}
    return {"cells": cells, "ports": {name: len(port["bits"]) for name, port in module["ports"].items()}}


def _make_circuit(path: Path) -> None:
    netlist = path.with_name("for_circuit.json")
    _make_netlist(netlist)
    library = read_liberty(LIBRARY)
    price_netlist(read_netlist(netlist, library), library).save(path)


def _circuit(path: Path) -> Any:
    found = load_circuit(path)
    assert found.schedule.nets >= 0
    numbers = {k: getattr(found, k) for k in ("clock_fJ", "leakage_nW", "area_um2", "conditions")}
    lists = {"energy_fJ": found.energy_fJ.tolist(), "delay_ps": found.delay_ps.tolist()}
    net = found.netlist
    pins = [[i.name, sorted(i.nets.values())] for i in net.instances]
    return {
        **numbers,
        **lists,
        "instances": pins,
        "inputs": net.inputs,
        "outputs": net.outputs,
        "names": net.names,
    }


def _circuit_said(path: Path) -> Any:
    data = json.loads(gzip.decompress(path.read_bytes()))
    data["instances"] = [[name, sorted(n for n in nets if n >= 0)] for _, name, *nets in data["instances"]]
    return {k: v for k, v in data.items() if k not in ("schema", "top", "cells")}


def _liberty(path: Path) -> Any:
    """Any text that is whole is another library; a cut one is none."""
    found = read_liberty(path)
    return {"cells": sorted(found.cells)}


def _liberty_said(path: Path) -> Any:
    text = path.read_text(encoding="utf8", errors="replace")
    assert text.count("{") == text.count("}")
    return _liberty(path)


CASES = [
    Case("circuit", "c.json.gz", "gz", _make_circuit, _circuit, _circuit_said),
    Case("netlist", "n.json", "json", _make_netlist, _netlist, _netlist_said),
    Case("liberty", "l.lib", "bytes", copy_of(LIBRARY), _liberty, _liberty_said),
]
