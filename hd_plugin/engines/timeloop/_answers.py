"""Who answered what: Accelergy's tables, its log and the witness's notes of one run, put together."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hd_plugin.engines.timeloop._results import RunError, read_yaml

__all__ = ["Answer", "Question", "answers", "component_name", "count_questions", "totals"]

_ANSWERED = re.compile(r"INFO\s+(\S.*?) estimated ([-+0-9.e]+)(\S*) with accuracy")
_NUMBERS = re.compile(r"\[[^]]*\]")
_SI = {"m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15, "": 1.0, "k": 1e3}


@dataclass(frozen=True)
class Question:
    """What plug-ins were asked. kind : ENERGY or AREA."""

    kind: str
    class_name: str
    attributes: dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """One answer to one question.

    component, action : of the architecture; "area" for an area. part, part_action : of the part of a compound
    class that was asked for it, "" where there is none. value : as answered, in ``unit``, before any scale
    that the architecture multiplies with.
    """

    question: Question
    component: str
    action: str
    part: str
    part_action: str
    value: float
    unit: str
    estimator: str


def _questions(folder: Path) -> list[Question]:
    """What the witness noted, in the order in which Accelergy asked."""
    path = folder / "witness" / "questions.jsonl"
    try:
        lines = path.read_text(encoding="utf8").splitlines()
    except FileNotFoundError:
        return []
    return [Question(**json.loads(line)) for line in lines]


def count_questions(folder: Path) -> int:
    """How many questions the witness heard, of a run that failed, too."""
    return len(_questions(folder))


def answers(folder: Path) -> list[Answer]:
    """Every answer of a finished run, energies first. Raises RunError when its files do not fit together."""
    asked, told = _questions(folder), list(_told(folder / "program.log"))
    places = {"ENERGY": list(_energies(folder)), "AREA": list(_areas(folder))}
    if len(asked) != len(told) or len(asked) != sum(map(len, places.values())):
        raise RunError(
            f"{folder}: {len(asked)} questions, {len(told)} answers and "
            f"{sum(map(len, places.values()))} places in Accelergy's tables; another version of Accelergy?"
        )
    found, at = [], {kind: iter(of_kind) for kind, of_kind in places.items()}
    for question, (estimator, number, unit) in zip(asked, told):
        is_energy = question.kind == "ENERGY"
        scale = _SI.get(unit[:1] if unit.endswith("^2") else unit, float("nan"))
        value = number * scale * 1e12 if is_energy else number * (scale**2 if unit else 1.0) * 1e12
        found.append(
            Answer(question, *next(at[question.kind]), value, "pJ" if is_energy else "um2", estimator)
        )
    return found


def _told(log: Path) -> Iterator[tuple[str, float, str]]:
    """(estimator, number, unit) of every answer in the log, in order."""
    for line in log.read_text(encoding="utf8", errors="replace").splitlines():
        if answer := _ANSWERED.search(line):
            yield answer[1], float(answer[2]), answer[3]


def component_name(name: str) -> str:
    """pe.mac, of system.pe[1..8].mac."""
    top, _, rest = _NUMBERS.sub("", name).partition(".")
    return rest or top


def _energies(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """(component, action, part, its action) of every energy, in the order in which Accelergy asks."""
    actions = {row["name"]: row["actions"] for row in read_yaml(folder / "ERT.yaml")["ERT"]["tables"]}
    for row in read_yaml(folder / "ERT_summary_verbose.yaml")["ERT_summary"]["table_summary"]:
        name, estimations = component_name(row["name"]), row["primitive_estimation(s)"]
        if any("action_name" in estimation for estimation in estimations):
            for estimation in estimations:
                for inner in estimation["subaction_estimations"]:
                    part = _NUMBERS.sub("", inner["subcomponent_name"])
                    yield name, estimation["action_name"], part, inner["subaction_name"]
        else:
            for action in actions[row["name"]]:
                yield name, action["name"], "", ""


def _areas(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    for row in read_yaml(folder / "ART_summary_verbose.yaml")["ART_summary"]["table_summary"]:
        name, estimations = component_name(row["name"]), row["primitive_estimations"]
        if isinstance(estimations, str):
            yield name, "area", "", ""
        else:
            for inner in estimations:
                yield name, "area", _NUMBERS.sub("", inner["name"]), "area"


def totals(folder: Path) -> dict[tuple[str, str], float]:
    """(component, action) -> pJ, (component, "area") -> um2, as the tables have it, to 6 digits."""
    found = {}
    for row in read_yaml(folder / "ERT.yaml")["ERT"]["tables"]:
        for action in row["actions"]:
            found[component_name(row["name"]), str(action["name"])] = float(action["energy"])
    for row in read_yaml(folder / "ART.yaml")["ART"]["tables"]:
        found[component_name(row["name"]), "area"] = float(row["area"])
    return found
