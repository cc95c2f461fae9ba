"""``characterize``: an array in a cell library, simulated, and energy models fitted to what it spends."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hd_plugin.characterisation import characterise, check_names, make_circuit
from hd_plugin.encoding_mac import load_mac, mac_stem
from hd_plugin.energy import Characterisation, load_characterisation
from hd_plugin.errors import InputError
from hd_plugin.gates import Circuit, bundled_library, load_circuit
from hd_plugin.hardware import ArraySize
from hd_plugin.streaming import Jobs
from hd_plugin.study._result import Result

__all__ = ["CharacteriseRequest", "Characterised", "characterize"]


@dataclass(frozen=True)
class CharacteriseRequest:
    """Which array in which cells.

    liberty : a cell library (Liberty, .lib or .lib.gz), in one file or several, to synthesise with; netlist :
    the array's netlist (yosys write_json) in its cells, instead of synthesis. technology : instead of a
    library, the circuit of a bundled technology or of an earlier characterisation. name : of the new
    technology; by default the library's or the old technology's. mac : what the PEs are, as
    ``encoding_mac.load_mac`` knows them. node_nm : scales the memories, which no cell library tells.
    wire_load : assumed for each pin, in mean input capacitances. glitches : count what happens inside a
    cycle. fraig : as for ``gates.synthesise``.
    """

    liberty: tuple[Path, ...] = ()
    netlist: Path | None = None
    technology: str | None = None
    name: str | None = None
    size: ArraySize = field(default_factory=ArraySize)
    mac: str = "binary"
    node_nm: float | None = None
    wire_load: float = 1.0
    glitches: bool = True
    seed: int = 0
    fraig: bool = True


@dataclass(frozen=True, eq=False, repr=False)
class Characterised(Result):
    """A new technology; ``to_dict`` is the content of its file (schema hd-plugin/characterisation/1)."""

    schema = "hd-plugin/characterisation/1"
    file = "characterisation.json"

    path: Path
    characterisation: Characterisation

    @property
    def area_um2(self) -> float:
        """Of the whole array."""
        return self.characterisation.area_um2

    def summary(self) -> Mapping[str, Any]:
        """Errors of every model on another network than it was fitted to."""
        return {name: model.test for name, model in self.characterisation.models.items()}

    def to_records(self) -> list[dict[str, Any]]:
        """A line a model: its errors on another network than it was fitted to."""
        return [{"model": name, **asdict(model.test)} for name, model in self.characterisation.models.items()]

    def to_dict(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.path.read_text(encoding="utf8"))
        return content


def characterize(
    folder: str | Path, request: CharacteriseRequest | None = None, jobs: Jobs | None = None
) -> Characterised:
    """Simulate an array's gates under random and real streams, fit energy models, and write them to
    ``folder``.

    NAME.json and NAME.circuit.json.gz are made; the first is a technology for every command. Without a
    library the bundled hd_generic45 is characterised anew. Raises InputError, MissingTool without pyosys,
    SynthesisError.
    """
    asked = request or CharacteriseRequest()
    if asked.liberty and asked.technology:
        raise InputError(
            "--liberty and --technology exclude each other: synthesise with a library, or take a circuit "
            "that was"
        )
    if asked.mac != "binary" and asked.technology:
        raise InputError("--mac is for a new circuit, --technology names one that was made; keep one of them")
    if asked.netlist and not asked.liberty:
        raise InputError("--netlist needs --liberty: the library of its cells")
    if not asked.fraig and (asked.netlist or asked.technology):
        raise InputError("--no-fraig is for a synthesis; with --netlist or --technology there is none")
    known = None if asked.liberty else load_characterisation(asked.technology or "hd_generic45")
    name = asked.name or (known.technology.name if known else _stem(asked.liberty[0]))
    if asked.mac != "binary" and not asked.name:
        name += f"_{mac_stem(asked.mac)}"
    node_nm = asked.node_nm if asked.node_nm is not None else known.technology.node_nm if known else 45.0
    check_names(name, node_nm, asked.seed)
    path = characterise(
        _circuit(asked, known),
        name,
        folder,
        node_nm=node_nm,
        glitches=asked.glitches,
        seed=asked.seed,
        jobs=jobs,
    )
    return Characterised(path, load_characterisation(path))


def _stem(path: Path) -> str:
    """cells of cells.lib.gz."""
    return Path(path.stem).stem if path.suffix == ".gz" else path.stem


def _circuit(asked: CharacteriseRequest, known: Characterisation | None) -> Circuit:
    """One that was made already, where it is the one that is asked for; else a new one."""
    size = asked.size
    design = load_mac(asked.mac, size.act_bits, size.weight_bits)
    if (
        known is not None
        and asked.mac == "binary"
        and (asked.technology or known.array == size.to_dict())
        and asked.wire_load == 1.0
        and asked.fraig
    ):
        if known.array != size.to_dict():
            raise InputError(
                f"--technology {asked.technology}: its circuit is {ArraySize(**known.array).name}, "
                f"{size.name} is asked "
                "for; give --liberty to synthesise another one"
            )
        return load_circuit(known.circuit)
    if asked.technology:
        raise InputError("--wire-load changes a circuit; give --liberty to make it anew")
    liberty = asked.liberty or bundled_library()
    return make_circuit(liberty, size, asked.netlist, asked.wire_load, design, asked.fraig)
