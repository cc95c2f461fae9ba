"""``write_report``: a result as files in a folder: its JSON, and what a person or a tool reads beside it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from functools import singledispatch
from pathlib import Path

from hd_plugin._csv import write_csv
from hd_plugin.report._html import write_html
from hd_plugin.report._own_files import replace_files
from hd_plugin.report._pictures import pictures, save_pictures
from hd_plugin.streaming import StreamPlan
from hd_plugin.study import (
    Characterised,
    Comparison,
    EncodingScores,
    EnergyPlanning,
    FlipComparison,
    FoundEncodings,
    NetworkVerification,
    Planning,
    Result,
    Roundings,
    TrainingTable,
)

__all__ = ["more_files", "save_plans", "stems", "write_report"]

# of a run of Timeloop, what a reader needs to check it or to run it again
_RUN_FILES = (
    "architecture.yaml",
    "inputs.yaml",
    "parsed-processed-input.yaml",
    "*.ERT.yaml",
    "*.stats.txt",
    "*.map.txt",
    "*.map.yaml",
)
_STEM = 120  # characters of a layer's name in a file's; file systems take 255 bytes
_FRONT = (
    "method",
    "strength",
    "top1",
    "top5",
    "mean_hd_reduction",
    "best_hd_reduction",
    "mean_energy_reduction",
    "best_energy_reduction",
)


def write_report(result: Result, folder: str | Path) -> Path:
    """Write all files of ``result`` to ``folder``; the file to look at first.

    A comparison: compare.json, compare.csv, plots/ (each as .png, .svg and .pdf), plans/, report.html and,
    with Timeloop, timeloop/ with the inputs and outputs of every run (an interrupted one: compare.json and
    the plans). Plans, roundings, verifications, training tables: their JSON and what belongs to it. Raises
    InputError when the folder cannot be written.
    """
    folder = Path(folder)
    if not isinstance(result, Characterised):  # its file is there already, under the technology's name
        result.to_json(folder / result.file)
    return more_files(result, folder) or folder / result.file


@singledispatch
def more_files(result: Result, folder: Path) -> Path | None:
    """What a result has beside its JSON; the file to look at first. A result of another kind registers its
    own.
    """
    return None


@more_files.register(Comparison)
def _comparison(result: Comparison, folder: Path) -> Path:
    if result.interrupted:  # pictures and pages are of the whole
        save_plans(folder / "plans", result.plans)
        return folder / result.file
    result.to_csv(folder / "compare.csv")
    drawn = pictures(result, page=True)
    save_pictures(drawn, folder / "plots")
    write_html(result, folder / "report.html", drawn)
    save_plans(folder / "plans", result.plans)
    _save_runs(folder / "timeloop", result)
    return folder / "report.html"


@more_files.register(FlipComparison)
def _flips(result: FlipComparison, folder: Path) -> None:
    save_plans(folder / "plans", result.plans)


@more_files.register(Planning)
@more_files.register(EnergyPlanning)
def _planning(result: Planning | EnergyPlanning, folder: Path) -> None:
    save_plans(folder, result.plans)


@more_files.register(Roundings)
def _roundings(result: Roundings, folder: Path) -> None:
    for run in result.runs:
        own = folder / f"mu-{run.mu:.12g}"
        save_plans(own / "plans", run.plans)
        if result.scoring:
            from hd_plugin.training.saved import save_network

            save_network(own / "network.npz", result.scoring.fresh(), run.layers)
        else:
            from hd_plugin.weights import save_layers

            save_layers(own / "network.npz", run.layers)


@more_files.register(NetworkVerification)
def _verification(result: NetworkVerification, folder: Path) -> None:
    tables = result.tables()
    for stem, one in zip(stems(tables), tables.values()):
        one.save(folder / "tables", stem)


@more_files.register(TrainingTable)
def _training(result: TrainingTable, folder: Path) -> Path:
    write_csv(folder / "front.csv", _FRONT, (row.to_dict() for row in result.runs))
    save_pictures(pictures(result), folder)
    return folder / "front.png"


@more_files.register(FoundEncodings)
def _encodings(result: FoundEncodings, folder: Path) -> None:
    for one in (*result.front, *result.on_data):
        one.encoding.save(folder / "encodings" / f"{one.encoding.name}.json")
    save_pictures(pictures(result), folder / "plots")


@more_files.register(EncodingScores)
def _encoding_scores(result: EncodingScores, folder: Path) -> None:
    lines = [{"run": run.name, **asdict(layer)} for run in result.runs for layer in run.layers]
    write_csv(folder / "layers.csv", list(lines[0]), lines)


@more_files.register(Characterised)
@more_files.register(Characterised)
def _characterised(result: Characterised, folder: Path) -> Path:
    return result.path


def save_plans(folder: Path, plans: Mapping[tuple[str, str], StreamPlan]) -> None:
    """One file a plan, the baseline's left out."""
    wanted = {key: plan for key, plan in plans.items() if key[1] != "baseline"}
    for stem, plan in zip(stems(wanted), wanted.values()):
        plan.save(folder / f"{stem}.plan.json")


def stems(keys: Iterable[tuple[str, str]]) -> list[str]:
    """LAYER.METHOD for each; names of layers (and of MACs) may be long and hold slashes, file names may not,
    and must stay apart.
    """
    found: list[str] = []
    taken: set[str] = set()
    for layer, method in keys:
        stem = re.sub(r"[^A-Za-z0-9._-]+", "_", layer).strip("._") or "layer"
        stem = stem if len(stem) <= _STEM else f"{stem[: _STEM // 2]}...{stem[-_STEM // 2 :]}"
        name, number = f"{stem}.{method}", 2
        while name.lower() in taken:
            name, number = f"{stem}-{number}.{method}", number + 1
        taken.add(name.lower())
        found.append(name)
    return found


def _save_runs(folder: Path, result: Comparison) -> None:
    """Timeloop's files of every row, a folder for each run (a layer whose sizes do not divide has several).

    parsed-processed-input.yaml is what timeloop-model takes to run it again. Runs of an earlier comparison go
    away.
    """
    wanted = []
    for row, name in zip(result.rows, stems((r.layer, r.method) for r in result.rows)):
        runs = [Path(f) for f in row.evaluation.folders]
        for number, run in enumerate(runs, 1):
            own = name if len(runs) == 1 else f"{name}.{number}"
            found = (path for pattern in _RUN_FILES for path in sorted(run.glob(pattern)))
            wanted += [(f"{own}/{path.name}", path) for path in found]
    replace_files(folder, wanted)
