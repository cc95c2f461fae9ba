"""The array as a circuit in the cells of a library."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import replace
from pathlib import Path

from hd_plugin.errors import InputError
from hd_plugin.gates import Circuit, price_netlist, read_liberty, read_netlist, synthesise
from hd_plugin.hardware import ArraySize, rtl_files

__all__ = ["make_circuit"]

_MODULES = ("hd_pe", "hd_array")  # what is synthesised: tables and buffers are memories


def make_circuit(
    liberty: str | Path,
    size: ArraySize | None = None,
    netlist: str | Path | None = None,
    wire_per_pin: float = 1.0,
) -> Circuit:
    """The array in the cells of ``liberty``: synthesised with yosys, or read from ``netlist``.

    netlist : JSON of yosys's write_json. wire_per_pin : assumed wire load for each pin that a net drives,
    in mean input capacitances. Raises MissingTool without pyosys, and InputError or SynthesisError for
    files that cannot be used.
    """
    size = size or ArraySize()
    if not 0 <= wire_per_pin < 1e3:
        raise InputError(f"wire-load: {wire_per_pin} found; a number from 0 to 1000 is needed")
    library = read_liberty(liberty)  # before yosys: its words about a broken file say less
    with tempfile.TemporaryDirectory(prefix="hd_plugin-") as folder:
        made = Path(netlist) if netlist else Path(folder) / "array.json"
        if netlist is None:
            sources = [path for path in rtl_files(testbench=False) if path.stem in _MODULES]
            synthesise(sources, "top", liberty, made, wrapper=size.wrapper())
        found = read_netlist(made, library)
        digests = {Path(liberty).name: _digest(Path(liberty)), "netlist": _digest(made)}
    conditions = {
        "array": size.to_dict(),
        "netlist": Path(netlist).name if netlist else "synthesised by yosys (synth -flatten, dfflibmap, abc)",
        "digests": digests,
    }
    named = found if netlist else replace(found, path=f"{liberty} (synthesised)")
    return price_netlist(named, library, wire_per_pin, conditions)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
