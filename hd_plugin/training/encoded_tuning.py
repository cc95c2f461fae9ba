"""Training with encoded products in the forward pass, by the gradient of exact products or of the table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from hd_plugin.encoding_mac import activation_gradient, table_slopes, table_sums, weight_gradient
from hd_plugin.errors import InputError, did_you_mean
from hd_plugin.training.encoded import Assignment, LayerEncoding, channels_second, unfold_places, windows
from hd_plugin.training.integers import input_range
from hd_plugin.training.methods import Method
from hd_plugin.training.quantised import fake_of, quantised_layers

__all__ = ["GRADIENTS", "EncodedTuning"]

GRADIENTS = ("exact", "table")


class _Layer:
    """What a layer's forward and backward pass need beside its operands."""

    def __init__(
        self, module: nn.Module, how: LayerEncoding | None, step: tuple[float, bool], bits: int, gradient: str
    ) -> None:
        self.module, self.how, self.step = module, how, step[0]
        self.low, self.high = input_range(bits, step[1])
        self.half = 1 << fake_of(module).bits - 1
        self.slopes: tuple[np.ndarray, np.ndarray] | None = None
        if how is not None:
            self.table = how.encoding.table()
            if gradient == "table":
                self.slopes = table_slopes(self.table, max(1, 1 << how.encoding.a_bits - 5))
            if how.correction is not None:
                self.correction = torch.from_numpy(how.correction)[:, None]

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """The module's forward pass."""
        bias = self.module.bias
        with torch.autocast(x.device.type, enabled=False):
            x = _Round.apply(x.float(), self.step, self.low, self.high)
            weight, scale = self.module.weight, fake_of(self.module).scale
            if self.how is None:
                return self.exact(x, weight) if bias is None else self.exact(x, weight) + self.along(bias)
            out = _Encoded.apply(x, weight, scale, self)
            return out if bias is None else out + self.along(bias)

    def along(self, bias: torch.Tensor) -> torch.Tensor:
        return bias.view(-1, 1, 1) if isinstance(self.module, nn.Conv2d) else bias

    def exact(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        m = self.module
        return (
            F.conv2d(x, weight, None, m.stride, m.padding, m.dilation)
            if weight.dim() == 4
            else F.linear(x, weight)
        )


class _Round(torch.autograd.Function):
    """Inputs rounded to a step and clipped; the gradient passes where they are not clipped."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, step: float, low: int, high: int) -> torch.Tensor:
        ctx.save_for_backward((x > (low - 0.5) * step) & (x < (high + 0.5) * step))
        return torch.clamp(torch.round(x / step), low, high) * step

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> Any:
        (inside,) = ctx.saved_tensors
        return grad * inside, None, None, None


class _Encoded(torch.autograd.Function):
    """Rounded inputs and weights, as floats, through the table of a layer."""

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, weight: torch.Tensor, scale: torch.Tensor, own: _Layer
    ) -> torch.Tensor:
        how = own.how
        assert how is not None
        integers = torch.round(x / own.step)
        values = torch.round(weight / scale)
        places = (values.flatten(1) + own.half).to(torch.uint8).numpy()
        patches, shape = unfold_places(own.module, (integers + how.zero).to(torch.uint8), how.zero)
        sums = torch.from_numpy(table_sums(own.table, places, patches.numpy())).double()
        if how.offset:
            sums -= how.offset * values.flatten(1).double().sum(1, keepdim=True)
        if how.correction is not None:
            sums += own.correction
        per_sum = scale.reshape(-1, 1) * own.step
        ctx.own, ctx.shape, ctx.places, ctx.needs = own, shape, places, x.requires_grad
        if own.slopes is None:
            ctx.save_for_backward(x, weight, per_sum)
        else:
            ctx.save_for_backward(x, weight, per_sum, patches)
        return channels_second((sums * per_sum).float(), shape)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> Any:
        own: _Layer = ctx.own
        if own.slopes is None:
            return *_exact_gradients(ctx, grad), None, None
        x, weight, per_sum, patches = ctx.saved_tensors
        found, down = own.slopes
        assert own.how is not None
        by_sum = grad.transpose(0, 1).flatten(1) if grad.dim() == 4 else grad.movedim(-1, 0).flatten(1)
        by_sum = (by_sum * per_sum).contiguous()
        w = torch.from_numpy(weight_gradient(down, ctx.places, patches.numpy(), by_sum.numpy()))
        if own.how.offset:
            w -= own.how.offset * by_sum.sum(1, keepdim=True)
        w = w * own.step / per_sum  # the weight's step
        back = None
        if ctx.needs_input_grad[0]:
            back = torch.from_numpy(activation_gradient(found, ctx.places, patches.numpy(), by_sum.numpy()))
            back = _fold(own.module, back, x, ctx.shape) / own.step
        return back, w.view_as(weight), None, None


def _exact_gradients(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor]:
    """As if products were exact."""
    x, weight, _ = ctx.saved_tensors
    m, wanted = ctx.own.module, ctx.needs_input_grad[0]
    if not isinstance(m, nn.Conv2d):
        rows = grad.reshape(-1, grad.shape[-1])
        return grad @ weight if wanted else None, rows.T @ x.reshape(-1, x.shape[-1])
    back, down, _ = torch.ops.aten.convolution_backward(
        grad, x, weight, None, m.stride, m.padding, m.dilation, False, [0, 0], 1, [wanted, True, False]
    )
    return back, down


def _fold(module: nn.Module, grads: torch.Tensor, x: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """Gradients of patches, float32[C * taps, pixels], added up where they are the same input."""
    if not isinstance(module, nn.Conv2d):
        return grads.T.reshape(x.shape)
    (high, wide), (N, C, H, W) = module.padding, x.shape
    found = torch.zeros(N, C, H + 2 * high, W + 2 * wide)
    by_tap = grads.reshape(C, -1, *shape)
    for tap, window in enumerate(windows(module, found, shape[1], shape[2])):
        window += by_tap[:, tap].transpose(0, 1)
    return found[:, :, high : high + H, wide : wide + W]


@dataclass
class EncodedTuning(Method):
    """Quantisation-aware training with encoded products: what the array computes is what the loss sees.

    assigned : as ``assign`` or ``calibrate_encoded`` makes it; constant in training, but steps of weights are
    those of the float weights, times what they are shrunk by. gradient : "exact", straight through as if
    products were exact, or "table", of the table smoothed over its neighbours. On the CPU. Raises InputError
    for another gradient.
    """

    name = "encoded"
    assigned: Assignment = field(default_factory=lambda: Assignment({}, {}))
    gradient: str = "exact"

    def __post_init__(self) -> None:
        if self.gradient not in GRADIENTS:
            raise InputError(
                f"gradient: {self.gradient!r} is unknown; {did_you_mean(self.gradient, GRADIENTS)}"
            )

    def before_epoch(self, epoch: int) -> None:
        super().before_epoch(epoch)
        modules = quantised_layers(self.model)
        for name, factor in self.assigned.shrunk.items():
            fake_of(modules[name]).scale.mul_(factor)

    def attach(self, model: nn.Module, epochs: int, steps: int) -> None:
        super().attach(model, epochs, steps)
        inputs, bits = self.assigned.steps, self.assigned.bits
        for name, module in quantised_layers(model).items():
            if name in inputs:
                own = _Layer(module, self.assigned.how.get(name), inputs[name], bits, self.gradient)
                module.forward = own  # type: ignore[assignment]
