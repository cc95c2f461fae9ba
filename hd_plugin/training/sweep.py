"""Several runs of one recipe: the baseline and the strengths of a method, each in a folder of its own."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from hd_plugin._atomic import atomic_path
from hd_plugin._identity import check_same_run
from hd_plugin._version import __version__
from hd_plugin.bits import NumberFormat
from hd_plugin.errors import InputError
from hd_plugin.streaming import Progress
from hd_plugin.training.data import Images, load_images
from hd_plugin.training.evaluate import accuracy
from hd_plugin.training.loop import Recipe, Running, fit
from hd_plugin.training.methods import Method, make_method
from hd_plugin.training.models import make_model
from hd_plugin.training.orders import Ordering, layers_of
from hd_plugin.training.processes import agreed, device_of, processes
from hd_plugin.training.results import FLOAT, TrainedRun, learning_curve, read_inputs, write_float_run
from hd_plugin.training.saved import load_into, save_network
from hd_plugin.training.sizes import output_sizes

__all__ = ["Sweep"]


@dataclass(frozen=True)
class _Wanted:
    """One run: a quantised network under a method, or the float network that the others start from."""

    method: str
    strength: float = 0.0

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"{self.method}-{self.strength:g}" if self.strength else self.method

    @property
    def is_float(self) -> bool:
        return self.method == FLOAT


@dataclass
class Sweep:
    """``run`` trains what is missing.

    Each run's folder gets checkpoint.pt, log.csv, network.npz and result.json. start : float weights.
    float_recipe : trains a float network first, from ``start`` or from nothing, once for all runs. Test
    images are scored once a run, after its last step. Raises InputError for data, weights or options that do
    not fit.
    """

    model: str
    recipe: Recipe
    data: Sequence[Path]
    test: Sequence[Path]
    start: Path | None
    output: Path
    float_recipe: Recipe | None = None
    number_format: NumberFormat = "twos_complement"
    rows: int = 8
    order_method: str = "cluster"
    device: str = "cpu"
    _images: dict[str, Images] = field(default_factory=dict)

    @property
    def first_process(self) -> bool:
        """Whether this is the process that writes, of those that torchrun started."""
        return int(os.environ.get("RANK", "0")) == 0

    def run(
        self,
        wanted: Sequence[tuple[str, float]],
        minutes: float | None = None,
        progress: Progress | None = None,
    ) -> bool:
        """Train (method, strength) after (method, strength).

        True when all are done, False when ``minutes`` ran out: the same call then goes on.
        """
        device_of(self.device)
        if self.start is None and self.float_recipe is None:
            raise InputError("start: missing; give float weights (--start) or float epochs (--float-epochs)")
        test, data = self._load("test", self.test).classes, self._load("data", self.data).classes
        if test != data:
            raise InputError(f"test: classes {test[:3]} ... found, {data[:3]} ... in the training images")
        runs = [_Wanted(method, strength) for method, strength in wanted]
        if self.float_recipe:
            runs.insert(0, _Wanted(FLOAT))
        with processes(self.device):
            return self._all(runs, None if minutes is None else time.monotonic() + 60 * minutes, progress)

    def _all(self, runs: Sequence[_Wanted], ends: float | None, progress: Progress | None) -> bool:
        epoch_s = 0.0  # of the last run that this process trained: no other one is begun for less
        for wanted in runs:
            folder = self.output / wanted.name
            if agreed(self._is_done(wanted, folder)):
                continue
            left = agreed(None if ends is None else (ends - time.monotonic()) / 60)
            if left is not None and left * 60 <= epoch_s:
                return False

            def tell(done: int, total: int, text: str, name: str = wanted.name) -> None:
                if progress:
                    progress(done, total, name)

            if not self._one(wanted, folder, Running(self.device, left, tell)):
                return False
            epoch_s = max(row.seconds for row in learning_curve(folder))
        return True

    def _is_done(self, wanted: _Wanted, folder: Path) -> bool:
        """Whether the run is there. Raises InputError when another one is."""
        found = read_inputs(folder)
        if found is None:
            return False
        check_same_run(folder / "result.json", found, self._inputs(wanted), folder)
        return True

    def _inputs(self, wanted: _Wanted) -> dict[str, Any]:
        """All that a run depends on."""
        told: dict[str, Any] = {
            "model": self.model,
            "data": [_digest(p) for p in self.data],
            "start": _digest(self.start) if self.start else None,
            "float_recipe": asdict(self.float_recipe) if self.float_recipe else None,
        }
        if not wanted.is_float:
            told |= {
                "recipe": asdict(self.recipe),
                "rows": self.rows,
                "order_method": self.order_method,
                "number_format": self.number_format,
                "method": wanted.method,
                "strength": wanted.strength,
                "test": [_digest(p) for p in self.test],
            }
        return told

    def _one(self, wanted: _Wanted, folder: Path, running: Running) -> bool:
        """Train, score and save one run, or a piece of it; whether it is done."""
        folder.mkdir(parents=True, exist_ok=True)
        images = self._load("data", self.data)
        method, recipe = self._how(wanted)
        torch.manual_seed(self.recipe.seed)
        model = make_model(self.model, len(images.classes))
        start = self.start if wanted.is_float or not self.float_recipe else self._float_weights
        if start:
            load_into(model, start)
        inputs = self._inputs(wanted)
        if not fit(model, images, method, recipe, folder, inputs=inputs, running=running):
            return False
        if self.first_process and wanted.is_float:
            with atomic_path(self._float_weights) as path:
                torch.save(model.state_dict(), path)
            write_float_run(folder, inputs)
        elif self.first_process:
            self._finish(model, wanted, folder, inputs)
        agreed(None)  # nobody goes on before the files are there
        return True

    @property
    def _float_weights(self) -> Path:
        return self.output / FLOAT / "float.pt"

    def _how(self, wanted: _Wanted) -> tuple[Method | None, Recipe]:
        """The method of a run, if any, and its recipe."""
        if wanted.is_float:
            assert self.float_recipe is not None
            return None, self.float_recipe
        ordering = Ordering(self.rows, self.order_method, seed=self.recipe.seed)
        return make_method(wanted.method, wanted.strength, self.number_format, ordering), self.recipe

    def _finish(self, model: torch.nn.Module, wanted: _Wanted, folder: Path, inputs: dict[str, Any]) -> None:
        """Score a trained model and save it."""
        images = self._load("test", self.test)
        test = images.to(device_of(self.device))
        top1, top5 = accuracy(model, test.pixels, test.labels)
        model.to("cpu")
        sizes = output_sizes(model, (1, *self._load("data", self.data).shape))
        layers = layers_of(model, self.number_format, sizes)
        save_network(folder / "network.npz", model, layers.values(), sizes)
        TrainedRun(
            folder,
            wanted.method,
            wanted.strength,
            top1,
            top5,
            len(images.pixels),
            model=self.model,
            start=self.start.name if self.start else None,
            inputs=inputs,
            device=self.device,
            torch=str(torch.__version__),
            version=__version__,
        ).save()

    def _load(self, which: str, paths: Sequence[Path]) -> Images:
        if which not in self._images:
            self._images[which] = load_images(*paths)
        return self._images[which]


def _digest(path: Path) -> str:
    """SHA-256 of a file, or of the names and sizes below a folder."""
    total = hashlib.sha256()
    if path.is_dir():
        for file in sorted(p for p in path.rglob("*") if p.is_file()):
            total.update(f"{file.relative_to(path)} {file.stat().st_size}\n".encode())
    else:
        total.update(path.read_bytes())
    return total.hexdigest()[:16]
