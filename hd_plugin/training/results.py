"""What runs left behind: result.json and log.csv of each run's folder, as typed values."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from hd_plugin._atomic import write_text
from hd_plugin._checked import Checked, check, read_json
from hd_plugin._guard import read_text, why
from hd_plugin._wording import shown
from hd_plugin.bits import NumberFormat
from hd_plugin.errors import InputError

__all__ = [
    "EpochRow",
    "TrainedRun",
    "learning_curve",
    "learning_curves",
    "read_inputs",
    "trained_runs",
    "write_float_run",
]

SCHEMA = "hd-plugin/trained/1"
FLOAT = "float"
_ADVICE = "delete it, and the run's own command writes it again"


@dataclass(frozen=True)
class TrainedRun:
    """One finished run of a quantised network.

    folder : where its network.npz and log.csv are. strength : lambda or mu, squared steps a flip; 0 for the
    baseline. top1, top5 : on all ``test_images``, in percent, read once. model : as ``make_model`` takes it.
    start : name of the file of float weights, None where there was none. inputs : all that the run depends
    on, with digests of the files. torch, version : of PyTorch and of hd_plugin.
    """

    folder: Path
    method: str
    strength: float
    top1: float
    top5: float
    test_images: int
    model: str
    start: str | None
    inputs: Mapping[str, Any]
    device: str
    torch: str
    version: str

    @property
    def name(self) -> str:
        """The folder's."""
        return self.folder.name

    @property
    def number_format(self) -> NumberFormat:
        found: NumberFormat = self.inputs["number_format"]
        return found

    @property
    def bits(self) -> int:
        """Width of the weights."""
        return int(self.inputs["recipe"]["bits"])

    def to_dict(self) -> dict[str, Any]:
        """What result.json holds (schema ``hd-plugin/trained/1``)."""
        told = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "folder"}
        return {"schema": SCHEMA, **told}

    def save(self) -> None:
        """Write result.json into the folder."""
        _write(self.folder, self.to_dict())


class _Recipe(Checked):
    model_config = ConfigDict(extra="ignore")

    bits: Annotated[int, Field(ge=2, le=8)]


class _Inputs(Checked):
    """What readers of a run's network need of all that the run depends on."""

    model_config = ConfigDict(extra="ignore")

    number_format: NumberFormat
    recipe: _Recipe


class _Result(Checked):
    """result.json, but for its schema."""

    method: str
    strength: Annotated[float, Field(ge=0)]
    top1: Annotated[float, Field(ge=0, le=100)]
    top5: Annotated[float, Field(ge=0, le=100)]
    test_images: Annotated[int, Field(ge=1)]
    model: str
    start: str | None
    inputs: dict[str, Any]
    device: str
    torch: str
    version: str


@dataclass(frozen=True)
class EpochRow:
    """One epoch of a run.

    loss : mean over the images, without the method's penalty. train_top1 : in percent. flips : of all layers
    and bits under the present orders; bit : the one under the paper's loss; None in runs without.
    """

    epoch: int
    loss: float
    train_top1: float
    seconds: float
    flips: int | None = None
    bit: int | None = None


def trained_runs(folder: str | Path) -> list[TrainedRun]:
    """Every finished run of a quantised network in a sweep's folder; the baseline comes first.

    Then by method and strength. Raises InputError for a damaged result.json, with all that is wrong in it.
    """
    found = []
    for path in Path(folder).glob("*/result.json"):
        data = _read(path)
        if data.get("method") != FLOAT:
            result = check(_Result, data, path)
            check(_Inputs, result.inputs, f"{path}: inputs")
            found.append(TrainedRun(path.parent, **dict(result)))
    return sorted(found, key=lambda run: (run.method != "baseline", run.method, run.strength))


def read_inputs(folder: Path) -> dict[str, Any] | None:
    """All that the finished run in ``folder`` depended on; None where no run has finished."""
    path = folder / "result.json"
    if not path.is_file():
        return None
    inputs = _read(path).get("inputs")
    if not isinstance(inputs, dict):
        raise InputError(f"{path}: inputs: {shown(inputs)} found; a mapping is needed; {_ADVICE}")
    return inputs


def write_float_run(folder: Path, inputs: Mapping[str, Any]) -> None:
    """The result.json of a float network, which is not scored."""
    _write(folder, {"schema": SCHEMA, "method": FLOAT, "inputs": inputs})


def learning_curve(folder: Path) -> list[EpochRow]:
    """The log of one run, over all its pieces. Raises InputError for a damaged log.csv."""
    path = folder / "log.csv"
    try:
        rows = list(csv.DictReader(io.StringIO(read_text(path, kind="CSV")), strict=True))
    except csv.Error as error:
        raise InputError(f"{path}: not readable as CSV ({why(error)})") from error
    return [_epoch(path, row) for row in rows]


def learning_curves(folder: str | Path) -> dict[str, list[EpochRow]]:
    """The logs of all runs in a sweep's folder, unfinished and float ones too, by the run's folder."""
    return {p.parent.name: learning_curve(p.parent) for p in sorted(Path(folder).glob("*/log.csv"))}


def _epoch(path: Path, row: Mapping[str, str]) -> EpochRow:
    def whole(name: str) -> int | None:
        return int(row[name]) if row.get(name) else None

    try:
        return EpochRow(
            int(row["epoch"]),
            loss=float(row["loss"]),
            train_top1=float(row["train_top1"]),
            seconds=float(row["seconds"]),
            flips=whole("flips"),
            bit=whole("bit"),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: {shown(dict(row))} is no row of a training log ({why(error)})") from error


def _read(path: Path) -> dict[str, Any]:
    """The fields of a result.json but for its schema."""
    return {k: v for k, v in read_json(path, [SCHEMA], _ADVICE).items() if k != "schema"}


def _write(folder: Path, content: Mapping[str, Any]) -> None:
    write_text(folder / "result.json", json.dumps(content, indent=1) + "\n")
