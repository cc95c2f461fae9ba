"""What a trained network scores, and how large its layers' outputs are."""

from __future__ import annotations

import torch

from hd_plugin.training.data import normalise

__all__ = ["accuracy", "output_sizes"]


@torch.no_grad()
def accuracy(model: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor) -> tuple[float, float]:
    """Top-1 and top-5 in percent, float32, no augmentation."""
    model.eval()
    first = five = 0
    for start in range(0, len(images), 500):
        y = labels[start : start + 500]
        scores = model(normalise(images[start : start + 500]))
        top = scores.topk(min(5, scores.shape[1])).indices == y[:, None]
        first, five = first + int(top[:, 0].sum()), five + int(top.any(1).sum())
    return 100 * first / len(images), 100 * five / len(images)


def output_sizes(
    model: torch.nn.Module, shape: tuple[int, ...] = (1, 3, 32, 32)
) -> dict[str, tuple[int, int]]:
    """Output height and width of every Conv2d and Linear for one input of ``shape``."""
    sizes: dict[str, tuple[int, int]] = {}
    hooks = [
        m.register_forward_hook(
            lambda _m, _i, out, n=name: sizes.__setitem__(
                n, tuple(out.shape[2:]) if out.dim() == 4 else (1, 1)
            )
        )
        for name, m in model.named_modules()
        if isinstance(m, (torch.nn.Conv2d, torch.nn.Linear))
    ]
    model.eval()
    with torch.no_grad():
        model(torch.zeros(shape))
    for hook in hooks:
        hook.remove()
    return sizes
