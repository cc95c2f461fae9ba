"""What training reads, for the fuzz: images, checkpoints, states, logs."""

from __future__ import annotations

import csv
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from fuzz_case import Case

__all__ = ["CASES"]

_WHOLE = np.random.default_rng(0).integers(-7, 8, (6, 3, 3, 4)).astype(np.int8)


def _make_checkpoint(path: Path) -> None:
    _trainer(path.parent).save(0, {"epoch": 1, "loss": 2.5, "train_top1": 10.0, "seconds": 1.0})


def _trainer(folder: Path) -> Any:
    """A run of a network of one layer, under the paper's method."""
    import torch

    from hd_plugin.training.loop import Recipe, _Run

    torch.manual_seed(0)
    return _Run(torch.nn.Sequential(torch.nn.Linear(4, 3)), None, Recipe(epochs=3, batch=4), folder, 2, {})


def _checkpoint(path: Path) -> Any:
    run = _trainer(path.parent)
    return {
        "epoch": run.resume("cpu"),
        "rows": run.rows,
        "shapes": [list(p.shape) for p in run.model.parameters()],
    }


def _checkpoint_said(path: Path) -> Any:
    import torch

    data = torch.load(path, weights_only=True)
    told = json.loads(data["told"])
    shapes = [list(value.shape) for value in data["model"].values()]
    return {"epoch": told["epoch"] + 1, "rows": told["rows"], "shapes": shapes}


def _make_state(path: Path) -> None:
    np.savez(path, **{"0.weight": _WHOLE[:3, 0, 0], "0.scale": np.full(3, 0.5), "0.bias": np.zeros(3)})


def _make_torch_state(path: Path) -> None:
    import torch

    torch.save({"0.weight": torch.ones(3, 4), "0.bias": torch.zeros(3)}, path)


def _state(path: Path) -> Any:
    import torch

    from hd_plugin.training.saved import load_into

    model = load_into(torch.nn.Sequential(torch.nn.Linear(4, 3)), path)
    return {key: list(value.shape) for key, value in model.state_dict().items()}


def _state_said(path: Path) -> Any:
    import torch

    found = np.load(path) if path.suffix == ".npz" else torch.load(path, weights_only=True)
    return {key: list(value.shape) for key, value in dict(found).items() if not key.endswith(".scale")}


def _make_images(path: Path) -> None:
    from training_cases import archive

    archive(path, 3, 0)


def _images(path: Path) -> Any:
    from hd_plugin.training.data import load_images

    found = load_images(path)
    return {"count": len(found.pixels), "classes": found.classes}


def _images_said(path: Path) -> Any:
    names = [
        n
        for n in zipfile.ZipFile(path).namelist()
        if n.lower().endswith((".png", ".jpg", ".bmp", ".webp", ".jpeg"))
    ]
    return {"count": len(names), "classes": sorted({Path(name).parent.name for name in names})}


def _make_log(path: Path) -> None:
    path.write_text("epoch,loss,train_top1,seconds,flips\n1,2.5,10.0,3.0,\n2,1.5,40.0,3.1,77\n")


def _log(path: Path) -> Any:
    from hd_plugin.training.results import learning_curve

    return [[row.epoch, row.loss, row.train_top1, row.seconds] for row in learning_curve(path.parent)]


def _log_said(path: Path) -> Any:
    rows = csv.DictReader(path.read_text(encoding="utf8").splitlines())
    return [[int(r["epoch"]), float(r["loss"]), float(r["train_top1"]), float(r["seconds"])] for r in rows]


CASES = [
    Case("checkpoint", "checkpoint.pt", "zip", _make_checkpoint, _checkpoint, _checkpoint_said),
    Case("state", "n.npz", "zip", _make_state, _state, _state_said),
    Case("torch-state", "n.pt", "zip", _make_torch_state, _state, _state_said),
    Case("images", "i.zip", "zip", _make_images, _images, _images_said),
    Case("log", "log.csv", "bytes", _make_log, _log, _log_said),
]
