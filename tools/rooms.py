"""The rooms of hd_plugin and who imports whom, read from every import statement, lazy ones too.

    python tools/rooms.py            # writes docs/images/rooms.svg
    python tools/rooms.py --check    # fails when that picture is not what the imports say

tests/test_house.py takes ``imports``, ``circles`` and ``FLOORS`` from here. The standard library is enough.
"""

from __future__ import annotations

import argparse
import ast
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from html import escape
from pathlib import Path

__all__ = [
    "BASE",
    "FLOORS",
    "PACKAGE",
    "arrows",
    "circles",
    "draw",
    "graph",
    "imports",
    "module_name",
    "room_of",
]

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "hd_plugin"
PICTURE = ROOT / "docs" / "images" / "rooms.svg"
BASE = "base"  # errors and the private modules beside it: everybody's
DOOR = "hd_plugin"  # the package itself, which loads its public names lazily
# A room imports only from rooms above it.
FLOORS = (
    BASE,
    "bits",
    "weights",
    "streaming",
    "energy",
    "gates",
    "hardware",
    "encoding_mac",
    "characterisation",
    "engines",
    "hosts",
    "rewriting",
    "training",
    "study",
    "report",
    DOOR,
    "cli",
)


def module_name(path: Path) -> str:
    """``hd_plugin/bits/_flips.py`` -> ``hd_plugin.bits._flips``; an ``__init__`` has its package's name."""
    parts = path.resolve().relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def _modules() -> Mapping[str, list[Path]]:
    """Every module of the package and its files: a stub counts, the door's is what it loads lazily."""
    found: dict[str, list[Path]] = {}
    for path in sorted([*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.pyi")]):
        if "_data" not in path.relative_to(PACKAGE).parts:
            found.setdefault(module_name(path), []).append(path)
    return found


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """(module, line) for everything that a file imports: anywhere in it, ``TYPE_CHECKING`` or not.

    ``from hd_plugin.bits import _flips`` counts as hd_plugin.bits._flips when that is a module, else as
    hd_plugin.bits; relative names are made absolute. The package that a module lies in is not counted.
    """
    here = module_name(path) if path.resolve().is_relative_to(PACKAGE) else ""
    package = here if path.stem == "__init__" else here.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                start = ".".join([*above, *([node.module] if node.module else [])])
            whole = {f"{start}.{alias.name}" for alias in node.names}
            yield from ((name, node.lineno) for name in sorted(whole & _modules().keys()))
            if whole - _modules().keys():
                yield start, node.lineno


def graph() -> dict[str, set[str]]:
    """Module -> the modules of hd_plugin that it imports."""
    known = _modules()
    return {
        name: {found for path in paths for found, _ in imports(path) if found in known}
        for name, paths in known.items()
    }


def circles(edges: Mapping[str, Iterable[str]] | None = None) -> list[list[str]]:
    """Every group of modules that import each other, directly or through others (Tarjan 1972); sorted.

    edges : module -> what it imports; by default those of the package.
    """
    search = _Tarjan(graph() if edges is None else edges)
    for module in sorted(search.edges):
        if module not in search.seen:
            search.visit(module)
    return sorted(search.found)


@dataclass
class _Tarjan:
    edges: Mapping[str, Iterable[str]]
    seen: dict[str, int] = field(default_factory=dict)
    low: dict[str, int] = field(default_factory=dict)
    stack: list[str] = field(default_factory=list)
    found: list[list[str]] = field(default_factory=list)

    def visit(self, module: str) -> None:
        self.seen[module] = self.low[module] = len(self.seen)
        self.stack.append(module)
        for other in sorted(self.edges.get(module, ())):
            if other not in self.seen:
                self.visit(other)
                self.low[module] = min(self.low[module], self.low[other])
            elif other in self.stack:
                self.low[module] = min(self.low[module], self.seen[other])
        if self.low[module] == self.seen[module]:
            place = self.stack.index(module)
            group, self.stack[place:] = sorted(self.stack[place:]), []
            if len(group) > 1 or module in self.edges.get(module, ()):
                self.found.append(group)


def room_of(module: str) -> str:
    """The room of a module: a package of hd_plugin, ``base`` for the modules beside them, or the door."""
    parts = module.split(".")
    if len(parts) == 1:
        return DOOR
    return parts[1] if (PACKAGE / parts[1]).is_dir() else BASE


def arrows() -> dict[tuple[str, str], int]:
    """(room, room that it imports) -> how many of its modules do."""
    found: dict[tuple[str, str], int] = {}
    for module, others in graph().items():
        here = room_of(module)
        for there in sorted({room_of(other) for other in others} - {here}):
            found[here, there] = found.get((here, there), 0) + 1
    return found


# The picture: rooms down a staircase. A line goes down from each room and one to the left; where they meet, a
# dot is an import.

STEP_X, STEP_Y, WIDTH, HEIGHT, LEFT, TOP = 44, 40, 138, 26, 24, 64
MOST_LETTERS = 66  # in a line
COLOURS = ("#8a8f98", "#0072b2", "#b5541c", "#00805f", "#9a5b8f", "#8a6d00", "#3a7ca5", "#5b6b2f")


def draw() -> str:
    """The picture as SVG, the same for the same imports."""
    found = arrows()
    rooms = [r for r in FLOORS if any(r in pair for pair in found)]
    rooms += sorted({r for pair in found for r in pair} - set(rooms))
    place = {room: i for i, room in enumerate(rooms)}
    pairs = sorted((place[here], place[there], count) for (here, there), count in found.items())
    parts = [_column(i, [here for here, there, _ in pairs if there == i < here]) for i in place.values()]
    parts += [_row(i, [there for here, there, _ in pairs if there < i == here]) for i in place.values()]
    parts += [_dot(*pair) for pair in pairs] + [_box(room, i) for room, i in place.items()]
    title = "The rooms of hd_plugin, and what each imports"
    legend = "A dot: the room to its right imports the room above it. The number: in how many of its modules."
    head = _text(LEFT, 26, title, "font-size='15' font-weight='bold' fill='#222'")
    head += _text(LEFT, 46, legend, "font-size='12' fill='#555'")
    letters = max(STEP_X * i + 6.3 * max(map(len, _job(room))) for room, i in place.items())
    width, height = round(letters + WIDTH + 2 * LEFT), _y(len(rooms)) + 12
    size = f"viewBox='0 0 {width} {height}' width='{width}' height='{height}'"
    return f"""<svg xmlns='http://www.w3.org/2000/svg' {size}>
<!-- made by tools/rooms.py from the imports -->
<rect width='100%' height='100%' fill='#ffffff'/>
{head}
{chr(10).join(part for part in parts if part)}
</svg>
"""


def _text(x: float, y: float, text: str, style: str) -> str:
    font = f"font-family='Helvetica, Arial, sans-serif' {style}"
    return f"<text x='{x:g}' y='{y:g}' {font}>{escape(text)}</text>"


def _x(i: int) -> int:
    return LEFT + STEP_X * i


def _y(i: int) -> int:
    return TOP + STEP_Y * i


def _middle(i: int) -> tuple[int, int]:
    """Where the line down from box ``i`` starts, and the height of the line to its left."""
    return _x(i) + STEP_X // 2, _y(i) + HEIGHT // 2


def _colour(i: int) -> str:
    return COLOURS[i % len(COLOURS)]


def _column(i: int, users: list[int]) -> str:
    """The line down from a room to the last one that imports it, with an arrow into the room."""
    if not users:
        return ""
    x, top, end = _middle(i)[0], _y(i) + HEIGHT, _middle(max(users))[1]
    line = f"<path d='M{x} {top + 4}V{end}' stroke='{_colour(i)}' stroke-width='1.6' opacity='0.75'/>"
    return line + f"<path d='M{x} {top}l-4 7h8z' fill='{_colour(i)}'/>"


def _row(i: int, used: list[int]) -> str:
    """The line from a room to the left, as far as it imports."""
    if not used:
        return ""
    way = f"M{_x(i)} {_middle(i)[1]}H{_middle(min(used))[0]}"
    return f"<path d='{way}' stroke='#c9ccd1' stroke-width='1.2'/>"


def _dot(here: int, there: int, count: int) -> str:
    """An import; one that goes down is red, and lies to the right of its room."""
    x, y = _middle(there)[0], _middle(here)[1]
    colour, line = _colour(there), ""
    if there > here:
        colour, way = "#d00000", f"M{_x(here) + WIDTH} {y}H{x}V{_y(there)}"
        line = f"<path d='{way}' stroke='{colour}' stroke-width='1.6' fill='none'/>"
    dot = line + f"<circle cx='{x}' cy='{y}' r='8.5' fill='{colour}' stroke='#ffffff' stroke-width='1.5'/>"
    return dot + _text(x, y + 3.5, str(count), "font-size='10' fill='#ffffff' text-anchor='middle'")


def _box(room: str, i: int) -> str:
    x, y, colour = _x(i), _y(i), _colour(i)
    name = room if room in (BASE, DOOR) else f"{room}/"
    style = f"font-size='13' font-weight='bold' fill='{colour}' text-anchor='middle'"
    frame = f"width='{WIDTH}' height='{HEIGHT}' rx='4' fill='#ffffff' stroke='{colour}' stroke-width='1.8'"
    made = f"<rect x='{x}' y='{y}' {frame}/>" + _text(x + WIDTH / 2, y + 17.5, name, style)
    job = _job(room)
    first = y + 17.5 - 7 * (len(job) - 1)
    for line, text in enumerate(job):
        made += _text(x + WIDTH + 10, first + 14 * line, text, "font-size='12' fill='#444'")
    return made


def _job(room: str) -> list[str]:
    """What a room is for, in one line or two of about the same length."""
    text = _sentence(room)
    if len(text) <= MOST_LETTERS:
        return [text]
    return textwrap.wrap(text, max(len(text) // 2 + 8, MOST_LETTERS // 2))[:3]


def _sentence(room: str) -> str:
    """The first one of a room's own docstring."""
    if room == BASE:
        beside = sorted(p.stem for p in PACKAGE.glob("*.py") if p.stem not in ("__init__", "errors"))
        return ", ".join(["errors", *beside])
    if room == DOOR:
        return "The public names, loaded on first use"
    path = PACKAGE / room / "__init__.py"
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf8"))) if path.is_file() else None
    return " ".join((text or "").split("\n\n")[0].split()).split(". ")[0].rstrip(".").replace("``", "")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Draw docs/images/rooms.svg from the imports.")
    parser.add_argument(
        "--check", action="store_true", help="only compare; exit code 1 when it is another one"
    )
    checking, made = parser.parse_args(argv).check, draw()
    if not checking:
        PICTURE.parent.mkdir(parents=True, exist_ok=True)
        PICTURE.write_text(made, encoding="utf8")
    elif not PICTURE.is_file() or PICTURE.read_text(encoding="utf8") != made:
        print(f"{PICTURE}: not what the imports say; run: python tools/rooms.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
