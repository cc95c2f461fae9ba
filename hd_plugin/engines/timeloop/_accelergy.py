"""Accelergy run on someone's files, with or without the front end, and a witness beside its plug-ins."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hd_plugin._accelergy_config import config_yaml, read_config
from hd_plugin._atomic import write_text
from hd_plugin.energy import build_component, served_class
from hd_plugin.engines.timeloop._answers import Answer, answers, component_name, count_questions, totals
from hd_plugin.engines.timeloop._compounds import classes_of
from hd_plugin.engines.timeloop._host_files import HostFiles
from hd_plugin.engines.timeloop._process import run_to_end
from hd_plugin.engines.timeloop._results import RunError, read_yaml
from hd_plugin.engines.timeloop._run import reason
from hd_plugin.engines.timeloop._tools import environment_of
from hd_plugin.errors import InputError

__all__ = ["Asked", "ask"]

_HERE = Path(__file__).parent
_TABLES = ("ERT.yaml", "ART.yaml", "ERT_summary_verbose.yaml", "ART_summary_verbose.yaml")
_WITNESS = "version: 0.4\nwitness:\n  module: witness\n  class: Witness\n"
_TRANSLATED = "parsed-processed-input.yaml"


@dataclass(frozen=True)
class Asked:
    """All answers; what the tables have; the class and the attributes that compound components were given,
    and what defines those classes; and what the front end was helped with.
    """

    answers: list[Answer]
    totals: Mapping[tuple[str, str], float]
    compounds: Mapping[str, tuple[str, dict[str, Any]]]
    classes: Mapping[str, Mapping[str, Any]]
    notes: list[str]


def ask(
    files: HostFiles, config: Path, programs: Mapping[str, Path], fallback: Mapping[str, Any], folder: Path
) -> Asked:
    """Accelergy's answers for all components in ``files``, its outputs in the empty ``folder``.

    programs : ``accelergy``, and for an architecture of nodes ``front_end``, the Python that has it.
    fallback : a ``problem`` for files without, and values for templates (``define``).
    Raises RunError: Accelergy fails; with all that hd_plugin refuses, by the names of the components.
    """
    _prepare(folder, config, alone=False)
    if files.is_native:
        ended = _accelergy(files.paths, programs["accelergy"], folder)
    else:
        ended = _front_end(files, programs, fallback, folder)
    if not all((folder / name).is_file() for name in _TABLES):
        raise RunError(_why(files, config, programs["accelergy"], folder, ended))
    path = folder / "notes.json"
    notes = json.loads(path.read_text(encoding="utf8")) if path.is_file() else []
    translated = folder / _TRANSLATED
    classes = classes_of(read_yaml(translated)) if translated.is_file() else files.classes
    return Asked(answers(folder), totals(folder), _compounds(folder), classes, notes)


def _prepare(folder: Path, config: Path, alone: bool) -> None:
    """The user's configuration with the witness behind all plug-ins, or ``alone``, where Accelergy looks."""
    data, witness = read_config(config), folder / "witness"
    witness.mkdir()
    shutil.copyfile(_HERE / "_witness.py", witness / "witness.py")
    write_text(witness / "witness.estimator.yaml", _WITNESS)
    others = [] if alone else list(data.get("estimator_plug_ins") or [])
    data["estimator_plug_ins"] = [*others, str(witness)]
    if alone and "python_plug_ins" in data:
        data["python_plug_ins"] = []
    stream = io.StringIO()
    config_yaml().dump(data, stream)
    write_text(folder / "accelergy_config.yaml", stream.getvalue())


def _accelergy(paths: tuple[Path, ...], program: Path, folder: Path) -> str:
    command = [str(program), "-v", "-o", str(folder), *map(str, paths)]
    return run_to_end(command, folder, folder / "program.log", environment_of(program))


def _front_end(
    files: HostFiles, programs: Mapping[str, Path], fallback: Mapping[str, Any], folder: Path
) -> str:
    job = {
        "program": "accelergy",
        "files": [str(path) for path in files.paths],
        "folder": str(folder),
        "log": str(folder / "program.log"),
        "notes": str(folder / "notes.json"),
        **fallback,
    }
    write_text(folder / "job.json", json.dumps(job))
    command = [str(programs["front_end"]), str(_HERE / "_front_end.py"), str(folder / "job.json")]
    return run_to_end(command, folder, folder / "front_end.log", environment_of(programs["accelergy"]))


def _why(files: HostFiles, config: Path, program: Path, folder: Path, ended: str) -> str:
    """What Accelergy stumbled on; or all that hd_plugin refuses, since Accelergy stops at the first."""
    paths, where = files.paths if files.is_native else (folder / _TRANSLATED,), ""
    if all(path.is_file() for path in paths):
        survey = folder / "survey"
        survey.mkdir()
        _prepare(survey, config, alone=True)
        _accelergy(paths, program, survey)
        if all((survey / name).is_file() for name in _TABLES):
            asked = answers(survey)
            if found := _refused(asked):
                return f"{files.architecture}: {'; '.join(found)}"
            at = count_questions(folder)  # the witness is the last that is asked
            where = f"{asked[at].component}: " if at < len(asked) else ""
    then = f" ({ended})" if ended else ""
    told = f"{where}{reason(folder)} (logs in {folder})"
    return f"accelergy wrote no tables for {files.architecture}{then}: {told}"


def _refused(found: list[Answer]) -> list[str]:
    told: dict[str, None] = {}
    for answer in found:
        asked = answer.question
        if served_class(asked.class_name, asked.attributes) is not None:
            try:
                build_component(asked.class_name, asked.attributes)
            except InputError as error:
                inside = f", part {answer.part}" if answer.part else ""
                told[f"{answer.component}{inside}: {error}"] = None
    return list(told)


def _compounds(folder: Path) -> dict[str, tuple[str, dict[str, Any]]]:
    """Component -> its compound class and the attributes that it was given, for components that have one."""
    flat = read_yaml(folder / "flattened_architecture_verbose.yaml")["architecture"]["local"]
    found = {}
    for part in flat:
        if "primitive_components" in part:
            name = component_name(part["name"])
            found[name] = (part["class"], dict(part["attributes"]))
    return found
