"""Liberty files: the cells of a library, their logic, capacitance and internal energy."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hd_plugin._wording import shown
from hd_plugin.errors import InputError
from hd_plugin.gates._liberty_tables import Table, read_table
from hd_plugin.gates._liberty_text import Group, parse_liberty

__all__ = ["Arc", "Cell", "Library", "Pin", "Power", "Table", "parse_library"]

_CAPACITANCE_F = {"ff": 1e-15, "pf": 1e-12}
_TIME_S = {"ps": 1e-12, "ns": 1e-9}


@dataclass(frozen=True, eq=False)
class Power:
    """Energy of one transition inside a cell, in pJ: the load's own is not in it.

    related, when : the input and the states of the others that it belongs to, None for any. supply : the
    supply pin that it is drawn from, if told.
    """

    related: str | None
    when: str | None
    supply: str | None
    rise: Table
    fall: Table


@dataclass(frozen=True, eq=False)
class Arc:
    """Delays and output transitions from one input, in ns; kind is Liberty's timing_type."""

    related: str | None
    kind: str
    delays: tuple[Table, ...]
    transitions: tuple[Table, ...]


@dataclass(frozen=True, eq=False)
class Pin:
    """function : of the inputs or the cell's state, None for an input. capacitance_pF : of an input.

    setup : times before the clock, in ns, over both transitions (both axes in ns).
    """

    name: str
    output: bool
    capacitance_pF: float
    function: str | None
    power: tuple[Power, ...]
    arcs: tuple[Arc, ...]
    setup: tuple[Table, ...] = ()


@dataclass(frozen=True, eq=False)
class Cell:
    """flip_flop : None, or {"state", "inverse", "next_state", "clocked_on", "clear", "preset"}.

    why_not : why it cannot be simulated, or None.
    """

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


def parse_library(path: Path, content: bytes) -> Library:
    """The cells in a Liberty file. Raises InputError that names the line, the cell and the attribute."""
    top = parse_liberty(path, content.decode("utf8", "replace"))
    where = str(path)
    if not top.of("cell"):
        raise InputError(f"{path}: no cell in this library")
    unit = _number(where, top, "voltage_unit", "1V", {"v": 1.0, "mv": 1e-3})
    farads = _load_unit(where, top)
    seconds = _number(where, top, "time_unit", "1ns", _TIME_S)
    watts = _number(
        where,
        top,
        "leakage_power_unit",
        "1nW",
        {"w": 1.0, "mw": 1e-3, "uw": 1e-6, "nw": 1e-9, "pw": 1e-12, "fw": 1e-15},
    )
    voltage = _voltage(where, top) * unit
    scale = {"pF": farads * 1e12, "ns": seconds * 1e9, "pJ": farads * unit**2 * 1e12, "nW": watts * 1e9}
    templates = {t.names[0]: t for t in top.of("lu_table_template") + top.of("power_lut_template") if t.names}
    cells: dict[str, Cell] = {}
    for group in top.of("cell"):
        name = group.names[0] if group.names else ""
        if not name or name in cells:
            raise InputError(f"{path}: cell {shown(name)}: a name that no other cell has is needed")
        cells[name] = _cell(where, group, scale, templates)
    return Library(top.names[0] if top.names else path.stem, where, voltage, cells)


def _number(where: str, group: Group, name: str, default: str, units: dict[str, float]) -> float:
    text = (group.text(name) or default).strip().lower()
    found = re.fullmatch(r"([0-9]{1,20}\.?[0-9]{0,20}|\.[0-9]{1,20})\s*([a-z]+)", text)
    if not found or found[2] not in units or not float(found[1]):
        raise InputError(
            f"{where}: {name}: {shown(text)} found; a number with one of {', '.join(units)} is needed"
        )
    return float(found[1]) * units[found[2]]


def _load_unit(where: str, top: Group) -> float:
    found = top.attributes.get("capacitive_load_unit", ["1", "pf"])
    try:
        farads = float(found[0]) * _CAPACITANCE_F[found[1].lower()]
    except (ValueError, KeyError, IndexError):
        farads = math.nan
    if not 0 < farads < 1:
        raise InputError(
            f"{where}: capacitive_load_unit: {shown(found)} found; a number and pf or ff are needed"
        )
    return farads


def _voltage(where: str, top: Group) -> float:
    """nom_voltage, or the voltage of the operating conditions."""
    if "nom_voltage" in top.attributes:
        return _value(where, top, "nom_voltage", low=1e-3)
    known = {g.names[0]: g for g in top.of("operating_conditions") if g.names and "voltage" in g.attributes}
    chosen = known.get(top.text("default_operating_conditions") or next(iter(known), ""))
    if chosen is None:
        raise InputError(
            f"{where}: nom_voltage: none found, and no operating_conditions with a voltage; energies need one"
        )
    return _value(where, chosen, "voltage", low=1e-3)


def _value(where: str, group: Group, name: str, default: str = "0", low: float = 0.0) -> float:
    text = group.text(name, default)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value < math.inf:
        kind = f"{group.kind} {group.names[0]!r}" if group.names else group.kind
        raise InputError(f"{where}: {kind}: {name}: {shown(text)} found; a number is needed, {low:g} or more")
    return value


def _cell(where: str, group: Group, scale: dict[str, float], templates: dict[str, Group]) -> Cell:
    name = group.names[0]
    at = f"{where}: cell {name!r}"
    pins: dict[str, Pin] = {}
    for pin in group.of("pin") + [p for bus in group.of("bus") + group.of("bundle") for p in bus.of("pin")]:
        if pin.text("direction") != "internal":
            pins |= {one: _pin(f"{at}: pin {one!r}", one, pin, scale, templates) for one in pin.names}
    why = None
    if group.of("latch") or group.of("ff_bank") or group.of("latch_bank") or group.of("statetable"):
        why = "a latch, a bank or a state table"
    elif any(pin.output and pin.function is None for pin in pins.values()):
        why = "an output without a function"
    elif any("three_state" in p.attributes for p in group.of("pin")):
        why = "a three-state output"
    flops = group.of("ff")
    flop = _flip_flop(at, flops[0]) if flops else None
    return Cell(name, _value(where, group, "area"), _leakage(at, group) * scale["nW"], pins, flop, why)


def _pin(at: str, name: str, group: Group, scale: dict[str, float], templates: dict[str, Group]) -> Pin:
    direction = group.text("direction", "input")
    return Pin(
        name,
        direction in ("output", "inout"),
        _value(at, group, "capacitance") * scale["pF"],
        group.text("function"),
        tuple(_power(at, p, scale, templates) for p in group.of("internal_power")),
        tuple(_arc(at, t, scale, templates) for t in group.of("timing")) if direction == "output" else (),
        _setup(at, group, scale, templates) if direction == "input" else (),
    )


def _flip_flop(at: str, group: Group) -> dict[str, str]:
    following, clock = group.text("next_state"), group.text("clocked_on")
    if len(group.names) < 2 or following is None or clock is None:
        raise InputError(f"{at}: ff: two state names, next_state and clocked_on are needed")
    return {
        "state": group.names[0],
        "inverse": group.names[1],
        "next_state": following,
        "clocked_on": clock,
        "clear": group.text("clear", ""),
        "preset": group.text("preset", ""),
    }


def _leakage(at: str, group: Group) -> float:
    """Of the cell, or the mean over the states that are given."""
    states = [_value(at, state, "value") for state in group.of("leakage_power")]
    return (
        _value(at, group, "cell_leakage_power")
        if "cell_leakage_power" in group.attributes or not states
        else sum(states) / len(states)
    )


def _power(at: str, group: Group, scale: dict[str, float], templates: dict[str, Group]) -> Power:
    def table(edge: str) -> Table:
        found = group.of(edge) or group.of("power")
        return (
            read_table(f"{at}: internal_power: {edge}", found[0], scale, templates, "pJ")
            if found
            else Table(np.zeros(1), np.zeros(1), np.zeros((1, 1)))
        )

    return Power(
        group.text("related_pin"),
        group.text("when"),
        group.text("related_pg_pin"),
        table("rise_power"),
        table("fall_power"),
    )


def _arc(at: str, group: Group, scale: dict[str, float], templates: dict[str, Group]) -> Arc:
    def tables(*kinds: str) -> tuple[Table, ...]:
        return tuple(
            read_table(f"{at}: timing: {kind}", t, scale, templates, "ns")
            for kind in kinds
            for t in group.of(kind)
        )

    return Arc(
        group.text("related_pin"),
        group.text("timing_type", "combinational"),
        tables("cell_rise", "cell_fall"),
        tables("rise_transition", "fall_transition"),
    )


def _setup(at: str, group: Group, scale: dict[str, float], templates: dict[str, Group]) -> tuple[Table, ...]:
    """How long before the clock's edge an input has to be there."""
    times = {**scale, "pF": scale["ns"]}  # the second axis is a transition too
    return tuple(
        read_table(f"{at}: timing: {kind}", t, times, templates, "ns")
        for timing in group.of("timing")
        if timing.text("timing_type") in ("setup_rising", "setup_falling")
        for kind in ("rise_constraint", "fall_constraint")
        for t in timing.of(kind)
    )
