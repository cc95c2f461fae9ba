"""A gate-level netlist, as yosys writes it (write_json), with the logic of the cells that it uses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from hd_plugin._guard import read_bytes, why
from hd_plugin._parsed import parse_json
from hd_plugin._wording import shown
from hd_plugin.errors import InputError, did_you_mean
from hd_plugin.gates._liberty import Cell, Library

__all__ = ["CellLogic", "Instance", "Netlist", "read_netlist"]

_ADVICE = "JSON of yosys's write_json is needed"
_IGNORED = {"$scopeinfo"}  # hierarchy that yosys kept a note of; no hardware


@dataclass(frozen=True)
class CellLogic:
    """What a cell does: outputs, a Liberty function for each, of the inputs or of a flip-flop's state.

    flip_flop : {"state", "inverse", "next_state", "clocked_on", "clear", "preset"}, or None.
    """

    inputs: tuple[str, ...]
    outputs: dict[str, str]
    flip_flop: dict[str, str] | None

    @property
    def pins(self) -> tuple[str, ...]:
        """Inputs, and then outputs."""
        return (*self.inputs, *self.outputs)

    @classmethod
    def of(cls, cell: Cell) -> CellLogic:
        return cls(
            tuple(p.name for p in cell.pins.values() if not p.output),
            {p.name: p.function or "" for p in cell.pins.values() if p.output},
            cell.flip_flop,
        )


class Instance(NamedTuple):  # the quickest that there is: a circuit has tens of thousands
    """A cell: its name, its type in the library, and the net at each pin."""

    name: str
    cell: str
    nets: dict[str, int]


@dataclass(frozen=True, eq=False)
class Netlist:
    """Nets are numbered from 0; 0 and 1 are the constants.

    inputs, outputs : nets of each port, least significant bit first. names : of every net, the shortest
    that the file has for it. cells : the logic of every type in use.
    """

    top: str
    path: str
    inputs: dict[str, list[int]]
    outputs: dict[str, list[int]]
    instances: list[Instance]
    names: list[str]
    cells: dict[str, CellLogic]

    def port(self, name: str) -> list[int]:
        """Nets of an input. Raises InputError with the nearest names."""
        if name not in self.inputs:
            raise InputError(f"{self.path}: no input {name!r}; {did_you_mean(name, self.inputs)}")
        return self.inputs[name]


def read_netlist(path: str | Path, library: Library, top: str | None = None) -> Netlist:
    """Read a netlist. top : its module; the only one, or the one marked as top, by default.

    Raises InputError for a file that is none, a cell that is not in the library or cannot be simulated, a pin
    without a net.
    """
    path = Path(path)
    try:
        modules = parse_json(read_bytes(path, _ADVICE), path, _ADVICE)["modules"]
        used = {
            name
            for name, module in modules.items()
            if not int(str(module.get("attributes", {}).get("blackbox", "0")), 2)
        }
        marked = (
            [n for n in used if int(str(modules[n].get("attributes", {}).get("top", "0")), 2)]
            if len(used) > 1
            else list(used)
        )
        if top is None and len(marked) != 1:
            raise InputError(
                f"{path}: top: {len(used)} modules found, {len(marked)} marked as top; one is needed"
            )
        top = top or marked[0]
        if top not in modules:
            raise InputError(f"{path}: no module {top!r}; {did_you_mean(top, modules)}")
        return _Reader(str(path), top, modules[top], library).netlist()
    except InputError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise InputError(f"{path}: not a netlist ({why(error)}); {_ADVICE}") from error


class _Reader:
    def __init__(self, path: str, top: str, module: dict[str, Any], library: Library) -> None:
        self.path, self.top, self.module, self.library = path, top, module, library
        self.numbers: dict[Any, int] = {"0": 0, "1": 1}
        self.count = 2

    def net(self, bit: Any) -> int:
        if bit in ("x", "z"):  # what nothing drives is 0
            return 0
        if bit not in self.numbers:
            self.numbers[bit] = self.count
            self.count += 1
        return self.numbers[bit]

    def netlist(self) -> Netlist:
        ports = self.module["ports"]
        for name, port in ports.items():
            if port["direction"] not in ("input", "output"):
                raise InputError(
                    f"{self.path}: port {name!r}: direction {shown(port['direction'])} found; input or "
                    "output is needed"
                )
        sides = {
            side: {
                name: [self.net(b) for b in port["bits"]]
                for name, port in ports.items()
                if port["direction"] == side
            }
            for side in ("input", "output")
        }
        instances = [
            self.instance(name, cell)
            for name, cell in self.module["cells"].items()
            if cell["type"] not in _IGNORED
        ]
        names = {0: "0", 1: "1"}
        for name, entry in self.module["netnames"].items():
            for i, bit in enumerate(entry["bits"]):
                number = self.numbers.get(bit, 0)
                full = name if len(entry["bits"]) == 1 else f"{name}[{i}]"
                if number > 1 and len(full) < len(names.get(number, full + " ")):
                    names[number] = full
        cells = {kind: CellLogic.of(self.library.cells[kind]) for kind in sorted({i.cell for i in instances})}
        return Netlist(
            self.top,
            self.path,
            sides["input"],
            sides["output"],
            instances,
            [names.get(n, f"net {n}") for n in range(self.count)],
            cells,
        )

    def instance(self, name: str, entry: dict[str, Any]) -> Instance:
        kind = entry["type"]
        if kind.startswith("$"):
            raise InputError(
                f"{self.path}: cell {name!r} is a {kind}: it was not mapped to the library "
                f"{self.library.name!r}; synthesise the design to its cells"
            )
        if kind not in self.library.cells:
            raise InputError(
                f"{self.path}: cell {name!r} is a {kind!r}, which {self.library.path} does not have; "
                f"{did_you_mean(kind, self.library.cells)}"
            )
        cell = self.library.cells[kind]
        if cell.why_not:
            raise InputError(
                f"{self.path}: cell {name!r} ({kind}) cannot be simulated: it has {cell.why_not}"
            )
        nets = {}
        for pin in cell.pins.values():
            bits = entry["connections"].get(pin.name, [])
            if len(bits) == 1:
                nets[pin.name] = self.net(bits[0])
            elif not pin.output:
                raise InputError(f"{self.path}: cell {name!r} ({kind}): input {pin.name!r} has no net")
        return Instance(name, kind, nets)
