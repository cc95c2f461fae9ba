"""What calibration images do for encoded products: the steps of operands, and a number in each bias."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from hd_plugin.errors import InputError
from hd_plugin.training.data import normalise
from hd_plugin.training.encoded import Assignment, EncodedProduct, LayerEncoding, shrink
from hd_plugin.training.integers import input_range
from hd_plugin.training.quantised import quantised_layers
from hd_plugin.weights import Layer

__all__ = ["CLIPS", "calibrate_encoded"]

CLIPS = (1.0, 0.8, 0.6, 0.45, 0.35, 0.25)
"""Where operands may be clipped, of the largest one: beside the product, encodings err less on large ones."""


@dataclass(frozen=True, eq=False)
class _Found:
    """The best so far. clip : of inputs; shrunk : of the weights' steps. error : mean square of outputs."""

    clip: float
    shrunk: float
    error: float
    outputs: torch.Tensor
    correction: torch.Tensor


class _Calibrated:
    """A layer's forward pass from float inputs: the first of them decide its steps and its correction."""

    def __init__(
        self,
        module: nn.Module,
        layer: Layer,
        how: LayerEncoding,
        step: tuple[float, bool],
        clips: Sequence[float],
    ) -> None:
        self.module, self.layer, self.how, self.clips = module, layer, how, clips
        self.step, signed = step
        self.exact = module.forward
        self.low, self.high = input_range(how.encoding.a_bits, signed)
        self.found: _Found | None = None

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        wanted = self.exact(x).double()
        found = self._best(x, wanted, [(clip, 1.0) for clip in self.clips])
        if self.layer.weights is not None and len(self.clips) > 1:
            found = self._best(x, wanted, [(found.clip, c) for c in self.clips if c != 1], found)
            if found.shrunk != 1:
                found = self._best(x, wanted, [(c, found.shrunk) for c in self.clips], found)
        self.found = found
        return found.outputs.float()

    def _best(
        self,
        x: torch.Tensor,
        wanted: torch.Tensor,
        tried: Iterable[tuple[float, float]],
        found: _Found | None = None,
    ) -> _Found:
        """``found``, or one of ``tried`` that errs less."""
        for clip, shrunk in tried:
            outputs, correction = self._outputs(x, wanted, clip, shrunk)
            error = float(((outputs - wanted) ** 2).mean())
            if found is None or error < found.error:
                found = _Found(clip, shrunk, error, outputs, correction)
        assert found is not None
        return found

    def _outputs(
        self, x: torch.Tensor, wanted: torch.Tensor, clip: float, shrunk: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """What the layer makes of ``x``, its mean error taken off, and what that is in its sums."""
        layer = self.layer if shrunk == 1 else shrink(self.layer, shrunk)
        channel = 1 if isinstance(self.module, nn.Conv2d) else wanted.dim() - 1
        axes = [d for d in range(wanted.dim()) if d != channel]
        shape = [-1 if d == channel else 1 for d in range(wanted.dim())]
        bias = torch.zeros(()) if self.module.bias is None else self.module.bias.double().view(shape)
        step = self.step * clip
        scale = torch.from_numpy(np.asarray(layer.scale * step).reshape(-1)).view(shape)
        product = EncodedProduct(self.module, layer, self.how)
        sums = product(torch.clamp(torch.round(x / step), self.low, self.high))
        correction = ((wanted - bias) / scale - sums).mean(axes)
        return (sums + correction.view(shape)) * scale + bias, correction


@torch.no_grad()
def calibrate_encoded(
    model: nn.Module,
    layers: Sequence[Layer],
    assigned: Assignment,
    images: torch.Tensor,
    clips: Sequence[float] = CLIPS,
) -> Assignment:
    """``assigned`` with a correction for each output channel, and the steps of encoded layers' operands anew.

    images : uint8[N, 3, H, W], all run at once; no label is used. Layer by layer, a layer sees what the ones
    before it make. Of ``clips`` times the step of its inputs, and then of its weights where their real
    values are known, those are taken whose outputs, the mean error taken off, err least against the model's
    own layer: exact products of inputs and weights that are not rounded. Raises InputError for a layer that
    the model lacks.
    """
    running, steps = copy.deepcopy(model).eval(), dict(assigned.steps)
    modules, made, how, shrunk = quantised_layers(running), {}, dict(assigned.how), {}
    for layer in layers:
        if layer.name in how:
            if layer.name not in modules:
                raise InputError(f"layer {layer.name!r}: the model has no such layer")
            module = modules[layer.name]
            made[layer.name] = _Calibrated(module, layer, how[layer.name], steps[layer.name], clips)
            module.forward = made[layer.name]
    running(normalise(images))
    for name, one in made.items():
        if one.found is not None:  # a layer that never runs changes nothing
            steps[name] = steps[name][0] * one.found.clip, steps[name][1]
            how[name] = replace(how[name], correction=one.found.correction.numpy())
            if one.found.shrunk != 1:
                shrunk[name] = one.found.shrunk
    return replace(assigned, how=how, steps=steps, shrunk=shrunk)
