"""Weights rounded in the forward pass, gradients straight through to the float weights."""
from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils import parametrize

from hd_plugin.weights import optimal_scale

__all__ = ["FakeQuantise", "quantise_weights", "quantised_layers", "refresh_scales"]


class FakeQuantise(nn.Module):
    """A weight parametrisation: symmetric rounding to ``bits`` bits with one step per tensor.

    The step is a buffer that :func:`refresh_scales` sets (error-optimal clip); between refreshes it is
    constant. Straight-through gradient, cut where a weight is clipped (Bengio et al. 2013).
    """

    def __init__(self, bits: int, weight: torch.Tensor) -> None:
        super().__init__()
        self.bits = bits
        self.top = 2 ** (bits - 1) - 1
        self.register_buffer("scale", torch.tensor(optimal_scale(weight.detach().cpu().numpy(), bits)).float())

    def integers(self, weight: torch.Tensor) -> torch.Tensor:
        return torch.clamp(torch.round(weight / self.scale), -self.top, self.top)

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        limit = self.scale * self.top
        inside = torch.minimum(torch.maximum(weight, -limit), limit)
        return inside + (self.integers(weight) * self.scale - inside).detach()


def quantised_layers(model: nn.Module) -> dict[str, nn.Module]:
    """Name -> module for every Conv2d and Linear, in the order of the modules."""
    return {n: m for n, m in model.named_modules() if isinstance(m, (nn.Conv2d, nn.Linear))}


def quantise_weights(model: nn.Module, bits: int) -> None:
    """Make every Conv2d and Linear of ``model`` use ``bits``-bit weights from now on (in place)."""
    for module in quantised_layers(model).values():
        parametrize.register_parametrization(module, "weight", FakeQuantise(bits, module.weight))


@torch.no_grad()
def refresh_scales(model: nn.Module) -> None:
    """Set every layer's step to the error-optimal one for its present float weights."""
    for module in quantised_layers(model).values():
        fake = module.parametrizations.weight[0]
        fake.scale.fill_(optimal_scale(module.parametrizations.weight.original.cpu().numpy(), fake.bits))
