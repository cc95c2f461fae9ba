"""The recipe of the bundled 4-bit baseline network: ``python -m hd_plugin.training.baseline``.

Trains ResNet-20 on CIFAR-10 from HD_PLUGIN_DATA: float epochs, then quantisation-aware ones, one cosine
learning-rate curve over both. Test images are read once, after the last step.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from hd_plugin.training.data import Images, augmented_batches, load_images
from hd_plugin.training.evaluate import accuracy
from hd_plugin.training.models import ResNetCifar
from hd_plugin.training.orders import layers_of
from hd_plugin.training.quantised import quantise_weights, refresh_scales
from hd_plugin.training.saved import save_network
from hd_plugin.training.sizes import output_sizes

__all__ = ["BaselineRecipe", "main", "train"]


@dataclass(frozen=True)
class BaselineRecipe:
    """Of all ``epochs``, the last ``quantised_epochs`` round weights to ``bits`` bits in the forward pass."""

    epochs: int = 24
    quantised_epochs: int = 8
    bits: int = 4
    batch: int = 128
    peak_rate: float = 0.2
    seed: int = 0


def train(
    model: torch.nn.Module, images: Images, recipe: BaselineRecipe, log: Callable[[dict[str, Any]], None]
) -> None:
    """SGD with momentum and weight decay; ``log`` is called after every epoch."""
    generator = torch.Generator().manual_seed(recipe.seed)
    steps = recipe.epochs * (len(images.pixels) // recipe.batch)
    optimiser = torch.optim.SGD(
        model.parameters(), lr=recipe.peak_rate, momentum=0.9, weight_decay=5e-4, nesterov=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.peak_rate, total_steps=steps, pct_start=0.15, cycle_momentum=False
    )
    first_quantised = recipe.epochs - recipe.quantised_epochs
    for epoch in range(recipe.epochs):
        started = time.time()
        if epoch == first_quantised:
            quantise_weights(model, recipe.bits)
        elif epoch > first_quantised:
            refresh_scales(model)
        model.train()
        total, right, seen = 0.0, 0, 0
        for x, y in augmented_batches(images.pixels, images.labels, recipe.batch, generator):
            with torch.autocast("cpu", torch.bfloat16):
                out = model(x).float()
            loss = F.cross_entropy(out, y)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
            total += float(loss.detach()) * len(y)
            right += int((out.argmax(1) == y).sum())
            seen += len(y)
        log(
            {
                "epoch": epoch + 1,
                "quantised": epoch >= first_quantised,
                "loss": total / seen,
                "train_top1": 100 * right / seen,
                "seconds": round(time.time() - started, 1),
            }
        )
    if recipe.quantised_epochs:
        refresh_scales(model)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, required=True, help="for the .npz, log and scores")
    parser.add_argument("--data", type=Path, default=os.environ.get("HD_PLUGIN_DATA"))
    parser.add_argument("--epochs", type=int, default=24)
    parser.add_argument("--quantised-epochs", type=int, default=8)
    parser.add_argument("--bits", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    if args.data is None:
        parser.error("set HD_PLUGIN_DATA or give --data: the folder with the CIFAR-10 archives")
    args.output.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(args.seed)
    images = load_images(args.data / "cifar10_train_a.zip", args.data / "cifar10_train_b.zip")
    recipe = BaselineRecipe(args.epochs, args.quantised_epochs, args.bits, seed=args.seed)
    model = ResNetCifar()
    model.to(memory_format=torch.channels_last)
    started = time.time()
    with open(args.output / "log.jsonl", "w", encoding="utf8") as log_file:

        def log(row: dict[str, Any]) -> None:
            log_file.write(json.dumps(row) + "\n")
            log_file.flush()

        train(model, images, recipe, log)
    minutes = (time.time() - started) / 60
    _finish(model, args.output, load_images(args.data / "cifar10_test.zip"), recipe, minutes)


def _finish(
    model: torch.nn.Module, folder: Path, test: Images, recipe: BaselineRecipe, minutes: float
) -> None:
    """The network and its scores."""
    top1, top5 = accuracy(model, test.pixels, test.labels)
    torch.save(model.state_dict(), folder / "checkpoint.pt")
    layers = layers_of(model, "twos_complement", output_sizes(model)).values()
    save_network(folder / f"resnet20_cifar10_w{recipe.bits}.npz", model, layers)
    scores = {
        "top1": top1,
        "top5": top5,
        "test_images": len(test.pixels),
        "minutes": minutes,
        "epochs": recipe.epochs,
        "quantised_epochs": recipe.quantised_epochs,
        "bits": recipe.bits,
        "seed": recipe.seed,
        "torch": torch.__version__,
    }
    (folder / "scores.json").write_text(json.dumps(scores, indent=1))


if __name__ == "__main__":
    main()
