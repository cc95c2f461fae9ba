"""What calibration images do for encoded products: the steps of inputs, and a number in each bias."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from hd_plugin.training.data import normalise
from hd_plugin.training.encoded import Assignment, EncodedProduct, LayerEncoding
from hd_plugin.training.quantised import quantised_layers
from hd_plugin.training.saved import load_layers
from hd_plugin.weights import Layer

__all__ = ["CLIPS", "calibrate_encoded"]

CLIPS = (1.0, 0.8, 0.6, 0.45, 0.35, 0.25)
"""Where inputs may be clipped, of the largest one: beside the product, encodings err less on large ones."""


class _Calibrated:
    """A layer's forward pass from float inputs: the first of them decide its step and its correction."""

    def __init__(
        self,
        module: nn.Module,
        layer: Layer,
        how: LayerEncoding,
        step: tuple[float, bool],
        clips: Sequence[float],
    ) -> None:
        self.module, self.layer, self.how, self.clips = module, layer, how, clips
        self.step, self.signed = step
        self.product, self.exact = EncodedProduct(module, layer, how), module.forward
        self.found: tuple[float, LayerEncoding] | None = None

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        bits = self.how.encoding.a_bits
        low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if self.signed else (0, (1 << bits) - 1)
        wanted = self.exact(x).double()
        channel = 1 if isinstance(self.module, nn.Conv2d) else wanted.dim() - 1
        axes = [d for d in range(wanted.dim()) if d != channel]
        shape = [-1 if d == channel else 1 for d in range(wanted.dim())]
        bias = torch.zeros(()) if self.module.bias is None else self.module.bias.double().view(shape)
        least, answer = np.inf, wanted
        for clip in self.clips:
            step = self.step * clip
            scale = torch.from_numpy(np.asarray(self.layer.scale * step).reshape(-1)).view(shape)
            sums = self.product(torch.clamp(torch.round(x / step), low, high))
            correction = ((wanted - bias) / scale - sums).mean(axes)
            out = (sums + correction.view(shape)) * scale + bias
            error = float(((out - wanted) ** 2).mean())
            if error < least:
                least, answer = error, out
                self.found = step, replace(self.how, correction=correction.numpy())
        return answer.float()


@torch.no_grad()
def calibrate_encoded(
    model: nn.Module,
    layers: Sequence[Layer],
    assigned: Assignment,
    images: torch.Tensor,
    clips: Sequence[float] = CLIPS,
) -> Assignment:
    """``assigned`` with a correction for each output channel, and the steps of encoded layers' inputs anew.

    images : uint8[N, 3, H, W], all run at once; no label is used. Layer by layer, a layer sees what the ones
    before it make. Of ``clips`` times its step the one is taken whose outputs, their mean error taken off,
    err least against the same layer with exact products of inputs that are not rounded. Raises InputError
    for a layer that the model lacks.
    """
    running, steps = load_layers(copy.deepcopy(model).eval(), layers), dict(assigned.steps)
    modules, made, how = quantised_layers(running), {}, dict(assigned.how)
    for layer in layers:
        if layer.name in how:
            module = modules[layer.name]
            made[layer.name] = _Calibrated(module, layer, how[layer.name], steps[layer.name], clips)
            module.forward = made[layer.name]
    running(normalise(images))
    for name, one in made.items():
        if one.found is not None:  # a layer that never runs changes nothing
            steps[name], how[name] = (one.found[0], one.signed), one.found[1]
    return replace(assigned, how=how, steps=steps)
