"""The channels of a PyTorch network, traced by torch.fx."""

from __future__ import annotations

import contextlib
import copy
import io
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from hd_plugin.errors import InputError
from hd_plugin.rewriting._channels import ChannelGraph, Space, order_of
from hd_plugin.rewriting._solve import Rewriting, solve
from hd_plugin.weights import Layer, quantise

__all__ = ["Rewritten", "rewrite_torch"]

_CHANNELWISE = (
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
    nn.MaxPool2d,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool2d,
    nn.AdaptiveMaxPool2d,
    nn.Upsample,
    nn.ZeroPad2d,
)
_CHANNELWISE_NAMES = {
    "relu",
    "relu_",
    "relu6",
    "leaky_relu",
    "elu",
    "gelu",
    "silu",
    "hardswish",
    "hardsigmoid",
    "hardtanh",
    "sigmoid",
    "tanh",
    "dropout",
    "max_pool2d",
    "avg_pool2d",
    "adaptive_avg_pool2d",
    "adaptive_max_pool2d",
    "interpolate",
    "clamp",
    "contiguous",
    "float",
    "neg",
    "abs",
    "clone",
    "detach",
    "boolean_dispatch",
}
_PLANE = (
    nn.MaxPool2d,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool2d,
    nn.AdaptiveMaxPool2d,
    nn.Upsample,
    nn.ZeroPad2d,
)  # of images only
_PLANE_NAMES = {
    "max_pool2d",
    "avg_pool2d",
    "adaptive_avg_pool2d",
    "adaptive_max_pool2d",
    "interpolate",
    "boolean_dispatch",
}
_QUERIES = {
    "size",
    "dim",
    "getattr",
    "numel",
    "len",
    "ndimension",
}  # of a tensor's sizes, which no order changes
_ELEMENTWISE_NAMES = {
    "add",
    "iadd",
    "add_",
    "sub",
    "isub",
    "sub_",
    "mul",
    "imul",
    "mul_",
    "truediv",
    "div",
    "div_",
    "maximum",
    "minimum",
}


@dataclass(frozen=True, eq=False)
class Rewritten:
    """model : a copy with its channels reordered. layers : the reordered codes. told : what happened to each layer.

    output_order : int64[outputs]; output i of ``model`` is output output_order[i] of the original. layer_orders : the same for each of ``layers``.
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
    bits: int = 4,
    effort: str = "local",
    seed: int = 0,
    threads: int | None = None,
) -> Rewritten:
    """``model`` with the output channels of every layer in an order that flips few bits, and the channels of the layers after it to match.

    Method ``direct`` (paper, section 5 and Figure 7) for a whole network: no hardware is needed. Batch norms, biases and depthwise
    convolutions move along; channels that an addition or a concatenation ties get one order that suits all; around an
    operation that is not known, channels stay where they are.

    example : an input of the network, any batch size. layers : codes by module name; without them weights are rounded to
    ``bits`` bits. outputs : "keep" the network's outputs where they are, or "permute" them too. Raises InputError when torch.fx
    cannot trace the network, for parametrised weights, and for codes of another size. The copy is in evaluation mode.
    """
    if outputs not in ("keep", "permute"):
        raise InputError(f"outputs: {outputs!r} found; keep or permute")
    try:
        model = copy.deepcopy(model).eval()
    except RuntimeError as error:
        raise InputError(
            f"{type(model).__name__}: cannot be copied ({str(error).splitlines()[0]}); make pruned or normalised weights plain ones first"
        ) from error
    channels = _Trace(model, example)
    if layers is None:
        layers = {w.name: _layer(w.name, model.get_submodule(w.name), bits) for w in channels.graph.weights}
    if outputs == "keep":
        channels.output.pin("network output")
    solution = solve(channels.graph, layers, effort, seed, threads)
    moved = {
        key: solution.permuted(key, channels.state[key].detach().cpu().numpy())
        for key in {k for k, _ in channels.graph.axes}
    }
    with torch.no_grad():
        for key, values in moved.items():
            channels.state[key].copy_(torch.from_numpy(np.ascontiguousarray(values)))
    outs = {weight.name: order_of(weight.out, solution.orders) for weight in channels.graph.weights}
    return Rewritten(
        model,
        list(solution.layers.values()),
        solution.told,
        order_of(channels.output, solution.orders),
        [outs[n] for n in solution.layers],
    )


def _layer(name: str, module: nn.Module, bits: int) -> Layer:
    weight = module.weight.detach().cpu().numpy().astype(np.float32)
    integers, scale = quantise(weight, bits, per_channel=False, where=name)
    return Layer.from_values(name, integers, bits, scale=scale, weights=weight)


class _Trace:
    """``graph`` of the network, and the space of its ``output``."""

    def __init__(self, model: nn.Module, example: torch.Tensor) -> None:
        self.model, self.graph, self.spaces = model, ChannelGraph(), {}
        try:
            traced = fx.symbolic_trace(model)
            # ShapeProp writes a traceback of its own
            with (
                torch.no_grad(),
                contextlib.redirect_stderr(io.StringIO()),
                contextlib.redirect_stdout(io.StringIO()),
            ):
                ShapeProp(traced).propagate(example)
        except Exception as error:  # whatever the user's own forward raises under tracing
            raise InputError(
                f"{type(model).__name__}: torch.fx cannot trace it ({type(error).__name__}: {(str(error) or '?').splitlines()[0]}); control flow "
                "must not depend on data, and the example must fit"
            ) from error
        self.state = {
            **dict(model.named_parameters(remove_duplicate=False)),
            **dict(model.named_buffers(remove_duplicate=False)),
        }
        if wrong := [
            k for k, v in self.state.items() if ".parametrizations." in f".{k}" or v.dtype is torch.bfloat16
        ]:
            raise InputError(
                f"{type(model).__name__}: {wrong[0]!r} is parametrised or bfloat16; make it a plain float32 weight first"
            )
        first: dict[Any, str] = {}
        self.same = {
            key: first.setdefault((v.data_ptr(), tuple(v.shape)), key) for key, v in self.state.items()
        }  # weights that modules share
        memories = Counter(self._memory(key) for key in set(self.same.values()))
        self.elsewhere = {
            key for key in set(self.same.values()) if memories[self._memory(key)] > 1
        }  # views of one memory, of other shapes
        self.modules = dict(traced.named_modules())
        for node in traced.graph.nodes:
            self.spaces[node] = self._space(node)
        outside = {self._memory(key) for key in self.elsewhere}
        for (key, _), space in self.graph.axes.items():
            if self._memory(key) in outside:
                space.pin(f"parameter {key} is used elsewhere too")

    def _memory(self, key: str) -> int:
        return self.state[key].untyped_storage().data_ptr()

    def _space(self, node: fx.Node) -> Space | None:
        if node.op == "output":
            return self._outputs(node.args[0])
        if node.op == "get_attr":
            self.elsewhere |= {self.same[key] for key in self.same if key == node.target}
        shape, name = (
            self._shape(node),
            node.target if isinstance(node.target, str) else getattr(node.target, "__name__", ""),
        )
        if shape is None or len(shape) < 2:
            if not (shape is None and node.op in ("call_function", "call_method") and name in _QUERIES):
                self._stay([n for n in node.all_input_nodes if self.spaces.get(n)], node)
            return None
        if node.op == "placeholder":
            return self.graph.space(shape[1], "network input")
        if node.op == "get_attr":
            return self.graph.space(shape[1], f"parameter {node.target} is used by itself")
        if node.op == "call_module":
            return self._module(node, self.modules[node.target], shape)
        return self._function(node, name, shape)

    def _outputs(self, result: Any) -> None:
        if isinstance(result, fx.Node) and self.spaces.get(result) is not None:
            self.output = self.spaces[result]
            return
        for node in self.spaces:  # several outputs, or a scalar: all of them stay
            if self.spaces[node] is not None and any(user.op == "output" for user in node.users):
                self.spaces[node].pin("one of several network outputs")
        self.output = self.graph.space(1, "network output")

    @staticmethod
    def _shape(node: fx.Node) -> tuple[int, ...] | None:
        meta = node.meta.get("tensor_meta")
        return tuple(meta.shape) if hasattr(meta, "shape") else None

    def _stay(self, nodes: list[fx.Node], at: fx.Node) -> str:
        """Nothing is known of the node: its inputs keep their order, and so does what it makes."""
        why = (
            f"operation {at.name}"
            if at.op != "call_module"
            else f"module {at.target} ({type(self.modules[at.target]).__name__})"
        )
        for node in nodes:
            if self.spaces.get(node) is not None:
                self.spaces[node].pin(why)
        if at.op == "call_module":  # nor is it known how it uses its parameters
            self.elsewhere |= {self.same[key] for key in self.same if key.startswith(f"{at.target}.")}
        return why

    def _unknown(self, node: fx.Node, shape: tuple[int, ...]) -> Space:
        return self.graph.space(shape[1], self._stay(list(node.all_input_nodes), node))

    def _module(self, node: fx.Node, module: nn.Module, shape: tuple[int, ...]) -> Space:
        source = node.all_input_nodes[0]
        into, dims = self.spaces[source], len(self._shape(source) or ())
        name, graph = str(node.target), self.graph
        if into is None:
            return self._unknown(node, shape)
        if len(node.all_input_nodes) > 1 or (isinstance(module, (nn.Conv2d, *_PLANE)) and dims != 4):
            return self._unknown(node, shape)
        if (isinstance(module, nn.Conv2d) and module.groups == 1) or (
            isinstance(module, nn.Linear) and dims == 2
        ):
            key = self.same[f"{name}.weight"]
            out = graph.axes.get((key, 0)) or graph.space(shape[1])
            graph.layer(name, key, out, into)
            self._vectors(name, module, ("bias",), out)
            return out
        if isinstance(module, nn.Conv2d) and module.groups == module.in_channels:
            out = graph.spread(into, module.out_channels // module.in_channels)
            self._vectors(name, module, ("weight", "bias"), out)
            return out
        if isinstance(module, nn.modules.batchnorm._BatchNorm) or (
            isinstance(module, nn.PReLU) and module.num_parameters > 1
        ):
            self._vectors(name, module, ("weight", "bias", "running_mean", "running_var"), into)
            return into
        if isinstance(module, _CHANNELWISE + (nn.PReLU,)) and shape[1] == self._shape(source)[1]:
            return into
        if isinstance(module, nn.Flatten) and module.start_dim == 1 and len(shape) == 2 and dims > 2:
            return graph.spread(into, math.prod(self._shape(source)[2:]))
        return self._unknown(node, shape)

    def _vectors(self, name: str, module: nn.Module, fields: tuple[str, ...], space: Space) -> None:
        for one in fields:
            if getattr(module, one, None) is not None:
                self.graph.along(self.same[f"{name}.{one}"], 0, space)

    def _function(self, node: fx.Node, name: str, shape: tuple[int, ...]) -> Space:
        tensors = [n for n in node.all_input_nodes if self.spaces.get(n) is not None]
        others = [
            n for n in node.all_input_nodes if n not in tensors and self._shape(n) is not None
        ]  # 1-D tensors
        if not tensors or others:
            return self._unknown(node, shape)
        first, before, graph = self.spaces[tensors[0]], self._shape(tensors[0]), self.graph
        if name in _ELEMENTWISE_NAMES:
            return self._elementwise(node, tensors, shape)
        plane = name in _PLANE_NAMES or node.target in (F.max_pool2d, F.adaptive_max_pool2d)
        if (
            (name in _CHANNELWISE_NAMES or plane)
            and len(tensors) == 1
            and shape[1] == before[1]
            and (len(before) == 4 or not plane)
        ):
            return first
        if (
            name in ("cat", "concat")
            and (node.kwargs.get("dim", node.args[1] if len(node.args) > 1 else 0) % len(shape)) == 1
        ):
            given = node.args[0] if node.args else node.kwargs["tensors"]
            return (
                graph.side_by_side([self.spaces[n] for n in given])
                if all(self.spaces.get(n) for n in given)
                else self._unknown(node, shape)
            )
        if name == "pad" and len(tensors) == 1:
            widths = [*(node.args[1] if len(node.args) > 1 else node.kwargs["pad"]), *[0] * 8]
            at = 2 * (len(shape) - 2)
            low, high = widths[at : at + 2]
            mode = node.args[2] if len(node.args) > 2 else node.kwargs.get("mode", "constant")
            whole = all(isinstance(w, int) for w in widths) and not any(widths[at + 2 :])
            if (
                whole
                and (mode == "constant" or low == high == 0)
                and first.repeat == 1
                and low >= 0
                and high >= 0
            ):
                return graph.side_by_side(
                    [*([graph.space(low)] if low else []), first, *([graph.space(high)] if high else [])]
                )
        if name == "mean":
            dims = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim")
            dims = [dims] if isinstance(dims, int) else list(dims) if isinstance(dims, (tuple, list)) else []
            if dims and all(isinstance(d, int) for d in dims) and min(d % len(before) for d in dims) >= 2:
                return first
        if (
            name == "getitem"
            and len(tensors) == 1
            and tensors[0] is node.args[0]
            and (part := self._slice(node.args[1], first, before)) is not None
        ):
            return part
        if (
            name in ("flatten", "view", "reshape", "squeeze")
            and len(shape) == 2
            and shape[0] == before[0]
            and len(before) > 2
        ):
            return graph.spread(first, math.prod(before[2:]))
        if (
            name in ("view", "reshape", "flatten", "squeeze", "unsqueeze")
            and shape[:2] == before[:2]
            and math.prod(shape[2:]) == math.prod(before[2:])
        ):
            return first
        return self._unknown(node, shape)

    def _elementwise(self, node: fx.Node, tensors: list[fx.Node], shape: tuple[int, ...]) -> Space:
        if any(len(self._shape(n)) != len(shape) for n in tensors) or len(tensors) < len(
            [a for a in node.all_input_nodes if self._shape(a)]
        ):
            return self._unknown(node, shape)
        wide = [self.spaces[n] for n in tensors if self._shape(n)[1] == shape[1]]
        for other in wide[1:]:
            self.graph.tie(wide[0], other)
        return wide[0]

    def _slice(self, index: Any, space: Space, before: tuple[int, ...]) -> Space | None:
        index = index if isinstance(index, tuple) else (index,)
        if not all(isinstance(i, slice) for i in index) or any(
            isinstance(b, fx.Node) for i in index for b in (i.start, i.stop, i.step)
        ):
            return None
        if len(index) < 2 or index[1] == slice(None):
            return space
        start, stop, step = index[1].indices(before[1])
        return self.graph.part(space, start, stop) if step == 1 and stop > start else None
