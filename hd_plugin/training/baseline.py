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

import numpy as np
import torch
import torch.nn.functional as F

from hd_plugin.errors import InputError
from hd_plugin.training.data import augmented_batches, load_images, normalise
from hd_plugin.training.models import ResNetCifar
from hd_plugin.training.quantised import quantise_weights, quantised_layers, refresh_scales

__all__ = ["accuracy", "load_saved", "main", "output_sizes", "save_network", "train"]


def train(model: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor, *, epochs: int,
          quantised_epochs: int, bits: int, batch: int, peak_rate: float, seed: int, log) -> None:
    """SGD with momentum and weight decay; ``log(dict)`` is called after every epoch."""
    generator = torch.Generator().manual_seed(seed)
    steps = epochs * (len(images) // batch)
    optimiser = torch.optim.SGD(model.parameters(), lr=peak_rate, momentum=0.9, weight_decay=5e-4,
                                nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, peak_rate, total_steps=steps, pct_start=0.15,
                                                   cycle_momentum=False)
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
        log({"epoch": epoch + 1, "quantised": epoch >= epochs - quantised_epochs, "loss": total / seen,
             "train_top1": 100 * right / seen, "seconds": round(time.time() - started, 1)})
    if quantised_epochs:
        refresh_scales(model)


@torch.no_grad()
def accuracy(model: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor) -> tuple[float, float]:
    """Top-1 and top-5 in percent, float32, no augmentation."""
    model.eval()
    first = five = 0
    for start in range(0, len(images), 500):
        y = labels[start:start + 500]
        scores = model(normalise(images[start:start + 500]))
        top = scores.topk(min(5, scores.shape[1])).indices == y[:, None]
        first, five = first + int(top[:, 0].sum()), five + int(top.any(1).sum())
    return 100 * first / len(images), 100 * five / len(images)


def save_network(path: Path, model: torch.nn.Module, output_hw: dict[str, tuple[int, int]]) -> None:
    """Integers, steps, output sizes and the batch-norm state of ``model`` as one .npz."""
    arrays: dict[str, np.ndarray] = {}
    for name, module in quantised_layers(model).items():
        fake = module.parametrizations.weight[0]
        arrays[f"{name}.weight"] = fake.integers(module.parametrizations.weight.original).detach().numpy().astype(np.int8)
        arrays[f"{name}.scale"] = fake.scale.numpy().astype(np.float64)
        arrays[f"{name}.output_hw"] = np.array(output_hw[name], np.int32)
        if module.bias is not None:
            arrays[f"{name}.bias"] = module.bias.detach().numpy()
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            for key, value in module.state_dict().items():
                if key != "num_batches_tracked":
                    arrays[f"{name}.{key}"] = value.numpy()
    np.savez_compressed(path, **arrays)


def load_saved(file, **shape) -> ResNetCifar:
    """The network of a file that ``save_network`` wrote, weights = integers * step; ``shape`` goes to ResNetCifar."""
    with np.load(file, allow_pickle=False) as arrays:
        state = {}
        for key in arrays.files:
            name, _, kind = key.rpartition(".")
            if kind in ("scale", "output_hw"):
                continue
            step = arrays[f"{name}.scale"] if kind == "weight" and f"{name}.scale" in arrays.files else 1.0
            state[key] = torch.from_numpy(np.asarray(arrays[key] * step, np.float32))
    model = ResNetCifar(**shape)
    missing, unexpected = model.load_state_dict(state, strict=False)
    wrong = [k for k in missing if not k.endswith("num_batches_tracked")] + list(unexpected)
    if wrong:
        raise InputError(f"{file}: does not hold this network; missing or unexpected: {', '.join(wrong[:5])}")
    return model.eval()


def output_sizes(model: torch.nn.Module, shape: tuple[int, ...] = (1, 3, 32, 32)) -> dict[str, tuple[int, int]]:
    """Output height and width of every Conv2d and Linear for one input of ``shape``."""
    sizes: dict[str, tuple[int, int]] = {}
    hooks = [m.register_forward_hook(
        lambda _m, _i, out, n=name: sizes.__setitem__(n, tuple(out.shape[2:]) if out.dim() == 4 else (1, 1)))
        for name, m in quantised_layers(model).items()]
    model.eval()
    with torch.no_grad():
        model(torch.zeros(shape))
    for hook in hooks:
        hook.remove()
    return sizes


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for the .npz, log and scores")
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
        train(model, images, labels, epochs=args.epochs, quantised_epochs=args.quantised_epochs,
              bits=args.bits, batch=128, peak_rate=0.2, seed=args.seed, log=log)
    minutes = (time.time() - started) / 60
    test_images, test_labels, _ = load_images(args.data / "cifar10_test.zip")
    top1, top5 = accuracy(model, test_images, test_labels)
    torch.save(model.state_dict(), args.output / "checkpoint.pt")
    save_network(args.output / f"resnet20_cifar10_w{args.bits}.npz", model, output_sizes(model))
    (args.output / "scores.json").write_text(json.dumps(
        {"top1": top1, "top5": top5, "test_images": len(test_images), "minutes": minutes,
         "epochs": args.epochs, "quantised_epochs": args.quantised_epochs, "bits": args.bits,
         "seed": args.seed, "torch": torch.__version__}, indent=1))


if __name__ == "__main__":
    main()
