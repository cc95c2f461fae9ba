"""Liberty files: the cells of a library, their logic, capacitance and internal energy."""
from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hd_plugin.errors import InputError

__all__ = ["Cell", "Group", "Library", "Pin", "Power", "read_liberty"]

_TOKEN = re.compile(r'\s+|/\*.*?\*/|//[^\n]*|\\\r?\n|"((?:[^"\\]|\\.)*)"|([A-Za-z0-9_.+\-*/!&|^\'\[\]$<>=]+)|([(){}:;,])', re.DOTALL)
_CAPACITANCE_F = {"ff": 1e-15, "pf": 1e-12}
_TIME_S = {"ps": 1e-12, "ns": 1e-9}


@dataclass
class Group:
    """``kind(names) { ... }`` as it stands in the file: simple and complex attributes, and groups."""

    kind: str
    names: list[str]
    line: int
    attributes: dict[str, list[str]] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)

    def of(self, kind: str) -> list[Group]:
        return [group for group in self.groups if group.kind == kind]

    def text(self, name: str, default: str | None = None) -> str | None:
        return " ".join(self.attributes[name]) if name in self.attributes else default


@dataclass(frozen=True, eq=False)
class Power:
    """Energy of one transition inside a cell, in pJ: tables over input transition (ns) and load (pF), rise and fall."""

    related: str | None
    when: str | None
    rise: tuple[np.ndarray, np.ndarray, np.ndarray]
    fall: tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class Pin:
    """function : of the inputs or the cell's state, None for an input. capacitance_pF : of an input."""

    name: str
    output: bool
    capacitance_pF: float
    function: str | None
    clock: bool
    power: tuple[Power, ...]


@dataclass(frozen=True, eq=False)
class Cell:
    """flip_flop : None, or {"state", "inverse", "next_state", "clocked_on", "clear", "preset"}; why_not : why it cannot be simulated, or None."""

    name: str
    area_um2: float
    leakage_nW: float
    pins: dict[str, Pin]
    flip_flop: dict[str, str] | None
    why_not: str | None


@dataclass(frozen=True, eq=False)
class Library:
    """Cells by name; voltage in V."""

    name: str
    path: str
    voltage: float
    cells: dict[str, Cell]

    def cell(self, name: str) -> Cell:
        """Raises InputError for a cell that the library lacks."""
        if name not in self.cells:
            raise InputError(f"{self.path}: cell {name!r} is used by the netlist, but not in this library")
        return self.cells[name]


def read_liberty(path: str | Path) -> Library:
    """Read a Liberty file. Raises InputError that names the line, the cell and the attribute."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf8", errors="replace")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    top = _Parser(path, text).library()
    where = str(path)
    unit = _number(where, top, "voltage_unit", "1V", {"v": 1.0, "mv": 1e-3}, 1.0)
    farads = _load_unit(where, top)
    seconds = _number(where, top, "time_unit", "1ns", _TIME_S, 1e-9)
    watts = _number(where, top, "leakage_power_unit", "1nW", {"w": 1.0, "mw": 1e-3, "uw": 1e-6, "nw": 1e-9, "pw": 1e-12, "fw": 1e-15}, 1e-9)
    voltage = _value(where, top, "nom_voltage", "1.0") * unit
    scale = {"pF": farads * 1e12, "ns": seconds * 1e9, "pJ": farads * unit ** 2 * 1e12, "nW": watts * 1e9}
    templates = {t.names[0]: t for t in top.of("lu_table_template") + top.of("power_lut_template") if t.names}
    cells = {c.names[0]: _cell(where, c, scale, templates) for c in top.of("cell") if c.names}
    if not cells:
        raise InputError(f"{path}: no cell in this library")
    return Library(top.names[0] if top.names else path.stem, where, voltage, cells)


class _Parser:
    """Tokens to groups."""

    def __init__(self, path: Path, text: str) -> None:
        self.path, self.text, self.tokens = path, text, list(self._tokens(text))
        self.at = 0

    def _tokens(self, text: str) -> Iterator[tuple[str, str, int]]:
        """(kind, text, offset); kind is 's' for a string, 'w' for a word, else the mark itself."""
        at = 0
        while at < len(text):
            found = _TOKEN.match(text, at)
            if not found:
                self.fail(f"{text[at:at + 20]!r} found", at)
            if found[1] is not None:
                yield "s", found[1], at
            elif found[2] is not None:
                yield "w", found[2], at
            elif found[3] is not None:
                yield found[3], found[3], at
            at = found.end()

    def fail(self, what: str, offset: int | None = None) -> None:
        if offset is None:
            offset = self.tokens[min(self.at, len(self.tokens) - 1)][2] if self.tokens else 0
        raise InputError(f"{self.path}: line {self.text.count(chr(10), 0, offset) + 1}: {what}; not a whole Liberty file")

    def take(self, kind: str | None = None) -> str:
        if self.at >= len(self.tokens):
            self.fail("the file ends early")
        found, text, _ = self.tokens[self.at]
        if kind and found != kind:
            self.fail(f"{text!r} found, {kind!r} needed")
        self.at += 1
        return text

    def peek(self) -> str:
        return self.tokens[self.at][0] if self.at < len(self.tokens) else ""

    def library(self) -> Group:
        top = self.statement(Group("", [], 0))
        if top is None or top.kind != "library":
            self.at = 0
            self.fail("no library group")
        return top

    def statement(self, parent: Group) -> Group | None:
        """One attribute into ``parent``, or one group, which is returned."""
        line, name = self.tokens[self.at][2], self.take("w")
        if self.peek() == ":":
            self.take()
            words = []
            while self.peek() in ("w", "s", "(", ")", ","):
                words.append(self.take())
                if self.peek() == "w" and self.tokens[self.at + 1][0] in (":", "("):        # a forgotten semicolon
                    break
            if self.peek() == ";":
                self.take()
            parent.attributes[name] = words
            return None
        self.take("(")
        names = []
        while self.peek() != ")":
            text = self.take()
            if text != ",":
                names.append(text)
        self.take(")")
        if self.peek() != "{":
            if self.peek() == ";":
                self.take()
            parent.attributes.setdefault(name, []).extend(names)
            return None
        self.take("{")
        group = Group(name, names, line)
        while self.peek() != "}":
            if self.peek() == ";":
                self.take()
                continue
            child = self.statement(group)
            if child is not None:
                group.groups.append(child)
        self.take("}")
        return group


def _number(where: str, group: Group, name: str, default: str, units: dict[str, float], fallback: float) -> float:
    text = (group.text(name, default) or default).strip().lower()
    found = re.fullmatch(r"([\d.]+)\s*([a-z]+)", text)
    if not found or found[2] not in units:
        raise InputError(f"{where}: {name}: {text!r} found; a number with one of {', '.join(units)} is needed")
    return float(found[1]) * units[found[2]]


def _load_unit(where: str, top: Group) -> float:
    found = top.attributes.get("capacitive_load_unit", ["1", "pf"])
    try:
        return float(found[0]) * _CAPACITANCE_F[found[1].lower()]
    except (ValueError, KeyError, IndexError) as error:
        raise InputError(f"{where}: capacitive_load_unit: {found} found; a number and pf or ff are needed") from error


def _value(where: str, group: Group, name: str, default: str = "0") -> float:
    text = group.text(name, default)
    try:
        return float(text)
    except ValueError as error:
        kind = f"{group.kind} {group.names[0]!r}" if group.names else group.kind
        raise InputError(f"{where}: {kind}: {name}: {text!r} found; a number is needed") from error


def _cell(where: str, group: Group, scale: dict[str, float], templates: dict[str, Group]) -> Cell:
    name = group.names[0]
    at = f"{where}: cell {name!r}"
    pins = {}
    for pin in group.of("pin") + [p for bus in group.of("bus") + group.of("bundle") for p in bus.of("pin")]:
        for one in pin.names:
            direction = pin.text("direction", "input")
            pins[one] = Pin(one, direction in ("output", "inout"), _value(f"{at}: pin {one!r}", pin, "capacitance") * scale["pF"], pin.text("function"),
                            pin.text("clock", "false") == "true",
                            tuple(_power(f"{at}: pin {one!r}", p, scale, templates) for p in pin.of("internal_power")))
    flops, why = group.of("ff"), None
    if group.of("latch") or group.of("ff_bank") or group.of("latch_bank") or group.of("statetable"):
        why = "a latch, a bank or a state table"
    elif any(pin.output and pin.function is None for pin in pins.values()):
        why = "an output without a function"
    elif any("three_state" in p.attributes for p in group.of("pin")):
        why = "a three-state output"
    flop = None
    if flops:
        ff = flops[0]
        if len(ff.names) < 2 or ff.text("next_state") is None or ff.text("clocked_on") is None:
            raise InputError(f"{at}: ff: two state names, next_state and clocked_on are needed")
        flop = {"state": ff.names[0], "inverse": ff.names[1], "next_state": ff.text("next_state"), "clocked_on": ff.text("clocked_on"),
                "clear": ff.text("clear", ""), "preset": ff.text("preset", "")}
    return Cell(name, _value(where, group, "area"), _value(where, group, "cell_leakage_power") * scale["nW"], pins, flop, why)


def _power(at: str, group: Group, scale: dict[str, float], templates: dict[str, Group]) -> Power:
    tables = {}
    for edge in ("rise_power", "fall_power"):
        both = group.of(edge) or group.of("power")
        tables[edge] = _table(f"{at}: internal_power: {edge}", both[0], scale, templates) if both else (np.zeros(1), np.zeros(1), np.zeros((1, 1)))
    return Power(group.text("related_pin"), group.text("when"), tables["rise_power"], tables["fall_power"])


def _table(at: str, group: Group, scale: dict[str, float], templates: dict[str, Group]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(transitions in ns, loads in pF, energies in pJ); a table without one of the axes has a single entry along it."""
    def floats(name: str) -> np.ndarray:
        own = group.attributes.get(name)
        found = own or (templates[group.names[0]].attributes.get(name) if group.names and group.names[0] in templates else None) or []
        try:
            return np.array([float(x) for part in found for x in part.replace(",", " ").split()])
        except ValueError as error:
            raise InputError(f"{at}: {name}: numbers are needed ({error})") from error
    values, one, two = floats("values"), floats("index_1"), floats("index_2")
    template = templates.get(group.names[0]) if group.names else None
    loads_first = template is not None and "capacitance" in (template.text("variable_1", "") or "")
    if values.size == 1 and (one.size != 1 or two.size > 1):
        one, two = np.zeros(1), np.zeros(1)
    one, two = (one if one.size else np.zeros(1)), (two if two.size else np.zeros(1))
    if values.size != one.size * two.size:
        raise InputError(f"{at}: {values.size} values found for {one.size} x {two.size} indices")
    grid = values.reshape(one.size, two.size) * scale["pJ"]
    if loads_first:
        one, two, grid = two, one, grid.T
    return one * scale["ns"], two * scale["pF"], grid
