"""Who served what: the installed Accelergy is run on an architecture, and every value is looked at."""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hd_plugin._accelergy_config import ensure_config
from hd_plugin._data_files import data_folder
from hd_plugin.energy import ALIASES, COMPONENTS, served_class
from hd_plugin.engines.timeloop._accelergy import Asked, ask
from hd_plugin.engines.timeloop._answers import Answer
from hd_plugin.engines.timeloop._compounds import unread_flip_rate
from hd_plugin.engines.timeloop._host_files import HostFiles, host_files
from hd_plugin.engines.timeloop._problem import Shape, problem_of
from hd_plugin.engines.timeloop._results import Entry, expected
from hd_plugin.engines.timeloop._tools import find_accelergy, find_front_end
from hd_plugin.errors import InputError, MissingTool, did_you_mean

__all__ = ["Examination", "Served", "examine"]

_OURS = "hd_plugin"
_NOBODY = "nobody"  # the witness, which answers what no plug-in does
_CLOSE = 1e-6  # relative: the log has all digits of an answer


@dataclass(frozen=True)
class Served:
    """One action of one component: who answered, what, and what is wrong with that (empty: nothing).

    A compound component is a row an action, with all who answered for its parts, and a row for every action
    of a part that is hd_plugin's or has a problem. value : as answered, before any scale that the
    architecture multiplies with; of a compound, what the table has.
    """

    component: str
    class_name: str
    action: str
    value: float
    unit: str
    estimator: str
    problem: str


@dataclass(frozen=True)
class Examination:
    """programs : those that were found and used. notes : what was taken where the files say nothing."""

    programs: Mapping[str, Path]
    config: Path
    rows: list[Served]
    notes: tuple[str, ...] = ()

    @property
    def healthy(self) -> bool:
        return not any(row.problem for row in self.rows)


def examine(*given: str | Path, define: Mapping[str, str] | None = None) -> Examination:
    """Run Accelergy on an architecture and its variables, components and problem, given in any order.

    Without files, on a bundled architecture. define : values for files that are templates. Accelergy is all
    that an architecture of ``subtree`` and ``local`` takes; one of ``nodes`` needs pytimeloop's front end.
    Raises MissingTool; RunError when Accelergy fails (a refused attribute, by component); InputError for
    files that are none, or lack what Accelergy needs.
    """
    notes: list[str] = []
    files = _with_variables(host_files(given) if given else _bundled(notes))
    programs = {"accelergy": find_accelergy()}
    if not files.is_native:
        programs["front_end"] = find_front_end()
    elif define:
        raise InputError(f"define: {files.architecture} is read by Accelergy, which fills in no templates")
    config = ensure_config(programs["accelergy"])
    fallback = {**problem_of(Shape(8, 8, 1, 1, 8, 8)), "define": dict(define or {})}
    folder = Path(tempfile.mkdtemp(prefix="hd-plugin-doctor-"))  # stays for its logs when Accelergy fails
    asked = ask(files, config, programs, fallback, folder)
    rows = list(_rows(asked, files.own_rates))
    if any(answer.estimator == _NOBODY for answer in asked.answers):
        notes.append("Accelergy by itself stops at the first class that no plug-in answers for; add one")
    shutil.rmtree(folder, ignore_errors=True)
    return Examination(programs, config, rows, (*notes, *(asked.notes if given else ())))


def _bundled(notes: list[str]) -> HostFiles:
    """The paper's array, or without a front end every class of hd_plugin in Accelergy's own words."""
    folder = data_folder("arch")
    try:
        find_front_end()
    except MissingTool as error:
        notes.append(f"looked at arch/accelergy_only.yaml, since {error}")
        return host_files([folder / "accelergy_only.yaml"])
    return host_files([folder / "input_stationary.yaml"])


def _with_variables(files: HostFiles) -> HostFiles:
    """With the variables that go with a bundled architecture, where none are given.

    Raises InputError for other files without the variables that Accelergy always needs.
    """
    if "variables" in files.sections:
        return files
    beside = data_folder("arch") / f"{files.architecture.stem}_8x8.yaml"
    if beside.is_file() and files.architecture.parent == beside.parent:
        return host_files([*files.paths, beside])
    if not files.gives_cycle:
        raise InputError(
            f"{files.architecture}: no variables among the files; give one that says 'variables: {{version: "
            '0.4, global_cycle_seconds: 1e-9, technology: "45nm"}\' and what else it uses'
        )
    return files


def _rows(asked: Asked, own_rates: frozenset[str]) -> Iterator[Served]:
    """By component, each with its energies first and its actions by name: Accelergy's own order varies."""
    by_component: dict[str, list[Answer]] = {}
    for answer in asked.answers:
        by_component.setdefault(answer.component, []).append(answer)
    for component, found in by_component.items():
        if component in asked.compounds:
            rows = list(_compound(component, asked, found, component in own_rates))
        else:
            rows = [_row(answer, _wants(answer, component in own_rates)) for answer in found]
        yield from sorted(rows, key=lambda row: (row.component, row.unit == "um2", row.action))


def _wants(answer: Answer, has_rate: bool) -> str:
    """By what a part asks for hd_plugin; "" when it does not. has_rate : it gives a flip_rate itself."""
    name = answer.question.class_name
    if name in COMPONENTS or name.startswith("hd_"):
        return f"its class {name}"
    rate = answer.question.attributes.get("flip_rate") is not None
    return "its flip_rate" if rate and (has_rate or name in ALIASES) else ""


def _row(answer: Answer, wants: str) -> Served:
    return Served(
        f"{answer.component}.{answer.part}" if answer.part else answer.component,
        answer.question.class_name,
        answer.part_action or answer.action,
        answer.value,
        answer.unit,
        answer.estimator,
        _problem(answer, wants),
    )


def _problem(answer: Answer, wants: str) -> str:
    asked, who = answer.question, answer.estimator
    if who == _OURS:
        return _another_version(answer)
    if not wants:
        return f"no plug-in answers for class {asked.class_name}" if who == _NOBODY else ""
    told = f"asked for hd_plugin by {wants} and was answered by {who}"
    if served_class(asked.class_name, asked.attributes) is not None:
        then = "run 'hd-plugin register'" if who == _NOBODY else "see that it is registered"
        return f"{told}: {then}"
    if wants == "its flip_rate":
        return f"{told}: with a flip_rate hd_plugin serves {', '.join(ALIASES)} and its own classes (hd_...)"
    return f"{told}: not a class of hd_plugin; {did_you_mean(asked.class_name, COMPONENTS)}"


def _another_version(answer: Answer) -> str:
    """What hd_plugin here says, where that is something else."""
    asked, count = answer.question, float(answer.question.attributes.get("n_instances", 1))
    try:
        right = expected(Entry(answer.component, asked.class_name, asked.attributes))
    except InputError as error:
        return f"another version of hd_plugin answered: {error}"
    if right is None:  # asked of another estimator and scaled; only Accelergy can ask
        return ""
    action = answer.part_action or answer.action
    scale = count if action in ("leak", "area") else 1.0
    if action in right and math.isclose(right[action] * scale, answer.value, rel_tol=_CLOSE):
        return ""
    says = f"{right[action]:.6g} {answer.unit}" if action in right else "nothing"
    return f"hd_plugin here says {says}: another version of it answered"


def _compound(component: str, asked: Asked, found: list[Answer], has_rate: bool) -> Iterator[Served]:
    """A row an action of the compound, and one for each that hd_plugin was asked for inside of it."""
    class_name, attributes = asked.compounds[component]
    who = sorted({answer.estimator for answer in found})
    wants = attributes.get("flip_rate") is not None and (has_rate or class_name in ALIASES)
    problem = ""
    if wants and _OURS not in who and (unread := unread_flip_rate(class_name, attributes, asked.classes)):
        problem = f"asked for hd_plugin by its flip_rate and was answered by {', '.join(who)}: {unread}"
    for action in dict.fromkeys(answer.action for answer in found):
        parts = [answer for answer in found if answer.action == action]
        names = ", ".join(sorted({answer.estimator for answer in parts}))
        total, unit = asked.totals[component, action], parts[0].unit
        yield Served(component, class_name, action, total, unit, names, problem)
    inside = (_row(answer, _wants(answer, True)) for answer in found)
    yield from dict.fromkeys(row for row in inside if row.problem or row.estimator == _OURS)
