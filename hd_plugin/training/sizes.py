"""Output sizes, strides and paddings of a network's layers, from one run on an empty image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from hd_plugin.errors import InputError
from hd_plugin.training.models import make_model
from hd_plugin.weights import Window

__all__ = ["TracedLayer", "image_shape", "output_sizes", "trace", "trace_model"]

_LAYERS = (nn.Conv2d, nn.Linear)


@dataclass(frozen=True)
class TracedLayer:
    """One Conv2d or Linear. shape : of its weights. output_hw : (P, Q), (vectors, 1) of a linear layer.

    calls : how often one run calls it; sizes are the first call's.
    """

    shape: tuple[int, ...]
    output_hw: tuple[int, int]
    window: Window
    calls: int = 1


def trace(model: nn.Module, shape: Sequence[int]) -> dict[str, TracedLayer]:
    """Every layer that a run on zeros of ``shape`` (batch first) reaches, by module name, in its order.

    Leaves ``model`` in evaluation mode. Raises InputError when it cannot run.
    """
    found: dict[str, TracedLayer] = {}

    def seen(name: str, module: Any, out: torch.Tensor) -> None:
        calls = found[name].calls + 1 if name in found else 1
        first = found.get(name)
        hw = first.output_hw if first else _output_hw(out)
        found[name] = TracedLayer(tuple(module.weight.shape), hw, _window(module), calls)

    hooks = [
        m.register_forward_hook(lambda m, _i, out, name=name: seen(name, m, out))  # type: ignore[misc]
        for name, m in model.named_modules()
        if isinstance(m, _LAYERS)
    ]
    try:
        with torch.no_grad():
            model.eval()(torch.zeros(tuple(shape)))
    except Exception as error:  # whatever the user's own forward raises
        told = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(
            f"{type(model).__name__}: cannot run on an input of {'x'.join(map(str, shape[1:]))} ({told})"
        ) from error
    finally:
        for hook in hooks:
            hook.remove()
    return found


def trace_model(name: str, size: Sequence[int], classes: int = 10) -> dict[str, TracedLayer]:
    """``trace`` of the network that ``make_model`` makes. size : (H, W) or (C, H, W). Raises InputError."""
    model = make_model(name, classes)
    return trace(model, (1, *image_shape(model, size)))


def image_shape(model: nn.Module, size: Sequence[int]) -> tuple[int, int, int]:
    """(C, H, W), C of the first convolution where ``size`` does not say. Raises InputError without one."""
    if len(size) == 3:
        return size[0], size[1], size[2]
    first = next((m for m in model.modules() if isinstance(m, nn.Conv2d)), None)
    if first is None:
        raise InputError(f"input size {'x'.join(map(str, size))}: no convolution tells C; give CxHxW")
    return first.in_channels, size[0], size[1]


def output_sizes(model: nn.Module, shape: tuple[int, ...] = (1, 3, 32, 32)) -> dict[str, tuple[int, int]]:
    """Output height and width of every Conv2d and Linear for one input of ``shape``."""
    return {name: layer.output_hw for name, layer in trace(model, shape).items()}


def _output_hw(out: torch.Tensor) -> tuple[int, int]:
    if out.dim() == 4:
        return out.shape[2], out.shape[3]
    return math.prod(out.shape[1:-1]), 1


def _window(module: Any) -> Window:
    if isinstance(module, nn.Linear):
        return Window(padding=(0, 0, 0, 0))
    taps, dilation = module.kernel_size, module.dilation
    if module.padding == "same":  # PyTorch takes stride 1 with it
        missing = [d * (t - 1) for d, t in zip(dilation, taps)]
        low = [m // 2 for m in missing]
        return Window(module.stride, (low[0], low[1], missing[0] - low[0], missing[1] - low[1]), dilation)
    high, wide = (0, 0) if module.padding == "valid" else module.padding
    return Window(module.stride, (high, wide, high, wide), dilation)
