"""The recipe of the bundled 4-bit baseline network: ``python -m hd_plugin.training.baseline``.

Trains ResNet-20 on CIFAR-10 from HD_PLUGIN_DATA: float epochs, then quantisation-aware ones, one cosine
learning-rate curve over both. Test images are read once, after the last step.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import torch
import torch.nn.functional as F

from hd_plugin.training.data import augmented_batches, load_images
from hd_plugin.training.evaluate import accuracy, output_sizes
from hd_plugin.training.models import ResNetCifar
from hd_plugin.training.orders import layers_of
from hd_plugin.training.quantised import quantise_weights, refresh_scales
from hd_plugin.training.saved import save_network

__all__ = ["main", "train"]


def train(
    model: torch.nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    *,
    epochs: int,
    quantised_epochs: int,
    bits: int,
    batch: int,
    peak_rate: float,
    seed: int,
    log,
) -> None:
    """SGD with momentum and weight decay; ``log(dict)`` is called after every epoch."""
    generator = torch.Generator().manual_seed(seed)
    steps = epochs * (len(images) // batch)
    optimiser = torch.optim.SGD(
        model.parameters(), lr=peak_rate, momentum=0.9, weight_decay=5e-4, nesterov=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, peak_rate, total_steps=steps, pct_start=0.15, cycle_momentum=False
    )
    for epoch in range(epochs):
        started = time.time()
        if epoch == epochs - quantised_epochs:
            quantise_weights(model, bits)
        elif epoch > epochs - quantised_epochs:
            refresh_scales(model)
        model.train()
        total = right = seen = 0
        for x, y in augmented_batches(images, labels, batch, generator):
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
                "quantised": epoch >= epochs - quantised_epochs,
                "loss": total / seen,
                "train_top1": 100 * right / seen,
                "seconds": round(time.time() - started, 1),
            }
        )
    if quantised_epochs:
        refresh_scales(model)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "-o", "--output", type=Path, required=True, help="folder for the .npz, log and scores"
    )
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
    images, labels, _ = load_images(args.data / "cifar10_train_a.zip", args.data / "cifar10_train_b.zip")
    model = ResNetCifar().to(memory_format=torch.channels_last)
    started = time.time()
    with open(args.output / "log.jsonl", "w", encoding="utf8") as log_file:

        def log(row: dict) -> None:
            log_file.write(json.dumps(row) + "\n")
            log_file.flush()

        train(
            model,
            images,
            labels,
            epochs=args.epochs,
            quantised_epochs=args.quantised_epochs,
            bits=args.bits,
            batch=128,
            peak_rate=0.2,
            seed=args.seed,
            log=log,
        )
    minutes = (time.time() - started) / 60
    test_images, test_labels, _ = load_images(args.data / "cifar10_test.zip")
    top1, top5 = accuracy(model, test_images, test_labels)
    torch.save(model.state_dict(), args.output / "checkpoint.pt")
    save_network(
        args.output / f"resnet20_cifar10_w{args.bits}.npz",
        model,
        layers_of(model, "twos_complement", output_sizes(model)).values(),
    )
    (args.output / "scores.json").write_text(
        json.dumps(
            {
                "top1": top1,
                "top5": top5,
                "test_images": len(test_images),
                "minutes": minutes,
                "epochs": args.epochs,
                "quantised_epochs": args.quantised_epochs,
                "bits": args.bits,
                "seed": args.seed,
                "torch": torch.__version__,
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
