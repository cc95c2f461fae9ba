"""Weights rounded in the forward pass, gradients straight through to the float weights."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils import parametrize

from hd_plugin.errors import InputError
from hd_plugin.weights import optimal_scale

__all__ = ["FakeQuantise", "fake_of", "quantise_weights", "quantised_layers", "refresh_scales"]


class FakeQuantise(nn.Module):
    """A weight parametrisation: symmetric rounding to ``bits`` bits, one step a tensor or an output channel.

    scale : float32[] or [K, 1, ...], set by ``refresh_scales`` (error-optimal clip), constant in between.
    lowest, highest : int8, like the weight; the integers that each may take (fewer when bits are frozen).
    levels : int8, like the weight; integers in place of the nearest ones (trellis training), when ``given``.

    Straight-through gradient, cut where a weight is beyond its integers (Bengio et al. 2013). Raises
    InputError for more than 8 bits.
    """

    def __init__(self, bits: int, weight: torch.Tensor, per_channel: bool = False) -> None:
        super().__init__()
        if not 2 <= bits <= 8:
            raise InputError(f"bits: {bits} found; training takes 2 to 8")
        self.bits, self.per_channel = bits, per_channel
        top = 2 ** (bits - 1) - 1
        self.register_buffer("scale", _scale(weight, bits, per_channel))
        self.register_buffer("lowest", torch.full_like(weight, -top, dtype=torch.int8, requires_grad=False))
        self.register_buffer("highest", torch.full_like(weight, top, dtype=torch.int8, requires_grad=False))
        self.register_buffer("levels", torch.zeros_like(weight, dtype=torch.int8, requires_grad=False))
        self.given = False

    def get_extra_state(self) -> bool:
        return self.given

    def set_extra_state(self, state: bool) -> None:
        self.given = state

    def integers(self, weight: torch.Tensor) -> torch.Tensor:
        """The integers in use, as floats."""
        if self.given:
            return self.levels.to(weight.dtype)
        return torch.minimum(torch.maximum(torch.round(weight / self.scale), self.lowest), self.highest)

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        # the whole cell of the outermost integers: a weight that rounds to one still feels its gradient
        inside = torch.minimum(
            torch.maximum(weight, (self.lowest - 0.5) * self.scale), (self.highest + 0.5) * self.scale
        )
        return inside + (self.integers(weight) * self.scale - inside).detach()

    @torch.no_grad()
    def use(self, levels: torch.Tensor) -> None:
        """Round to ``levels`` (integers, like the weight) from now on."""
        self.levels.copy_(levels)
        self.given = True


def _scale(weight: torch.Tensor, bits: int, per_channel: bool) -> torch.Tensor:
    values = weight.detach().cpu().numpy()
    steps = [optimal_scale(v, bits) for v in values] if per_channel else optimal_scale(values, bits)
    shape = (-1,) + (1,) * (values.ndim - 1) if per_channel else ()
    return torch.tensor(steps, dtype=torch.float32, device=weight.device).reshape(shape)


def quantised_layers(model: nn.Module) -> dict[str, nn.Module]:
    """Name -> module for every Linear and every Conv2d that is not grouped, in the order of the modules.

    A grouped (depthwise) convolution gives each input channel weights of its own: no place in the array.
    """
    return {
        n: m
        for n, m in model.named_modules()
        if isinstance(m, nn.Linear) or (isinstance(m, nn.Conv2d) and m.groups == 1)
    }


def fake_of(module: nn.Module) -> FakeQuantise:
    """The parametrisation that ``quantise_weights`` put on a layer."""
    return module.parametrizations.weight[0]


def quantise_weights(model: nn.Module, bits: int, per_channel: bool = False) -> None:
    """Make every layer of ``quantised_layers`` use ``bits``-bit weights from now on (in place)."""
    for module in quantised_layers(model).values():
        parametrize.register_parametrization(module, "weight", FakeQuantise(bits, module.weight, per_channel))


@torch.no_grad()
def refresh_scales(model: nn.Module) -> None:
    """Set every layer's step to the error-optimal one for its present float weights."""
    for module in quantised_layers(model).values():
        fake = fake_of(module)
        fake.scale.copy_(_scale(module.parametrizations.weight.original, fake.bits, fake.per_channel))
