"""The channels of a traced PyTorch network: which of them move together, and which have to stay."""

from __future__ import annotations

import math
from typing import Any

from torch import fx, nn

from hd_plugin.rewriting._channels import ChannelGraph, Space
from hd_plugin.rewriting._torch_functions import QUERIES, Call, space_after
from hd_plugin.rewriting._torch_trace import Traced, shape_of

__all__ = ["TorchChannels"]

_PLANE = (  # of images only
    nn.MaxPool2d,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool2d,
    nn.AdaptiveMaxPool2d,
    nn.Upsample,
    nn.ZeroPad2d,
)
_CHANNELWISE = (
    *_PLANE,
    nn.ReLU,
    nn.ReLU6,
    nn.LeakyReLU,
    nn.ELU,
    nn.GELU,
    nn.SiLU,
    nn.Hardswish,
    nn.Hardsigmoid,
    nn.Hardtanh,
    nn.Sigmoid,
    nn.Tanh,
    nn.Mish,
    nn.Softplus,
    nn.Identity,
    nn.Dropout,
    nn.Dropout2d,
    nn.PReLU,
)


class TorchChannels:
    """``graph`` of the network, and the space of its ``output``."""

    def __init__(self, traced: Traced) -> None:
        self.traced, self.graph = traced, ChannelGraph()
        self.spaces: dict[fx.Node, Space | None] = {}
        for node in traced.nodes:
            self.spaces[node] = self._space(node)
        outside = {traced.memory(key) for key in traced.elsewhere}
        for (key, _), space in self.graph.axes.items():
            if traced.memory(key) in outside:
                space.pin(f"parameter {key} is used elsewhere too")

    def _space(self, node: fx.Node) -> Space | None:
        if node.op == "output":
            self._outputs(node.args[0])
            return None
        if node.op == "get_attr":
            self.traced.use_elsewhere(key for key in self.traced.same if key == node.target)
        shape = shape_of(node)
        name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
        if shape is None or len(shape) < 2:
            if not (shape is None and node.op in ("call_function", "call_method") and name in QUERIES):
                self._stay(node)
            return None
        if node.op == "placeholder":
            return self.graph.space(shape[1], "network input")
        if node.op == "get_attr":
            return self.graph.space(shape[1], f"parameter {node.target} is used by itself")
        if node.op == "call_module":
            found = self._module(node, self.traced.modules[str(node.target)], shape)
        else:
            found = space_after(Call(self.graph, node, name, shape, self.spaces))
        return found if found is not None else self.graph.space(shape[1], self._stay(node))

    def _outputs(self, result: Any) -> None:
        made = self.spaces.get(result) if isinstance(result, fx.Node) else None
        if made is not None:
            self.output = made
            return
        for node, space in self.spaces.items():  # several outputs, or a scalar: all of them stay
            if space is not None and any(user.op == "output" for user in node.users):
                space.pin("one of several network outputs")
        self.output = self.graph.space(1, "network output")

    def _stay(self, node: fx.Node) -> str:
        """Nothing is known of the node: its inputs keep their order. Answers why, for what it makes."""
        why = f"operation {node.name}"
        if node.op == "call_module":
            why = f"module {node.target} ({type(self.traced.modules[str(node.target)]).__name__})"
        for source in node.all_input_nodes:
            space = self.spaces.get(source)
            if space is not None:
                space.pin(why)
        if node.op == "call_module":  # nor is it known how it uses its parameters
            self.traced.use_elsewhere(self.traced.keys_of(str(node.target)))
        return why

    def _module(self, node: fx.Node, module: nn.Module, shape: tuple[int, ...]) -> Space | None:
        source = node.all_input_nodes[0]
        into, before = self.spaces[source], shape_of(source) or ()
        name, dims = str(node.target), len(before)
        if into is None or len(node.all_input_nodes) > 1:
            return None
        if isinstance(module, (nn.Conv2d, *_PLANE)) and dims != 4:
            return None
        if isinstance(module, nn.Conv2d) or (isinstance(module, nn.Linear) and dims == 2):
            return self._layer(name, module, into, shape)
        per_channel = isinstance(module, nn.PReLU) and module.num_parameters > 1
        if isinstance(module, nn.modules.batchnorm._BatchNorm) or per_channel:
            self._vectors(name, module, ("weight", "bias", "running_mean", "running_var"), into)
            return into
        if isinstance(module, _CHANNELWISE) and shape[1] == before[1]:
            return into
        if isinstance(module, nn.Flatten) and module.start_dim == 1 and len(shape) == 2 and dims > 2:
            return self.graph.spread(into, math.prod(before[2:]))
        return None

    def _layer(
        self, name: str, module: nn.Conv2d | nn.Linear, into: Space, shape: tuple[int, ...]
    ) -> Space | None:
        """A layer that streams, or a depthwise convolution, which moves along."""
        groups = module.groups if isinstance(module, nn.Conv2d) else 1
        if groups == 1:
            key = self.traced.same[f"{name}.weight"]
            out = self.graph.axes.get((key, 0)) or self.graph.space(shape[1])
            self.graph.layer(name, key, out, into)
            self._vectors(name, module, ("bias",), out)
            return out
        if isinstance(module, nn.Conv2d) and groups == module.in_channels:
            out = self.graph.spread(into, module.out_channels // module.in_channels)
            self._vectors(name, module, ("weight", "bias"), out)
            return out
        return None

    def _vectors(self, name: str, module: nn.Module, fields: tuple[str, ...], space: Space) -> None:
        for one in fields:
            if getattr(module, one, None) is not None:
                self.graph.along(self.traced.same[f"{name}.{one}"], 0, space)
