"""A network run in integers, as the array runs it: rounded activations times codes, sums that are exact."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from hd_plugin.errors import InputError
from hd_plugin.training.calibrate import watch_inputs
from hd_plugin.training.data import normalise
from hd_plugin.training.evaluate import BATCH
from hd_plugin.training.quantised import quantised_layers
from hd_plugin.weights import Layer

__all__ = [
    "IntegerScores",
    "Steps",
    "activation_steps",
    "input_range",
    "integer_scores",
    "make_integer",
    "watch_sums",
]

Steps = dict[str, tuple[float, bool]]


@dataclass(frozen=True, eq=False)
class IntegerScores:
    """sums : int64[N, outputs], of the last layer, before its step and bias; top1 : in percent."""

    sums: np.ndarray
    top1: float


def activation_steps(model: nn.Module, images: torch.Tensor, bits: int = 8) -> Steps:
    """Layer -> (step, signed) of its inputs, from the largest one over ``images``, uint8[N, 3, H, W].

    Layers come in the order in which they run.
    """
    largest: dict[str, float] = {}
    signed: dict[str, bool] = {}

    def see(name: str, _module: nn.Module, x: torch.Tensor) -> None:
        largest[name] = max(largest.get(name, 0.0), float(x.abs().max()))
        signed[name] = signed.get(name, False) or bool(x.min() < 0)

    watch_inputs(model, images, BATCH, see)
    return {
        name: (max(top, 1e-12) / ((1 << (bits - signed[name])) - 1), signed[name])
        for name, top in largest.items()
    }


@torch.no_grad()
def integer_scores(
    model: nn.Module,
    layers: Iterable[Layer],
    steps: Steps,
    images: torch.Tensor,
    labels: torch.Tensor,
    bits: int = 8,
    output_order: np.ndarray | None = None,
) -> IntegerScores:
    """Run ``images`` with every layer's inputs rounded to ``steps`` and its weights taken from ``layers``.

    output_order : the class of each output, where outputs were permuted. Sums are integers in floats that are
    wide enough to hold each exactly, in any order of adding; all else works channel by channel. Raises
    InputError for a layer that the model lacks, or whose sums no float holds.
    """
    model = copy.deepcopy(model).eval()
    modules = quantised_layers(model)
    for layer in layers:
        if layer.name not in modules:
            raise InputError(f"layer {layer.name!r}: the model has no such layer")
        if layer.name in steps:  # a layer that never runs changes nothing
            make_integer(modules[layer.name], layer, *steps[layer.name], bits)
    seen = watch_sums(modules, list(steps))
    right, classes = 0, None if output_order is None else torch.from_numpy(output_order)
    for start in range(0, len(images), BATCH):
        out = model(normalise(images[start : start + BATCH]))
        found = out.argmax(1)
        right += int(((found if classes is None else classes[found]) == labels[start : start + BATCH]).sum())
    return IntegerScores(torch.cat(seen).numpy().astype(np.int64), 100 * right / len(images))


def input_range(bits: int, signed: bool) -> tuple[int, int]:
    """The least and the largest integer that an input may be."""
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)


def watch_sums(modules: Mapping[str, nn.Module], ran: Sequence[str]) -> list[torch.Tensor]:
    """A list that fills with the sums, float64, of the last layer of ``ran``, names in the order of running.

    Raises InputError where that one is no layer of ``make_integer``.
    """
    seen: list[torch.Tensor] = []
    if not hasattr(modules[ran[-1]], "sums_hook"):
        raise InputError(f"layer {ran[-1]!r}, the network's last one, has no codes")
    modules[ran[-1]].sums_hook = seen.append
    return seen


def make_integer(
    module: nn.Module,
    layer: Layer,
    step: float,
    signed: bool,
    bits: int,
    product: Callable[[torch.Tensor], torch.Tensor] | None = None,
) -> None:
    """The module multiplies integers from now on; its step, the weights' steps and the bias come after.

    product : from rounded inputs, as floats, to sums, as floats; the module's own, exactly, without one.
    Raises InputError for sums that no float holds.
    """
    low, high = input_range(bits, signed)
    most = int(np.abs(layer.values).reshape(layer.K, -1).sum(1, dtype=np.int64).max()) * max(high, -low)
    if most >= 1 << 53:
        raise InputError(f"layer {layer.name!r}: sums of up to {most} do not fit a float64")
    kind = torch.float32 if most < 1 << 24 else torch.float64
    shape = (1, -1) + (1,) * (module.weight.dim() - 2)
    scale = torch.from_numpy(np.asarray(layer.scale * step, np.float32).reshape(-1)).view(shape)
    bias = None if module.bias is None else module.bias.detach().view(shape)
    module.weight = nn.Parameter(
        torch.from_numpy(layer.values.astype(np.float64)).reshape(module.weight.shape).to(kind),
        requires_grad=False,
    )
    module.bias = None
    module.sums_hook = None
    if product is not None:
        module.forward = product
    module.register_forward_pre_hook(
        lambda _m, inputs: (torch.clamp(torch.round(inputs[0] / step), low, high).to(kind),)
    )

    def after(m: nn.Module, _inputs: tuple[torch.Tensor, ...], out: torch.Tensor) -> torch.Tensor:
        if m.sums_hook is not None:
            m.sums_hook(out.double())
        out = out.float() * scale
        return out if bias is None else out + bias

    module.register_forward_hook(after)
