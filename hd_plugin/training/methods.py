"""What training does about flips: nothing, the paper's freeze-and-regularise, or trellis training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from hd_plugin._registry import Registry
from hd_plugin.bits import NumberFormat, decode
from hd_plugin.errors import InputError
from hd_plugin.streaming import StreamPlan, flips, round_to_plan
from hd_plugin.training.loss import HammingLoss, frozen_range
from hd_plugin.training.orders import Ordering, layers_of
from hd_plugin.training.quantised import fake_of, quantised_layers, refresh_scales
from hd_plugin.weights import Layer

__all__ = ["METHODS", "Method", "make_method"]


@dataclass
class Method:
    """Quantisation-aware training alone: the baseline, and what the others have in common.

    ``attach`` comes first, then for every epoch ``before_epoch`` and for every step ``before_step``;
    ``penalty`` is added to the loss. ``state`` and ``restore`` carry, as JSON, what a resumed run needs
    beyond the model's own state. Another method is a subclass and one line: ``METHODS.register("name",
    Class)``.
    """

    strength: float
    number_format: NumberFormat
    ordering: Ordering
    name = "baseline"
    plans: dict[str, StreamPlan] = field(default_factory=dict)

    def attach(self, model: nn.Module, epochs: int, steps: int) -> None:
        self.model, self.epochs, self.steps = model, epochs, steps

    def before_epoch(self, epoch: int) -> None:
        refresh_scales(self.model)

    def before_step(self, epoch: int, step: int) -> None:
        """Called with the step within the epoch."""

    def penalty(self) -> torch.Tensor | None:
        return None

    def told(self) -> dict[str, int | None]:
        """Columns of the log: flips of the present codes under the present plans, all bits and layers."""
        if not self.plans:
            return {}
        layers = layers_of(self.model, self.number_format)
        return {"flips": sum(_flips(layer, self.plans[name]) for name, layer in layers.items())}

    def state(self) -> Mapping[str, object]:
        return {"plans": {name: plan.to_json() for name, plan in self.plans.items()}}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.plans = {name: StreamPlan.from_json(text) for name, text in state["plans"].items()}

    def renew_plans(self) -> None:
        self.plans = self.ordering.renew(layers_of(self.model, self.number_format), self.plans)


@dataclass
class Paper(Method):
    """Section 4.4, Figure 6: regularise the most significant bit for some epochs, freeze it, take the next.

    strength : lambda. Orders are renewed before every epoch. The last bit is frozen before the last epoch, if
    there are more epochs than bits; steps are constant, since frozen bits are bits of an integer.
    """

    name = "paper"

    def attach(self, model: nn.Module, epochs: int, steps: int) -> None:
        super().attach(model, epochs, steps)
        self.loss = HammingLoss(model, self.number_format)
        self.bits = max(fake_of(m).bits for m in self.loss.layers.values())
        self.bit: int | None = self.bits - 1

    def bit_of(self, epoch: int) -> int | None:
        """The bit under the loss in an epoch, None when all are frozen.

        Early epochs are shared out among the bits, the last one settles.
        """
        regularised = max(self.bits, self.epochs - 1)
        stage = epoch * self.bits // regularised
        return self.bits - 1 - stage if stage < self.bits else None

    def before_epoch(self, epoch: int) -> None:
        if epoch == 0:
            refresh_scales(self.model)
        self.bit = self.bit_of(epoch)
        frozen = self.bits if epoch == 0 else 0 if self.bit is None else self.bit + 1
        for module in self.loss.layers.values():
            fake, weight = fake_of(module), module.parametrizations.weight.original
            low, high = frozen_range(fake.integers(weight.detach()), frozen, fake.bits)
            fake.lowest.copy_(low)
            fake.highest.copy_(high)
        self.renew_plans()
        self.loss.set_plans(self.plans)

    def penalty(self) -> torch.Tensor | None:
        return None if self.bit is None else self.strength * self.loss(self.bit)

    def told(self) -> dict[str, int | None]:
        return {"bit": self.bit, **super().told()}


@dataclass
class Trellis(Method):
    """The exact rounding of ``hd_plugin.trellis`` as the quantiser, with straight-through gradients.

    strength : the largest mu, squared steps a flip. Codes for the present orders are refreshed every
    ``every`` steps (rarely enough to cost little, often enough that float weights do not overshoot while
    codes stand still) while mu ramps up over the first ``ramp`` of training; from ``settle`` on they stay, so
    that batch statistics and biases fit them.
    """

    name = "trellis"
    every: int = 4
    ramp: float = 0.6
    settle: float = 0.85

    def before_epoch(self, epoch: int) -> None:
        if epoch < self.settle * self.epochs:
            refresh_scales(self.model)
            self.renew_plans()

    def before_step(self, epoch: int, step: int) -> None:
        done = (epoch * self.steps + step) / (self.epochs * self.steps)
        if done <= self.settle and step % self.every == 0:
            self.refresh(self.strength * min(1.0, done / self.ramp))

    def refresh(self, mu: float) -> None:
        """New codes for the present float weights under the present plans."""
        modules = quantised_layers(self.model)
        for name, layer in layers_of(self.model, self.number_format).items():
            codes = round_to_plan(layer, self.plans[name], mu).codes
            levels = torch.from_numpy(decode(codes, layer.bits, layer.number_format).astype(np.int8))
            fake_of(modules[name]).use(levels.reshape(modules[name].parametrizations.weight.original.shape))


METHODS: Registry[type[Method]] = Registry("method", {cls.name: cls for cls in (Method, Paper, Trellis)})


def make_method(name: str, strength: float, number_format: NumberFormat, ordering: Ordering) -> Method:
    """Raises InputError for an unknown name, or a strength that is negative or no number."""
    chosen = METHODS[name]
    if not np.isfinite(strength) or strength < 0:
        raise InputError(f"strength: {strength!r} found; a number >= 0 is needed")
    return chosen(strength, number_format, ordering)


def _flips(layer: Layer, plan: StreamPlan) -> int:
    return flips(layer, replace(plan, digest=layer.digest))
