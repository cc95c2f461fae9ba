"""What the inputs of each layer look like.

Second moments, for rounding that knows which errors matter; patches, as the array gets them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from hd_plugin.errors import InputError
from hd_plugin.hardware import Activations
from hd_plugin.training.data import load_images, normalise
from hd_plugin.training.models import make_model
from hd_plugin.training.quantised import quantised_layers
from hd_plugin.training.saved import load_into
from hd_plugin.weights import locate

__all__ = ["input_activations", "input_moments", "network_activations", "watch_inputs"]


@torch.no_grad()
def watch_inputs(
    model: nn.Module, images: torch.Tensor, batch: int, see: Callable[[str, nn.Module, torch.Tensor], None]
) -> None:
    """``see(name, module, input)`` whenever one of ``quantised_layers`` runs; images : uint8[N, 3, H, W]."""

    def hook(name: str) -> Callable[[nn.Module, tuple[torch.Tensor, ...]], None]:
        return lambda module, inputs: see(name, module, inputs[0].detach())

    hooks = [m.register_forward_pre_hook(hook(n)) for n, m in quantised_layers(model).items()]
    model.eval()
    for start in range(0, len(images), batch):
        model(normalise(images[start : start + batch]))
    for one in hooks:
        one.remove()


def _patches(name: str, module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """float[pixels of all images, C * Fy * Fx], in the order of flattened weights."""
    if isinstance(module, nn.Conv2d):
        if isinstance(module.padding, str) or (module.padding_mode != "zeros" and any(module.padding)):
            raise InputError(
                f"layer {name!r}: padding {module.padding!r}, mode {module.padding_mode!r} found; "
                "only a number of zeros is unfolded"
            )
        x = F.unfold(x, module.kernel_size, module.dilation, module.padding, module.stride).transpose(1, 2)
    return x.reshape(-1, x.shape[-1])


def input_moments(model: nn.Module, images: torch.Tensor, batch: int = 256) -> dict[str, np.ndarray]:
    """E[x x'] of each layer's input patches: float64, C * Fy * Fx squared, in the order of flattened weights.

    images : uint8[N, 3, H, W]. Twice this matrix is the Hessian of a layer's squared output error for every
    output channel; its diagonal is the importance of the weights. No label is used. Raises InputError for
    padding by other than zeros.
    """
    sums: dict[str, torch.Tensor] = {}
    counts: dict[str, int] = {}

    def see(name: str, module: nn.Module, x: torch.Tensor) -> None:
        x = _patches(name, module, x)
        sums[name] = sums.get(name, 0) + (x.T @ x).double()
        counts[name] = counts.get(name, 0) + len(x)

    watch_inputs(model, images, batch, see)
    return {name: (total / counts[name]).cpu().numpy() for name, total in sums.items()}


def input_activations(
    model: nn.Module, image: torch.Tensor, bits: int = 8, unsigned: bool = False
) -> dict[str, Activations]:
    """Each layer's inputs for one image, uint8[3, H, W], rounded to ``bits`` bits with a step for each layer.

    Signed for all layers when one of them has negative inputs: an array has one kind of multiplier.
    unsigned : with a zero point for each layer instead, as TensorFlow Lite does. Raises InputError for
    padding by other than zeros.
    """
    found: dict[str, np.ndarray] = {}

    def see(name: str, module: nn.Module, x: torch.Tensor) -> None:
        found[name] = _patches(name, module, x).cpu().numpy()

    watch_inputs(model, image[None], 1, see)
    signed = not unsigned and any(x.min() < 0 for x in found.values())
    top = (1 << (bits - signed)) - 1
    taps = {
        name: int(np.prod(m.kernel_size)) if isinstance(m, nn.Conv2d) else 1
        for name, m in quantised_layers(model).items()
    }

    def rounded(name: str, x: np.ndarray) -> Activations:
        low = min(float(x.min()), 0.0) if unsigned else 0.0
        step = max(float(x.max()) - low if unsigned else float(np.abs(x).max()), 1e-12) / top
        integers = np.clip(np.rint(x.T / step) + np.rint(-low / step), None, top)
        return Activations(integers.astype(np.int32).reshape(-1, taps[name], len(x)), bits, signed)

    return {name: rounded(name, x) for name, x in found.items()}


def network_activations(
    model: str, source: str | Path, images: Path, seed: int, unsigned: bool = False
) -> dict[str, Activations]:
    """Every layer's inputs, 8 bits wide, while a network runs the one of ``images`` that ``seed`` picks.

    model : as ``make_model`` takes it. source : its weights, a file or the name of a bundled network.
    unsigned : as in ``input_activations``. Raises InputError for an unknown model, for weights that are not
    its own, for images that cannot be read and for padding by other than zeros.
    """
    pixels, _, classes = load_images(images)
    network = load_into(make_model(model, len(classes)), locate(source))
    return input_activations(network, pixels[seed % len(pixels)], unsigned=unsigned)
