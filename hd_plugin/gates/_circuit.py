"""A netlist with what its nets cost: energy of a toggle, delay, clock. Its file runs without a library."""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import numpy as np
from pydantic import ConfigDict, Field, ValidationError
from pydantic_core import from_json

from hd_plugin._atomic import atomic_path
from hd_plugin._checked import Checked, told
from hd_plugin._guard import gunzip, limit
from hd_plugin._parsed import check_json
from hd_plugin._wording import joined, shown
from hd_plugin.errors import InputError
from hd_plugin.gates._netlist import CellLogic, Instance, Netlist
from hd_plugin.gates._schedule import Schedule, schedule

__all__ = ["Circuit", "load_circuit"]

_SCHEMA = "hd-plugin/circuit/1"
_STEPS_PER_CELL = 4  # of simulated time in the mean delay of a cell
_MOST_VALUES = 6_000_000  # an array of 8 x 8 has 170,000; each takes up to 70 bytes of memory
_MOST_TOLD = 5  # problems of a file; one wrong number may stand in it 20,000 times
_ADVICE = "make it with 'hd-plugin characterize'"


@dataclass(frozen=True, eq=False)
class Circuit:
    """A netlist, and what happens in it costs energy.

    energy_fJ : of one toggle of each net, half of C V^2 and what its driver and its readers spend inside,
    float[nets]. delay_ps : of its driver, float[nets]. clock_fJ : of one cycle, all clock pins; a clock
    tree is not in it. leakage_nW, area_um2 : of all cells. conditions : library, voltage, wire load, input
    transition, what the circuit is, digests.
    """

    netlist: Netlist
    energy_fJ: np.ndarray
    delay_ps: np.ndarray
    clock_fJ: float
    leakage_nW: float
    area_um2: float
    conditions: dict[str, Any]

    @cached_property
    def schedule(self) -> Schedule:
        """Raises InputError for what cannot be simulated: a loop, two clocks ..."""
        return schedule(self.netlist)

    @property
    def delay_step_ps(self) -> float:
        """A quarter of a cell's mean delay."""
        known = self.delay_ps[self.delay_ps > 0]
        return float(known.mean()) / _STEPS_PER_CELL if known.size else 1.0

    @property
    def delay_steps(self) -> np.ndarray:
        """Delays in such steps, at least 1, int64[nets]."""
        return np.maximum(np.rint(self.delay_ps / self.delay_step_ps), 1).astype(np.int64)

    def save(self, path: str | Path) -> None:
        """Gzipped JSON (schema hd-plugin/circuit/1), whole or not at all."""
        net = self.netlist
        kinds = sorted(net.cells)
        pins = {k: net.cells[k].pins for k in kinds}
        content = {
            "schema": _SCHEMA,
            "top": net.top,
            "inputs": net.inputs,
            "outputs": net.outputs,
            "names": net.names,
            "cells": {k: asdict(net.cells[k]) for k in kinds},
            "instances": [
                [kinds.index(i.cell), i.name, *(i.nets.get(p, -1) for p in pins[i.cell])]
                for i in net.instances
            ],
            "energy_fJ": self.energy_fJ.tolist(),
            "delay_ps": self.delay_ps.tolist(),
            "clock_fJ": self.clock_fJ,
            "leakage_nW": self.leakage_nW,
            "area_um2": self.area_um2,
            "conditions": self.conditions,
        }
        # gzip's own module puts a byte into the header that differs from Python 3.10 to 3.11
        packed = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
        text = json.dumps(content, separators=(",", ":")).encode()
        with atomic_path(path) as temporary:
            temporary.write_bytes(packed.compress(text) + packed.flush())


_Net = Annotated[int, Field(ge=0)]
_Number = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _FlipFlop(Checked):
    state: str
    inverse: str
    next_state: str
    clocked_on: str
    clear: str
    preset: str


class _Cell(Checked):
    inputs: list[str]
    outputs: dict[str, str]
    flip_flop: _FlipFlop | None

    def logic(self) -> CellLogic:
        flop = self.flip_flop.model_dump() if self.flip_flop else None
        return CellLogic(tuple(self.inputs), self.outputs, flop)


class _File(Checked):
    """What ``Circuit.save`` writes. instances : cell type, name, the net at each pin."""

    model_config = ConfigDict(extra="ignore")
    schema_: Literal["hd-plugin/circuit/1"] = Field(alias="schema")
    top: str
    inputs: dict[str, list[_Net]]
    outputs: dict[str, list[_Net]]
    names: list[str]
    cells: dict[str, _Cell]
    instances: list[list[int | str]]
    energy_fJ: list[_Number]
    delay_ps: list[_Number]
    clock_fJ: _Number
    leakage_nW: _Number
    area_um2: _Number
    conditions: dict[str, Any]

    def circuit(self, path: Path) -> Circuit:
        """Raises ValueError for parts that do not go together."""
        count, ports = len(self.names), [*self.inputs.values(), *self.outputs.values()]
        sizes = {"energy_fJ": len(self.energy_fJ), "delay_ps": len(self.delay_ps)}
        if wrong := [f"{name}: {found} found" for name, found in sizes.items() if found != count]:
            raise ValueError(f"{', '.join(wrong)} for {count} nets that are named")
        if any(net >= count for nets in ports for net in nets):
            raise ValueError(f"inputs, outputs: a net above {count - 1}, the last one that is named")
        cells = {name: cell.logic() for name, cell in self.cells.items()}
        return Circuit(
            Netlist(
                self.top, str(path), self.inputs, self.outputs, self._instances(cells), self.names, cells
            ),
            np.array(self.energy_fJ, float),
            np.array(self.delay_ps, float),
            self.clock_fJ,
            self.leakage_nW,
            self.area_um2,
            self.conditions,
        )

    def _instances(self, cells: dict[str, CellLogic]) -> list[Instance]:
        kinds = sorted(cells)
        pins = [cells[k].pins for k in kinds]
        entries = cast("list[list[Any]]", self.instances)
        self._check(entries, [2 + len(p) for p in pins])
        return [
            Instance(name, kinds[kind], {p: n for p, n in zip(pins[kind], nets) if n >= 0})
            for kind, name, *nets in entries
        ]

    def _check(self, entries: list[list[Any]], sizes: list[int]) -> None:
        """Raise ValueError for the first instance that is none. sizes : of an entry of each cell type."""
        count, types = len(self.names), len(sizes)
        for at, entry in enumerate(entries):
            try:
                kind = entry[0]
                fits = 0 <= kind < types and len(entry) == sizes[kind]
                fits = fits and all(-1 <= net < count for net in entry[2:])  # -1: no net at this pin
            except (IndexError, TypeError):  # empty, or a text among the numbers
                fits = False
            if not fits or not isinstance(entry[1], str):
                raise ValueError(
                    f"instances[{at}]: {shown(entry)} found; a cell type below {types}, a name, and a net "
                    f"below {count} for each pin of the type are needed"
                )


def load_circuit(path: str | Path) -> Circuit:
    """Read a file of ``Circuit.save``. Raises InputError that lists what is wrong with it."""
    path = Path(path)
    raw = gunzip(path, _ADVICE, "circuit")
    check_json(raw, path, _ADVICE)
    if (values := sum(map(raw.count, (b",", b"[", b"{")))) > limit(_MOST_VALUES):
        raise _unreadable(path, f"{values} values, at most {limit(_MOST_VALUES)} are read")
    try:
        return _File.model_validate_json(raw).circuit(path)
    except ValidationError as error:
        raise _unreadable(path, _why(raw, error)) from error
    except InputError:
        raise
    except ValueError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, why: object) -> InputError:
    return InputError(f"{path}: not a readable circuit ({why}); {_ADVICE}")


def _why(raw: bytes, error: ValidationError) -> str:
    """No JSON, another schema, or all that is wrong with the fields."""
    try:
        data = from_json(raw)
    except ValueError as broken:
        return str(broken)
    schema = data.get("schema") if isinstance(data, dict) else type(data).__name__
    if schema != _SCHEMA:
        return f"schema: {shown(schema)} found, {_SCHEMA!r} needed"
    problems = told(_File, error)
    more = [f"and {len(problems) - _MOST_TOLD} more"] if len(problems) > _MOST_TOLD else []
    return joined(problems[:_MOST_TOLD] + more)
