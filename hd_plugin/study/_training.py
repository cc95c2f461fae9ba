"""``training_table``: every finished run of a sweep against its baseline in file order, as the paper's Table
3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hd_plugin.errors import InputError
from hd_plugin.streaming import Jobs
from hd_plugin.study._combined import Combined
from hd_plugin.study._compare import combined, compare
from hd_plugin.study._comparison import Comparison
from hd_plugin.study._result import Result
from hd_plugin.weights import load_network

if TYPE_CHECKING:
    from hd_plugin.training.loop import Recipe
    from hd_plugin.training.results import EpochRow, TrainedRun

__all__ = ["RunRow", "TrainingTable", "training_table"]


@dataclass(frozen=True)
class RunRow:
    """A finished run, and its reductions under the sweep's orders."""

    run: TrainedRun
    reductions: Combined

    def to_dict(self) -> dict[str, Any]:
        """One entry of ``runs`` in train.json."""
        told = {k: v for k, v in self.reductions.to_dict().items() if k != "network"}
        return {**told, **self.run.to_dict()}


@dataclass(frozen=True, repr=False)
class TrainingTable(Result):
    """Schema hd-plugin/train/1. runs : the baseline first. curves : of every log, by the run's folder."""

    schema = "hd-plugin/train/1"
    file = "train.json"
    lines = "runs"

    model: str
    recipe: Recipe
    rows: int
    order_method: str
    runs: tuple[RunRow, ...]
    curves: Mapping[str, list[EpochRow]] = field(repr=False)

    def summary(self) -> dict[str, dict[str, float]]:
        """Top-1 and mean flip reduction by run."""
        return {
            r.run.name: {"top1": r.run.top1, "mean_hd_reduction": r.reductions.mean_hd_reduction}
            for r in self.runs
        }

    def to_dict(self) -> dict[str, Any]:
        return {
            "schema": self.schema,
            "model": self.model,
            "recipe": asdict(self.recipe),
            "rows": self.rows,
            "order_method": self.order_method,
            "runs": [r.to_dict() for r in self.runs],
        }


def training_table(
    folder: str | Path, recipe: Recipe, rows: int = 8, order_method: str = "cluster", jobs: Jobs | None = None
) -> TrainingTable:
    """The finished runs in ``folder``, each planned by ``order_method`` for ``rows`` rows.

    Raises InputError for a folder without a finished baseline, and for damaged files.
    """
    from hd_plugin.training.results import learning_curves, trained_runs

    runs = trained_runs(folder)
    if not runs or runs[0].method != "baseline":
        raise InputError(f"{folder}: no finished baseline in there; hd-plugin train makes one")
    networks = [
        replace(
            load_network(r.folder / "network.npz", bits=recipe.bits, number_format=r.number_format),
            name=r.name,
        )
        for r in runs
    ]
    found = compare(networks[0], trained=networks[1:], jobs=jobs, rows=rows, methods=(order_method,))
    assert isinstance(found, Comparison)  # saved networks hold their sizes
    table = [c for c in found.trained or combined(found, []) if c.method == order_method]
    pairs = tuple(RunRow(run, row) for run, row in zip(runs, table))
    return TrainingTable(runs[0].model, recipe, rows, order_method, pairs, learning_curves(folder))
