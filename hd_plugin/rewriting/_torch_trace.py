"""A PyTorch network as torch.fx sees it: operations, shapes, and which parameters share their memory."""

from __future__ import annotations

import contextlib
import io
from collections import Counter
from collections.abc import Iterable
from typing import Any

import torch
from torch import fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from hd_plugin.errors import InputError

__all__ = ["Traced", "shape_of"]


def shape_of(node: fx.Node) -> tuple[int, ...] | None:
    """Sizes of the tensor that the node makes; None for anything else."""
    meta = node.meta.get("tensor_meta")
    return tuple(meta.shape) if hasattr(meta, "shape") else None


class Traced:
    """What is known of a network before its channels are.

    nodes : as they run. modules : by name. state : parameters and buffers by key.
    same : for each key the first one of the same memory and shape (weights that modules share). elsewhere :
    keys whose tensors are used where nobody knows what is done with their channels. Raises InputError when
    torch.fx cannot trace the network, and for parametrised or bfloat16 weights.
    """

    def __init__(self, model: nn.Module, example: torch.Tensor) -> None:
        name = type(model).__name__
        traced = _trace(model, example)
        self.nodes, self.modules = list(traced.graph.nodes), dict(traced.named_modules())
        self.state: dict[str, torch.Tensor] = {
            **dict(model.named_parameters(remove_duplicate=False)),
            **dict(model.named_buffers(remove_duplicate=False)),
        }
        for key, tensor in self.state.items():
            if ".parametrizations." in f".{key}" or tensor.dtype is torch.bfloat16:
                raise InputError(
                    f"{name}: {key!r} is parametrised or bfloat16; make it a plain float32 weight first"
                )
        first: dict[Any, str] = {}
        self.same = {
            key: first.setdefault((v.data_ptr(), tuple(v.shape)), key) for key, v in self.state.items()
        }
        own = set(self.same.values())
        memories = Counter(self.memory(key) for key in own)
        self.elsewhere = {key for key in own if memories[self.memory(key)] > 1}  # views of other shapes

    def memory(self, key: str) -> int:
        """Where the tensor's storage begins."""
        return self.state[key].untyped_storage().data_ptr()

    def use_elsewhere(self, keys: Iterable[str]) -> None:
        """These tensors have a use that nobody looked at."""
        self.elsewhere |= {self.same[key] for key in keys}

    def keys_of(self, module: str) -> list[str]:
        """Parameters and buffers of a module and what is inside of it."""
        return [key for key in self.state if key.startswith(f"{module}.")]


def _trace(model: nn.Module, example: torch.Tensor) -> fx.GraphModule:
    try:
        traced = fx.symbolic_trace(model)
        quiet = io.StringIO()  # ShapeProp writes a traceback of its own
        with torch.no_grad(), contextlib.redirect_stderr(quiet), contextlib.redirect_stdout(quiet):
            ShapeProp(traced).propagate(example)
        return traced
    except Exception as error:  # whatever the user's own forward raises under tracing
        told = (str(error) or "?").splitlines()[0]
        raise InputError(
            f"{type(model).__name__}: torch.fx cannot trace it ({type(error).__name__}: {told}); "
            "control flow must not depend on data, and the example must fit"
        ) from error
