"""Weights of a known network, rewritten, tested in integers and written back in their own format."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from hd_plugin._atomic import atomic_path
from hd_plugin.errors import InputError
from hd_plugin.rewriting.torch_network import Rewritten, rewrite_torch
from hd_plugin.training.data import load_images
from hd_plugin.training.evaluate import output_sizes
from hd_plugin.training.integers import activation_steps, integer_scores
from hd_plugin.training.models import make_model
from hd_plugin.training.saved import load_into, save_network
from hd_plugin.weights import Network

__all__ = ["RewrittenWeights", "rewrite_weights"]

_CALIBRATION = 500  # images, for the steps of activations


@dataclass(frozen=True, eq=False)
class RewrittenWeights:
    """test : None, or the images, both top-1 accuracies in percent and whether all integer outputs are equal once their order is undone."""

    rewritten: Rewritten
    test: dict[str, Any] | None
    shape: tuple[int, ...]
    floats: bool

    def save(self, path: Path) -> None:
        """In the format of the file that was read: integers in an .npz, floats in an .npz, or a PyTorch state file."""
        model: nn.Module = self.rewritten.model
        if path.suffix == ".npz":
            save_network(
                path,
                model,
                [] if self.floats else self.rewritten.layers,
                output_sizes(model, (1, *self.shape)),
            )
            return
        with atomic_path(path) as temporary:
            torch.save(model.state_dict(), temporary)


def rewrite_weights(
    model: str,
    path: Path,
    network: Network,
    shape: tuple[int, ...],
    classes: int,
    test: Path | None,
    **how: Any,
) -> RewrittenWeights:
    """``rewrite_torch`` for the file ``path`` of the network called ``model``; ``network``: the same weights as codes.

    test : images, for which both networks are run in integers; the steps of activations come from the first of them, labels are used
    for the score only. Raises InputError for a file that does not hold this network.
    """
    if path.suffix not in (".npz", ".pt", ".pth", ".th"):
        raise InputError(f"{path}: weights of --model are a .npz or a .pt, .pth or .th file")
    images = labels = None
    if test is not None:
        images, labels, names = load_images(test)
        classes, shape = len(names), tuple(images.shape[1:])
    original = load_into(make_model(model, classes), path)
    made = rewrite_torch(
        original, torch.zeros(1, *shape), {layer.name: layer for layer in network.layers}, **how
    )
    told = None
    if images is not None:
        steps = activation_steps(original, images[:_CALIBRATION])
        before = integer_scores(original, network.layers, steps, images, labels)
        after = integer_scores(made.model, made.layers, steps, images, labels, output_order=made.output_order)
        # the last layer's own channels: operations after it may have made other outputs of them
        last = dict(zip((layer.name for layer in made.layers), made.layer_orders)).get(list(steps)[-1])
        told = {
            "images": len(images),
            "top1_before": before.top1,
            "top1": after.top1,
            "equal": bool((before.sums[:, last] == after.sums).all()),
        }
    return RewrittenWeights(made, told, shape, all(layer.weights is not None for layer in network.layers))
