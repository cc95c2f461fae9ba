"""The array as a circuit in the cells of a library."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from hd_plugin.errors import InputError
from hd_plugin.gates import (
    Circuit,
    LibertyFiles,
    check_cells,
    liberty_files,
    price_netlist,
    read_liberty,
    read_netlist,
    synthesise,
)
from hd_plugin.hardware import SYSTOLIC, ArrayDesign, ArraySize, Operands

__all__ = ["make_circuit"]


def make_circuit(
    liberty: LibertyFiles,
    size: ArraySize | None = None,
    netlist: str | Path | None = None,
    wire_per_pin: float = 1.0,
    design: ArrayDesign = SYSTOLIC,
    fraig: bool = True,
    act_signed: bool = False,
) -> Circuit:
    """The array in the cells of ``liberty``: synthesised with yosys, or read from ``netlist``.

    Tables and accumulation buffers are memories, and not in it.

    liberty : one file or several, as ``read_liberty`` takes them. netlist : JSON of yosys's write_json.
    wire_per_pin : assumed wire load for each pin that a net drives, in mean input capacitances. design : the
    array. fraig : as for ``synthesise``. act_signed : whether its activations are. Raises MissingTool without
    pyosys, and InputError or SynthesisError for files that cannot be used, InputError for a design of other
    operands.
    """
    size = size or ArraySize()
    design.check(Operands(size.act_bits, size.weight_bits, act_signed))
    if not 0 <= wire_per_pin < 1e3:
        raise InputError(f"wire-load: {wire_per_pin} found; a number from 0 to 1000 is needed")
    library = read_liberty(liberty)  # before yosys: its words about a broken file say less
    with tempfile.TemporaryDirectory(prefix="hd_plugin-") as folder:
        made = Path(netlist) if netlist else Path(folder) / "array.json"
        if netlist is None:
            check_cells(library)
            sources = design.write(Path(folder), size.rows, size.psum_bits)
            synthesise(sources, "top", liberty, made, size.wrapper(), fraig)
        found = read_netlist(made, library)
        files = liberty_files(liberty)
        names = [path.name for path in files]
        told = {path.name if names.count(path.name) == 1 else str(path): _digest(path) for path in files}
        digests = {**told, "netlist": _digest(made)}
    steps = "synth -flatten, dfflibmap, abc" + ("" if fraig else " without fraig")
    conditions: dict[str, Any] = {
        "array": size.to_dict(),
        "netlist": Path(netlist).name if netlist else f"synthesised by yosys ({steps})",
        "digests": digests,
    }
    if design is not SYSTOLIC:
        latency = design.build(size.rows, size.psum_bits).latency
        own = {"mac": design.name, "latency": latency, "digest": design.digest}
        conditions["design"] = {**own, "encoding": dict(design.encoding or {})}
    named = found if netlist else replace(found, path=f"{library.path} (synthesised)")
    return price_netlist(named, library, wire_per_pin, conditions)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
