"""A PyTorch network written back with its channels reordered."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from hd_plugin.errors import InputError
from hd_plugin.rewriting._channels import order_of
from hd_plugin.rewriting._solve import Rewriting, check_outputs, solve
from hd_plugin.rewriting._torch_channels import TorchChannels
from hd_plugin.rewriting._torch_trace import Traced
from hd_plugin.streaming import Jobs
from hd_plugin.weights import Layer, quantise

__all__ = ["Rewritten", "rewrite_torch", "rounded_layer"]


@dataclass(frozen=True, eq=False)
class Rewritten:
    """The reordered network.

    model : a copy with its channels reordered. layers : the reordered codes. told : what happened to each.
    output_order : int64[outputs]; output i of ``model`` is output output_order[i] of the original.
    layer_orders : the same for each of ``layers``.
    """

    model: nn.Module
    layers: list[Layer]
    told: list[Rewriting]
    output_order: np.ndarray
    layer_orders: list[np.ndarray]


def rewrite_torch(
    model: nn.Module,
    example: torch.Tensor,
    layers: Mapping[str, Layer] | None = None,
    *,
    outputs: str = "keep",
    effort: str = "local",
    seed: int = 0,
    jobs: Jobs | None = None,
) -> Rewritten:
    """``model`` with every layer's output channels in an order that flips few bits, and the rest to match.

    Method ``direct`` (paper, section 5 and Figure 7) for a whole network: no hardware is needed. Batch norms,
    biases and depthwise convolutions move along; channels that an addition or a concatenation ties get one
    order that suits all; around an operation that is not known, channels stay where they are.

    example : an input of the network, any batch size. layers : codes by module name; without them every
    weight counts as ``rounded_layer`` rounds it, to 4 bits. outputs : "keep" the network's outputs where they
    are, or "permute" them too. The copy is in evaluation mode. Raises InputError when torch.fx cannot trace
    the network, for parametrised weights, and for codes of another size.
    """
    check_outputs(outputs)
    try:
        model = copy.deepcopy(model).eval()
    except RuntimeError as error:
        raise InputError(
            f"{type(model).__name__}: cannot be copied ({str(error).splitlines()[0]}); "
            "make pruned or normalised weights plain ones first"
        ) from error
    traced = Traced(model, example)
    channels = TorchChannels(traced)
    graph = channels.graph
    if layers is None:
        layers = {w.name: rounded_layer(w.name, model.get_submodule(w.name)) for w in graph.weights}
    if outputs == "keep":
        channels.output.pin("network output")
    solution = solve(graph, layers, effort, seed, jobs)
    moved = {
        key: solution.permuted(key, traced.state[key].detach().cpu().numpy())
        for key in {key for key, _ in graph.axes}
    }
    with torch.no_grad():
        for key, values in moved.items():
            traced.state[key].copy_(torch.from_numpy(np.ascontiguousarray(values)))
    outs = {weight.name: order_of(weight.out, solution.orders) for weight in graph.weights}
    return Rewritten(
        model,
        list(solution.layers.values()),
        solution.told,
        order_of(channels.output, solution.orders),
        [outs[name] for name in solution.layers],
    )


def rounded_layer(name: str, module: nn.Module, bits: int = 4) -> Layer:
    """The weights of a convolution or linear layer, rounded to ``bits`` bits per tensor, as a layer."""
    weight = module.weight.detach().cpu().numpy().astype(np.float32)
    integers, scale = quantise(weight, bits, per_channel=False, where=name)
    return Layer.from_values(name, integers, bits, scale=scale, weights=weight)
