"""The Hamming distance of a weight stream as a loss (paper, section 4.4)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

import torch
from torch import nn

from hd_plugin.bits import NumberFormat
from hd_plugin.errors import InputError
from hd_plugin.streaming import StreamPlan
from hd_plugin.training.quantised import fake_of, quantised_layers

__all__ = ["HammingLoss", "bit", "frozen_range"]

# Their bits differ by an inverted sign bit only, so their Hamming distances are the same.
FORMATS = ("twos_complement", "offset_binary")


def _floor(x: torch.Tensor) -> torch.Tensor:
    """floor with the straight-through gradient 1."""
    return x + (torch.floor(x) - x).detach()


def bit(x: torch.Tensor, b: int, bits: int, frozen: bool) -> torch.Tensor:
    """Bit ``b`` of the offset-binary patterns ``x`` in [0, 2**bits), as floats 0 and 1 with a gradient.

    frozen False : the paper's formula, floor(x / 2**b) - 2 floor(x / 2**(b + 1)); with straight-through
    floors its gradient is 0 for every bit but the most significant one. frozen True : the bits above are
    constants (the paper's freeze-and-regularise), so ``b`` is the most significant bit of what is left, and
    its gradient is 1 / 2**b.
    """
    if not frozen:
        upper = _floor(x / 2 ** (b + 1)) if b < bits - 1 else torch.zeros_like(x)
        return _floor(x / 2**b) - 2 * upper
    above = torch.floor(x.detach() / 2 ** (b + 1)) * 2 ** (b + 1)
    return _floor((x - above) / 2**b)


def frozen_range(integers: torch.Tensor, b: int, bits: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Lowest and highest integer, int8, with the same bits from ``b`` upwards; -2**(bits - 1) is left out."""
    half = 2 ** (bits - 1)
    low = torch.floor((integers + half) / 2**b) * 2**b - half
    return torch.clamp(low, min=-(half - 1)).to(torch.int8), (low + 2**b - 1).to(torch.int8)


class HammingLoss:
    """Flips of one bit of all weights under the current plans, with gradients in steps.

    The value is a number of flips. The gradient is taken with respect to weights measured in their own steps,
    and handed to the float weights as step * d flips / d steps, so that a step of gradient descent moves
    every weight by the same number of its steps: lambda means the same in layers of any size and for channels
    of any scale (it is what a flip is worth in squared rounding steps, as mu of the trellis). Raises
    InputError for a number format whose bits are no floors of the integer.
    """

    def __init__(self, model: nn.Module, number_format: NumberFormat = "twos_complement") -> None:
        if number_format not in FORMATS:
            raise InputError(
                f"number_format: {number_format!r} found; bits by floor need one of {', '.join(FORMATS)} "
                "(trellis training takes any)"
            )
        self.layers = quantised_layers(model)
        self.orders: dict[str, torch.Tensor] = {}

    def set_plans(self, plans: Mapping[str, StreamPlan]) -> None:
        """The orders under which flips count from now on, by layer."""
        for name, module in self.layers.items():
            self.orders[name] = torch.from_numpy(plans[name].column_orders()).to(module.weight.device)

    def __call__(self, b: int) -> torch.Tensor:
        """Raises KeyError before plans are set."""
        found = (self.layer_flips(name, module.weight, b) for name, module in self.layers.items())
        return reduce(torch.add, found)

    def layer_flips(self, name: str, weight: torch.Tensor, b: int) -> torch.Tensor:
        """Flips of bit ``b`` of one layer's rounded ``weight``."""
        fake = fake_of(self.layers[name])
        integers = torch.round(weight.detach() / fake.scale) + 2 ** (fake.bits - 1)
        pull = weight * fake.scale
        planes = bit((integers + (pull - pull.detach())).flatten(1), b, fake.bits, frozen=True)
        streamed = planes.gather(0, self.orders[name])
        return (streamed[1:] - streamed[:-1]).abs().sum()
