"""Cell libraries: the one that comes with the package, several files as one, and what each has to hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path

from hd_plugin._guard import gunzip, read_bytes
from hd_plugin.errors import InputError
from hd_plugin.gates._liberty import Cell, Library, parse_library
from hd_plugin.gates._logic import evaluate, inputs_of, parse

__all__ = ["LibertyFiles", "bundled_library", "check_cells", "liberty_bytes", "liberty_files", "read_liberty"]

LibertyFiles = str | Path | Sequence[str | Path]


def bundled_library() -> Path:
    """The project's own cell library, hd_generic45."""
    return Path(__file__).parent / "libraries" / "hd_generic45.lib"


def liberty_files(liberty: LibertyFiles) -> tuple[Path, ...]:
    """The files of a library, which may be one. Raises InputError for none, or one that is named twice."""
    found = tuple(map(Path, [liberty] if isinstance(liberty, (str, Path)) else liberty))
    if not found:
        raise InputError("liberty: no file given; a cell library is needed")
    if twice := [path for path in found if found.count(path) > 1]:
        raise InputError(f"liberty: {twice[0]}: named twice; name each file once")
    return found


def liberty_bytes(path: Path) -> bytes:
    """The text of a Liberty file, unpacked where its name ends in .gz. Raises InputError."""
    return gunzip(path, "a Liberty file is needed") if path.suffix == ".gz" else read_bytes(path)


def read_liberty(liberty: LibertyFiles) -> Library:
    """Read a Liberty file, or several as one library (flip-flops often come in a file of their own).

    Files may be packed with gzip (.gz). Raises InputError that names file, line, cell and attribute; for a
    cell that two files have, and for files of different voltages.
    """
    parts = [parse_library(path, liberty_bytes(path)) for path in liberty_files(liberty)]
    first, cells, home = parts[0], dict[str, Cell](), dict[str, str]()
    for part in parts:
        if part.voltage != first.voltage:
            raise InputError(
                f"{part.path}: {part.voltage:g} V, and {first.path} is of {first.voltage:g} V; files of one "
                "corner are needed"
            )
        for name, cell in part.cells.items():
            if name in cells:
                raise InputError(f"{part.path}: cell {name!r} is in {home[name]} too; name one of them")
            cells[name], home[name] = cell, part.path
    if len(parts) == 1:
        return first
    return Library(
        " + ".join(part.name for part in parts), " + ".join(part.path for part in parts), first.voltage, cells
    )


def check_cells(library: Library) -> None:
    """Raises InputError that names the kinds of cells that synthesis needs and ``library`` has not."""
    tables = [table for cell in library.cells.values() if (table := _truth(cell)) is not None]
    has = {
        "a flip-flop (a cell with ff)": any(c.flip_flop and not c.why_not for c in library.cells.values()),
        "an inverter": (True, False) in tables,
        "a NAND, NOR, AND or OR of two inputs": any(len(t) == 4 and sum(t) in (1, 3) for t in tables),
    }
    if missing := [kind for kind, there in has.items() if not there]:
        raise InputError(
            f"{library.path}: {' and '.join(missing)} missing; synthesis needs it. Libraries that come in "
            "several files are named together: --liberty FILE --liberty FILE"
        )


def _truth(cell: Cell) -> tuple[bool, ...] | None:
    """What a cell of one output, no state and two inputs at most answers, inputs counted up."""
    outputs = [pin for pin in cell.pins.values() if pin.output]
    if cell.flip_flop or cell.why_not or len(outputs) != 1 or outputs[0].function is None:
        return None
    tree = parse(outputs[0].function, f"cell {cell.name!r}")
    names = inputs_of(tree)
    if not 1 <= len(names) <= 2:
        return None
    states: Iterable[tuple[bool, ...]] = product((False, True), repeat=len(names))
    return tuple(bool(evaluate(tree, dict(zip(names, state)))) for state in states)
