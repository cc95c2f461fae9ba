"""Who served what: the installed Accelergy is run on an architecture, and every value is looked at."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hd_plugin._data_files import accelergy_config, data_folder
from hd_plugin._guard import read_text
from hd_plugin.energy import COMPONENTS
from hd_plugin.engines._array import read_variables
from hd_plugin.engines.timeloop._architecture import sections
from hd_plugin.engines.timeloop._problem import Shape, problem_of
from hd_plugin.engines.timeloop._results import (
    RunError,
    area_table,
    components,
    expected,
    half_unit,
    reference_table,
    served,
)
from hd_plugin.engines.timeloop._run import Job, Runs, reason
from hd_plugin.engines.timeloop._tools import Tools, find_tools
from hd_plugin.errors import InputError, did_you_mean

__all__ = ["Examination", "Served", "examine"]


@dataclass(frozen=True)
class Served:
    """One action of one component: who answered, what, and what is wrong with that (empty: nothing)."""

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
    """Run Accelergy on a v4 architecture (by default the bundled input-stationary one) with variables.

    Raises MissingTool; RunError when Accelergy fails (an unregistered plug-in, a refused attribute);
    InputError for files that are none.
    """
    tools = find_tools()
    path = Path(architecture) if architecture else data_folder("arch") / "input_stationary.yaml"
    content = _inputs(path, variables)
    folder = Path(tempfile.mkdtemp(prefix="hd-plugin-doctor-"))  # stays for its logs when Accelergy fails
    Runs(tools, folder).call(Job("accelergy", path, content), folder)
    if not (folder / "ERT.yaml").is_file() or not (folder / "ART.yaml").is_file():
        raise RunError(f"accelergy wrote no tables for {path}: {reason(folder)} (logs in {folder})")
    rows = _rows(folder, served(folder / "program.log"))
    shutil.rmtree(folder, ignore_errors=True)
    return Examination(tools, accelergy_config(), rows)


def _inputs(architecture: Path, variables: str | Path | None) -> dict[str, Any]:
    """What the architecture lacks: variables (the file's, or the bundled 8x8 array's) and a problem."""
    own = sections(read_text(architecture))
    content = {} if "problem" in own else problem_of(Shape(8, 8, 1, 1, 8, 8))
    if "variables" in own:
        if variables is not None:
            raise InputError(
                f"{architecture}: has variables of its own; leave out {variables}, or take them out"
            )
        return content
    if variables is None:
        variables = data_folder("arch") / f"{architecture.stem}_8x8.yaml"
        if not variables.is_file():
            raise InputError(
                f"{architecture}: has no variables of its own; give a file of them (arch/*_8x8.yaml show the "
                "form)"
            )
    return {"variables": read_variables(variables), **content}


def _rows(folder: Path, answers: list[tuple[str, str, str]]) -> list[Served]:
    """Every energy and area in the tables. The log answers in their order: by component, then by action."""
    energies, areas = reference_table(folder / "ERT.yaml"), area_table(folder / "ART.yaml")
    waiting = list(answers)

    def who(kind: str, class_name: str) -> str:
        at = next((i for i, answer in enumerate(waiting) if answer[:2] == (kind, class_name)), None)
        return waiting.pop(at)[2] if at is not None else "unknown"

    rows = []
    for entry in components(folder):
        ours, right, refused = entry.ours, None, ""
        try:
            right = expected(entry) if ours else None
        except InputError as error:
            refused = f"; {error}"
        found = [("ENERGY", action, value, "pJ") for action, value in energies.get(entry.name, {}).items()]
        found.append(("AREA", "area", areas.get(entry.name, 0.0), "um2"))
        for kind, action, value, unit in found:
            estimator, problem = who(kind, entry.class_name), ""
            if ours and estimator != "hd_plugin":
                problem = f"answered by {estimator}, not by hd_plugin{refused}"
            elif entry.unread:
                problem = entry.unread
            elif right is not None and (
                action not in right or abs(value - right[action]) > half_unit(right[action])
            ):
                says = f"{right[action]:.6g} {unit}" if action in right else "nothing"
                problem = f"hd_plugin here says {says}: another version of it answered{refused}"
            elif not ours and not entry.compound and entry.class_name.startswith("hd_"):
                problem = f"not a class of hd_plugin; {did_you_mean(entry.class_name, COMPONENTS)}"
            rows.append(Served(entry.name, entry.class_name, action, value, unit, estimator, problem))
    names = list(dict.fromkeys(row.component for row in rows))
    return sorted(
        rows, key=lambda row: (names.index(row.component), row.unit, row.action)
    )  # Accelergy's own order varies
