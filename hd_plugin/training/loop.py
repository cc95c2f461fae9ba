"""One training run, of a float network or a quantised one under a method; a checkpoint after every epoch."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import nn

from hd_plugin._atomic import atomic_path
from hd_plugin._checked import Checked, check
from hd_plugin._csv import write_csv
from hd_plugin._guard import why
from hd_plugin._identity import check_same_run
from hd_plugin._parsed import parse_json
from hd_plugin.errors import InputError
from hd_plugin.streaming import Progress
from hd_plugin.training.data import Images, augmented_batches
from hd_plugin.training.methods import Method
from hd_plugin.training.processes import agreed, device_of, rank, summed, world
from hd_plugin.training.quantised import quantise_weights
from hd_plugin.weights import load_plain

__all__ = ["Recipe", "Running", "fit"]

_ADVICE = "delete it to begin this run again"


@dataclass(frozen=True)
class Recipe:
    """SGD with Nesterov momentum and one cosine cycle of the learning rate, up to ``rate``, down to nothing.

    smoothing : of the labels, a share in [0, 1). decay_norms : whether weight decay acts on biases and batch
    norms too, or on weights only.
    """

    epochs: int = 6
    batch: int = 128
    rate: float = 0.02
    weight_decay: float = 1e-4
    bits: int = 4
    per_channel: bool = True
    seed: int = 0
    smoothing: float = 0.0
    decay_norms: bool = True

    def __post_init__(self) -> None:
        for name in ("epochs", "batch"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise InputError(
                    f"{name}: {getattr(self, name)!r} found; a whole number of at least 1 is needed"
                )
        for name in ("rate", "weight_decay"):
            if not math.isfinite(getattr(self, name)) or getattr(self, name) < 0:
                raise InputError(f"{name}: {getattr(self, name)!r} found; a number of at least 0 is needed")
        if not 0 <= self.smoothing < 1:
            raise InputError(f"smoothing: {self.smoothing!r} found; a number from 0 to below 1 is needed")


@dataclass(frozen=True)
class Running:
    """Where a run runs and who is told; nothing here is part of what makes it this run.

    minutes : stop before an epoch that would likely take longer; each piece does one epoch in any case, so
    that pieces get on.
    """

    device: str = "cpu"
    minutes: float | None = None
    progress: Progress | None = None


def fit(
    model: nn.Module,
    images: Images,
    method: Method | None,
    recipe: Recipe,
    folder: Path,
    *,
    inputs: Mapping[str, Any] | None = None,
    running: Running = Running(),
) -> bool:
    """Train ``model`` in place, without a method as a float network; True when all epochs are done.

    folder : gets checkpoint.pt and log.csv; a run that finds its own checkpoint goes on after it, bit by bit
    as if it had never stopped (on one CPU; other devices as far as torch is deterministic there). inputs :
    what else makes this run what it is (the files that it starts from, say), as JSON. Inside of ``processes``
    every process takes its share of each batch. Raises InputError when the checkpoint is of another run or
    damaged, or when the images or the processes do not go with the batch.
    """
    device = device_of(running.device)
    model.to(device, memory_format=torch.channels_last)
    count = len(images.pixels)
    steps = count // recipe.batch
    if not steps:
        raise InputError(f"batch: {recipe.batch} found, but there are {count} images only")
    if recipe.batch % world():
        raise InputError(f"batch: {recipe.batch} found; {world()} processes need a multiple of {world()}")
    run, images = _Run(model, method, recipe, folder, steps, inputs or {}), images.to(device)
    first = run.resume(device)
    ends = None if running.minutes is None else time.monotonic() + 60 * running.minutes
    longest = max((row["seconds"] for row in run.rows), default=0.0)
    for epoch in range(first, recipe.epochs):
        if agreed(ends is not None and epoch > first and time.monotonic() + longest > ends):
            return False
        begun = time.monotonic()
        row = run.epoch(epoch, images, running.progress)
        seconds = time.monotonic() - begun
        longest = max(longest, seconds)
        if rank() == 0:
            run.save(epoch, {**row, "seconds": round(seconds, 1)})
    return True


def _decayed(model: nn.Module, recipe: Recipe) -> list[dict[str, Any]]:
    """The model's parameters in groups of one weight decay; vectors (biases, batch norms) may go without."""
    bare = [] if recipe.decay_norms else [p for p in model.parameters() if p.dim() < 2]
    rest = [p for p in model.parameters() if recipe.decay_norms or p.dim() >= 2]
    return [
        {"params": rest, "weight_decay": recipe.weight_decay},
        *([{"params": bare, "weight_decay": 0.0}] if bare else []),
    ]


class _Told(Checked):
    """What a checkpoint says beside its tensors."""

    identity: dict[str, Any]
    epoch: Annotated[int, Field(ge=0)]
    rows: list[dict[str, int | float | None]]
    method: dict[str, Any]

    @classmethod
    def of(cls, text: Any, path: Path) -> _Told:
        if not isinstance(text, str):
            raise InputError(f"{path}: damaged (it says nothing of its run); {_ADVICE}")
        told = check(cls, parse_json(text, path, _ADVICE, finite=False), path)
        if len(told.rows) != told.epoch + 1:
            raise InputError(f"{path}: epoch {told.epoch} after {len(told.rows)} rows; {_ADVICE}")
        return told


class _Run:
    """What a run is made of, and what a checkpoint carries on."""

    def __init__(
        self,
        model: nn.Module,
        method: Method | None,
        recipe: Recipe,
        folder: Path,
        steps: int,
        inputs: Mapping[str, Any],
    ) -> None:
        self.model, self.method, self.recipe = model, method, recipe
        self.folder, self.steps, self.inputs = folder, steps, inputs
        self.rows: list[dict[str, Any]] = []
        if method:
            quantise_weights(model, recipe.bits, recipe.per_channel)
            method.attach(model, recipe.epochs, steps)
        self.optimiser = torch.optim.SGD(_decayed(model, recipe), recipe.rate, momentum=0.9, nesterov=True)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser,
            recipe.rate,
            total_steps=recipe.epochs * steps,
            pct_start=0.15,
            cycle_momentum=False,
        )

    def epoch(self, epoch: int, images: Images, progress: Progress | None) -> dict[str, float | None]:
        """One pass over the images; its columns of the log."""
        r, device = self.recipe, images.pixels.device
        if self.method:
            self.method.before_epoch(epoch)
        model = nn.parallel.DistributedDataParallel(self.model) if world() > 1 else self.model
        # the same epoch, whether resumed or not
        generator = torch.Generator().manual_seed(r.seed * 100_003 + epoch)
        torch.manual_seed(r.seed * 100_003 + epoch)
        model.train()
        loss_sum, right, seen = (torch.zeros((), device=device) for _ in range(3))
        batches = augmented_batches(images.pixels, images.labels, r.batch, generator)
        for step, (x, y) in enumerate(batches):
            if self.method:
                self.method.before_step(epoch, step)
            x, y = x[rank() :: world()], y[rank() :: world()]
            out, loss = self.step(model, x, y)
            loss_sum += loss * len(y)
            right += (out.argmax(1) == y).sum()
            seen += len(y)
            if progress and rank() == 0:
                progress(epoch * self.steps + step + 1, r.epochs * self.steps, f"epoch {epoch + 1}")
        loss_all, right_all, count = summed(loss_sum, right, seen)
        return {
            "epoch": epoch + 1,
            "loss": loss_all / count,
            "train_top1": 100 * right_all / count,
            **(self.method.told() if self.method else {}),
        }

    def step(self, model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """One step of gradient descent: the outputs before it, float[batch, classes], and their loss."""
        with torch.autocast(x.device.type, torch.bfloat16):
            out = model(x).float()
        loss = F.cross_entropy(out, y, label_smoothing=self.recipe.smoothing)
        penalty = self.method.penalty() if self.method else None
        self.optimiser.zero_grad(set_to_none=True)
        (loss if penalty is None else loss + penalty).backward()
        self.optimiser.step()
        self.schedule.step()
        return out, loss.detach()

    def save(self, epoch: int, row: Mapping[str, float | None]) -> None:
        """The checkpoint, and the log with ``row`` as its last one."""
        self.rows.append(dict(row))
        told = {
            "identity": self._identity(),
            "epoch": epoch,
            "rows": self.rows,
            "method": self.method.state() if self.method else {},
        }
        states = {name: getattr(self, name).state_dict() for name in ("model", "optimiser", "schedule")}
        with atomic_path(self.folder / "checkpoint.pt") as path:
            torch.save({"told": json.dumps(told), **states}, path)
        names = list(dict.fromkeys(name for r in self.rows for name in r))
        write_csv(self.folder / "log.csv", names, self.rows)

    def resume(self, device: str) -> int:
        """The epoch to go on with."""
        path = self.folder / "checkpoint.pt"
        if not path.is_file():
            return 0
        data = load_plain(path, _ADVICE, device)
        told = _Told.of(data.get("told") if isinstance(data, dict) else None, path)
        check_same_run(path, told.identity, self._identity(), path)
        try:
            self.optimiser.load_state_dict(data["optimiser"])
            self.schedule.load_state_dict(data["schedule"])
            self.model.load_state_dict(data["model"])
            if self.method:
                self.method.restore(told.method)
        except Exception as error:  # torch raises many kinds for states of another kind
            raise InputError(f"{path}: damaged ({why(error)}); {_ADVICE}") from error
        self.rows = [dict(row) for row in told.rows]
        return told.epoch + 1

    def _identity(self) -> dict[str, Any]:
        """What makes a checkpoint this run's."""
        told: dict[str, Any] = {"method": "float"}
        if m := self.method:
            told = {"method": m.name, "strength": m.strength, "number_format": m.number_format}
        return {**asdict(self.recipe), **told, **self.inputs, "steps": self.steps}
