"""What a trained network scores."""

from __future__ import annotations

import torch

from hd_plugin.training.data import normalise

__all__ = ["BATCH", "accuracy"]

BATCH = 50
"""Images at a time on a processor: outputs of more do not fit its caches and take three times as long."""
_DEVICE_BATCH = 500


@torch.no_grad()
def accuracy(model: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor) -> tuple[float, float]:
    """Top-1 and top-5 in percent, float32, no augmentation."""
    model.eval()
    first = five = 0
    batch = BATCH if images.device.type == "cpu" else _DEVICE_BATCH
    for start in range(0, len(images), batch):
        y = labels[start : start + batch]
        scores = model(normalise(images[start : start + batch]))
        top = scores.topk(min(5, scores.shape[1])).indices == y[:, None]
        first, five = first + int(top[:, 0].sum()), five + int(top.any(1).sum())
    return 100 * first / len(images), 100 * five / len(images)
