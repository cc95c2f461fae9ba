"""Who served what: the installed Accelergy is run on an architecture, and every value is looked at."""
from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hd_plugin._data_files import data_folder
from hd_plugin._yaml import read_mapping
from hd_plugin.energy import CLASSES, served_class
from hd_plugin.engines.timeloop._problem import Shape, problem_of
from hd_plugin.engines.timeloop._results import (RunError, area_table, components, expected, half_unit, reference_table,
                                                 served)
from hd_plugin.engines.timeloop._run import Job, Runs, reason
from hd_plugin.engines.timeloop._tools import Tools, accelergy_config, find_tools
from hd_plugin.errors import InputError, did_you_mean

__all__ = ["Examination", "Served", "examine"]


@dataclass(frozen=True)
class Served:
    """One action of one component: who answered, what, and what is wrong with that (empty when nothing is)."""

    component: str
    class_name: str
    action: str
    value: float
    unit: str
    estimator: str
    problem: str


@dataclass(frozen=True)
class Examination:
    tools: Tools
    config: Path
    rows: list[Served]

    @property
    def healthy(self) -> bool:
        return not any(row.problem for row in self.rows)


def examine(architecture: str | Path | None = None, variables: str | Path | None = None) -> Examination:
    """Run Accelergy on a v4 architecture (the bundled input-stationary array by default) with a file of variables.

    Raises MissingTool; RunError when Accelergy fails (an unregistered plug-in, a refused attribute); InputError for
    files that are none.
    """
    tools = find_tools()
    path = Path(architecture) if architecture else data_folder("arch") / "input_stationary.yaml"
    content = _variables(path, variables)
    with tempfile.TemporaryDirectory(prefix="hd-plugin-doctor-") as scratch:
        folder = Path(scratch) / "run"
        folder.mkdir()
        Runs(tools, Path(scratch)).call(Job("accelergy", path, {**content, **problem_of(Shape(8, 8, 1, 1, 8, 8))}), folder)
        log = folder / "program.log"
        if not (folder / "ERT.yaml").is_file() or not (folder / "ART.yaml").is_file():
            raise RunError(f"accelergy wrote no tables for {path}: {reason(folder)}")
        return Examination(tools, accelergy_config(), _rows(folder, served(log)))


def _variables(architecture: Path, variables: str | Path | None) -> dict[str, Any]:
    """The section of variables to add: the file's, or the bundled 8x8 one's when the architecture has none."""
    if not architecture.is_file():
        raise InputError(f"architecture: {architecture}: no such file")
    if variables is None:
        if re.search(r"^variables:", architecture.read_text(encoding="utf8"), re.MULTILINE):
            return {}
        variables = data_folder("arch") / f"{architecture.stem}_8x8.yaml"
        if not variables.is_file():
            raise InputError(f"{architecture}: has no variables of its own; give a file of them (arch/*_8x8.yaml show the form)")
    found = read_mapping(variables).get("variables")
    if not isinstance(found, dict):
        raise InputError(f"{variables}: variables: missing")
    return {"variables": found}


def _rows(folder: Path, answers: list[tuple[str, str, str]]) -> list[Served]:
    """Every energy and area in the tables. The log answers in their order: component by component, action by action."""
    energies, areas = reference_table(folder / "ERT.yaml"), area_table(folder / "ART.yaml")
    waiting = list(answers)

    def who(kind: str, class_name: str) -> str:
        at = next((i for i, answer in enumerate(waiting) if answer[:2] == (kind, class_name)), None)
        return waiting.pop(at)[2] if at is not None else "unknown"
    rows = []
    for entry in components(folder):
        ours, right, refused = served_class(entry.class_name, entry.attributes) is not None, {}, ""
        try:
            right = expected(entry) if ours else {}
        except InputError as error:
            refused = f"; {error}"
        found = [("ENERGY", action, value, "pJ") for action, value in energies.get(entry.name, {}).items()]
        found.append(("AREA", "area", areas.get(entry.name, 0.0), "um2"))
        for kind, action, value, unit in found:
            estimator, problem = who(kind, entry.class_name), ""
            if ours and estimator != "hd_plugin":
                problem = f"answered by {estimator}, not by hd_plugin{refused}"
            elif ours and (action not in right or abs(value - right[action]) > half_unit(right[action])):
                says = f"{right[action]:.6g} {unit}" if action in right else "nothing"
                problem = f"hd_plugin here says {says}: another version of it answered{refused}"
            elif not ours and entry.class_name.startswith("hd_"):
                problem = f"not a class of hd_plugin; {did_you_mean(entry.class_name, CLASSES)}"
            rows.append(Served(entry.name, entry.class_name, action, value, unit, estimator, problem))
    return rows
