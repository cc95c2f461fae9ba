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
from hd_plugin.training.data import Images, load_images
from hd_plugin.training.integers import activation_steps, integer_scores
from hd_plugin.training.models import make_model
from hd_plugin.training.saved import load_into, save_network
from hd_plugin.training.sizes import image_shape, output_sizes
from hd_plugin.weights import Network

__all__ = ["IntegerTest", "RewrittenWeights", "rewrite_weights"]

_CALIBRATION = 500  # images, for the steps of activations


@dataclass(frozen=True)
class IntegerTest:
    """Both networks run in integers: top-1 in percent.

    equal : whether all outputs are the same integers once their order is undone.
    """

    images: int
    top1_before: float
    top1: float
    equal: bool


@dataclass(frozen=True, eq=False)
class RewrittenWeights:
    """``rewritten`` and what is needed to save it; test : None where there were no images."""

    rewritten: Rewritten
    test: IntegerTest | None
    shape: tuple[int, ...]
    floats: bool

    def save(self, path: Path) -> None:
        """In the format of the file that was read: an .npz (integers or floats) or a PyTorch state file."""
        model: nn.Module = self.rewritten.model
        if path.suffix == ".npz":
            layers = [] if self.floats else self.rewritten.layers
            save_network(path, model, layers, output_sizes(model, (1, *self.shape)))
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
    """``rewrite_torch`` for the file ``path`` of the network called ``model``, as ``make_model`` takes it.

    network : the same weights as codes. shape : of an image, (H, W) or (C, H, W), and ``classes``:
    where no images tell. test : images, for which both networks are run in integers; the steps of activations
    come from the first of them, labels are used for the score only. how : outputs, effort and seed, as
    ``rewrite_torch`` takes them. Raises InputError for a file that does not hold this network.
    """
    if path.suffix not in (".npz", ".pt", ".pth", ".th"):
        raise InputError(f"{path}: weights of --model are a .npz or a .pt, .pth or .th file")
    images = None if test is None else load_images(test)
    if images is not None:
        classes, shape = len(images.classes), images.shape
    original = load_into(make_model(model, classes), path)
    shape = image_shape(original, shape)
    made = rewrite_torch(
        original, torch.zeros(1, *shape), {layer.name: layer for layer in network.layers}, **how
    )
    told = None if images is None else _tested(original, network, made, images)
    return RewrittenWeights(made, told, shape, all(layer.weights is not None for layer in network.layers))


def _tested(original: nn.Module, network: Network, made: Rewritten, images: Images) -> IntegerTest:
    pixels, labels, _ = images
    steps = activation_steps(original, pixels[:_CALIBRATION])
    before = integer_scores(original, network.layers, steps, pixels, labels)
    after = integer_scores(made.model, made.layers, steps, pixels, labels, output_order=made.output_order)
    # the last layer's own channels: operations after it may have made other outputs of them
    last = dict(zip((layer.name for layer in made.layers), made.layer_orders)).get(list(steps)[-1])
    equal = bool((before.sums[:, last] == after.sums).all())
    return IntegerTest(len(pixels), before.top1, after.top1, equal)
