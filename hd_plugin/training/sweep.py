"""Several runs of one recipe: the baseline and the strengths of a method, each in a folder of its own."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from hd_plugin import __version__
from hd_plugin._atomic import atomic_path, write_text
from hd_plugin.errors import InputError
from hd_plugin.training.data import load_images
from hd_plugin.training.evaluate import accuracy, output_sizes
from hd_plugin.training.loop import Recipe, fit
from hd_plugin.training.methods import make_method
from hd_plugin.training.models import make_model
from hd_plugin.training.orders import Ordering, layers_of
from hd_plugin.training.processes import agreed, device_of, processes
from hd_plugin.training.saved import load_into, save_network

__all__ = ["Sweep"]


@dataclass
class Sweep:
    """``run`` trains what is missing; each run's folder gets checkpoint.pt, log.csv, network.npz and result.json.

    start : float weights. float_recipe : trains a float network first, from ``start`` or from nothing, once for all runs. Test
    images are scored once a run, after its last step. Raises InputError for data, weights or options that do not fit.
    """

    model: str
    recipe: Recipe
    data: Sequence[Path]
    test: Sequence[Path]
    start: Path | None
    output: Path
    float_recipe: Recipe | None = None
    number_format: str = "twos_complement"
    rows: int = 8
    order_method: str = "cluster"
    device: str = "cpu"
    _images: dict[str, tuple[torch.Tensor, torch.Tensor, list[str]]] = field(default_factory=dict)

    @property
    def first_process(self) -> bool:
        """Whether this is the process that writes, of those that torchrun started."""
        return int(os.environ.get("RANK", 0)) == 0

    def run(
        self,
        wanted: Sequence[tuple[str, float]],
        minutes: float | None = None,
        progress: Callable[[int, int, str], None] | None = None,
    ) -> bool:
        """Train (method, strength) after (method, strength); True when all are done, False when ``minutes`` ran out."""
        device_of(self.device)
        if self.start is None and self.float_recipe is None:
            raise InputError("start: missing; give float weights (--start) or float epochs (--float-epochs)")
        if self._load("test", self.test)[2] != self._load("data", self.data)[2]:
            raise InputError(
                f"test: classes {self._images['test'][2][:3]} ... found, {self._images['data'][2][:3]} ... in the "
                "training images"
            )
        with processes(self.device):
            return self._all(wanted, None if minutes is None else time.monotonic() + 60 * minutes, progress)

    def _all(
        self,
        wanted: Sequence[tuple[str, float]],
        ends: float | None,
        progress: Callable[[int, int, str], None] | None,
    ) -> bool:
        epoch_s = 0.0  # of the last run that this process trained: no other one is begun for less
        for method, strength in ([("float", 0.0)] if self.float_recipe else []) + list(wanted):
            folder = self.output / (f"{method}-{strength:g}" if strength else method)
            if agreed(self._is_done(folder, method, strength)):
                continue
            left = agreed(None if ends is None else (ends - time.monotonic()) / 60)
            if left is not None and left * 60 <= epoch_s:
                return False

            def tell(done: int, total: int, text: str, name: str = folder.name) -> None:
                if progress:
                    progress(done, total, name)

            if not self._one(method, strength, folder, left, tell):
                return False
            epoch_s = max(_seconds(folder))
        return True

    def _is_done(self, folder: Path, method: str, strength: float) -> bool:
        """Whether the run is there. Raises InputError when another one is."""
        path = folder / "result.json"
        if not path.is_file():
            return False
        found = json.loads(path.read_text(encoding="utf8")).get("inputs")
        wanted = json.loads(json.dumps(self._inputs(method, strength)))
        if found != wanted:
            differ = [k for k in wanted if (found or {}).get(k) != wanted[k]]
            raise InputError(
                f"{path}: of another run (other {', '.join(differ)}); give another folder, or delete {folder}"
            )
        return True

    def _inputs(self, method: str, strength: float) -> dict[str, Any]:
        """All that a run depends on."""
        told = {
            "model": self.model,
            "data": [_digest(p) for p in self.data],
            "start": _digest(self.start) if self.start else None,
            "float_recipe": asdict(self.float_recipe) if self.float_recipe else None,
        }
        if method != "float":
            told |= {
                "recipe": asdict(self.recipe),
                "rows": self.rows,
                "order_method": self.order_method,
                "number_format": self.number_format,
                "method": method,
                "strength": strength,
                "test": [_digest(p) for p in self.test],
            }
        return told

    def _one(
        self,
        method: str,
        strength: float,
        folder: Path,
        minutes: float | None,
        progress: Callable[[int, int, str], None],
    ) -> bool:
        folder.mkdir(parents=True, exist_ok=True)
        images, labels, classes = self._load("data", self.data)
        torch.manual_seed(self.recipe.seed)
        model = make_model(self.model, len(classes))
        chosen, recipe = None, self.float_recipe
        start = self.output / "float" / "float.pt" if method != "float" and self.float_recipe else self.start
        if start:
            load_into(model, start)
        if method != "float":
            chosen, recipe = (
                make_method(
                    method,
                    strength,
                    self.number_format,
                    Ordering(self.rows, self.order_method, seed=self.recipe.seed),
                ),
                self.recipe,
            )
        if not fit(
            model,
            images,
            labels,
            chosen,
            recipe,
            folder,
            device=self.device,
            minutes=minutes,
            inputs=self._inputs(method, strength),
            progress=progress,
        ):
            return False
        if self.first_process and chosen is None:
            with atomic_path(folder / "float.pt") as path:
                torch.save(model.state_dict(), path)
            told = {
                "schema": "hd-plugin/trained/1",
                "method": "float",
                "inputs": self._inputs(method, strength),
            }
            write_text(folder / "result.json", json.dumps(told, indent=1) + "\n")
        elif self.first_process:
            self._finish(model, method, strength, folder, images.shape[2:])
        agreed(None)  # nobody goes on before the files are there
        return True

    def _finish(
        self, model: torch.nn.Module, method: str, strength: float, folder: Path, size: tuple[int, int]
    ) -> None:
        test_images, test_labels, _ = self._load("test", self.test)
        device = device_of(self.device)
        top1, top5 = accuracy(model, test_images.to(device), test_labels.to(device))
        model.to("cpu")
        sizes = output_sizes(model, (1, 3, *size))
        save_network(
            folder / "network.npz", model, layers_of(model, self.number_format, sizes).values(), sizes
        )
        result: dict[str, Any] = {
            "schema": "hd-plugin/trained/1",
            "method": method,
            "strength": strength,
            "top1": top1,
            "top5": top5,
            "test_images": len(test_images),
            "model": self.model,
            "start": self.start.name if self.start else None,
            "inputs": self._inputs(method, strength),
            "device": self.device,
            "torch": torch.__version__,
            "version": __version__,
        }
        write_text(folder / "result.json", json.dumps(result, indent=1) + "\n")

    def _load(self, which: str, paths: Sequence[Path]) -> tuple[torch.Tensor, torch.Tensor, list[str]]:
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


def _seconds(folder: Path) -> list[float]:
    """Of each epoch, over all pieces of the run."""
    with open(folder / "log.csv", newline="", encoding="utf8") as file:
        return [float(row["seconds"]) for row in csv.DictReader(file)]
