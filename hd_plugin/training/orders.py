"""A model in training as layers with codes, and the plans under which its flips count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from torch import nn

from hd_plugin.bits import NumberFormat, encode
from hd_plugin.streaming import Jobs, StreamPlan, flips, optimize
from hd_plugin.training.quantised import fake_of, quantised_layers
from hd_plugin.weights import Layer

__all__ = ["Ordering", "layers_of"]


def layers_of(
    model: nn.Module, number_format: NumberFormat, output_hw: Mapping[str, tuple[int, int]] | None = None
) -> dict[str, Layer]:
    """The quantised layers of a model: integers as in use, steps, and the float weights behind them."""
    layers = {}
    for name, module in quantised_layers(model).items():
        fake, weight = fake_of(module), module.parametrizations.weight.original.detach()
        integers = fake.integers(weight).cpu().numpy().astype(np.int16)
        scale = fake.scale.cpu().numpy().astype(np.float64)
        layers[name] = Layer(
            name,
            encode(integers, fake.bits, number_format),
            fake.bits,
            number_format,
            scale.reshape(-1) if fake.per_channel else scale,
            (output_hw or {}).get(name),
            weight.cpu().numpy(),
        )
    return layers


@dataclass(frozen=True)
class Ordering:
    """How orders are searched in training: as ``hd_plugin.optimize`` does, and only better ones are taken."""

    rows: int = 8
    method: str = "cluster"
    effort: str = "local"
    seed: int = 0
    threads: int | None = None

    def renew(self, layers: Mapping[str, Layer], plans: Mapping[str, StreamPlan]) -> dict[str, StreamPlan]:
        """A plan for each layer, the one in ``plans`` where a new search finds no fewer flips."""

        def work(layer: Layer, jobs: Jobs) -> StreamPlan:
            found = optimize(layer, self.rows, self.method, self.effort, self.seed, jobs=jobs)
            if layer.name not in plans:
                return found
            kept = replace(plans[layer.name], digest=layer.digest)
            return min(kept, found, key=lambda plan: flips(layer, plan))

        order = sorted(layers.values(), key=lambda layer: -layer.codes.size)  # the longest searches first
        made = dict(zip([layer.name for layer in order], Jobs(self.threads).spread(work, order)))
        return {name: made[name] for name in layers}
