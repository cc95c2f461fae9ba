"""What an ONNX model says of its tensors: values, shapes, who makes them and who reads them."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

from hd_plugin.errors import InputError
from hd_plugin.weights import stored_tensors

__all__ = ["OnnxModel"]

_QUANTISING = ("DequantizeLinear", "QuantizeLinear", "Identity")


class OnnxModel:
    """stored : tensors by name, constants included. maker : the node that makes each other tensor.

    Raises InputError where shapes cannot be inferred.
    """

    def __init__(self, path: Path, onnx: ModuleType, model: Any) -> None:
        self.onnx, self.model, self.nodes = onnx, model, list(model.graph.node)
        self.stored = stored_tensors(model.graph)
        self.maker = {out: node for node in self.nodes for out in node.output}
        self.inputs, self.outputs = model.graph.input, [o.name for o in model.graph.output]
        self.wanted = {name for node in self.nodes for name in self.reads(node)} | set(self.outputs)
        self._shapes = self._inferred(path)

    def _inferred(self, path: Path) -> dict[str, tuple[int, ...]]:
        infer = self.onnx.shape_inference
        try:
            graph = infer.infer_shapes(self.model, strict_mode=True, data_prop=True).graph
        except infer.InferenceError as error:
            raise InputError(
                f"{path}: the shapes of its tensors cannot be inferred ({str(error).splitlines()[0]})"
            ) from error
        return {
            info.name: tuple(d.dim_value for d in info.type.tensor_type.shape.dim)
            for info in (*graph.input, *graph.value_info, *graph.output)
            if info.type.HasField("tensor_type")
        }

    def reads(self, node: Any) -> list[str]:
        """Inputs of a node, and what graphs inside of it (branches, loops) take from outside."""
        inner = [
            g
            for a in node.attribute
            for g in ([a.g] if a.type == self.onnx.AttributeProto.GRAPH else a.graphs)
        ]
        taken = [name for g in inner for n in g.node for name in self.reads(n)]
        return [name for name in node.input if name] + taken + [o.name for g in inner for o in g.output]

    def shape(self, name: str) -> tuple[int, ...]:
        """Sizes; 0 where one is not known. The batch may be unknown, nothing else."""
        return tuple(self.stored[name].dims) if name in self.stored else self._shapes.get(name, ())

    def attribute(self, node: Any, name: str, default: Any) -> Any:
        values = (self.onnx.helper.get_attribute_value(a) for a in node.attribute if a.name == name)
        return next(values, default)

    def numbers(self, name: str) -> list[int]:
        """The values of a stored tensor, one after the other; none of another."""
        if name not in self.stored:
            return []
        return self.onnx.numpy_helper.to_array(self.stored[name]).reshape(-1).tolist()

    def root(self, name: str) -> str | None:
        """The stored tensor that ``name`` is, or is quantised or dequantised from; None for an activation."""
        if name in self.stored:
            return name
        node = self.maker.get(name)
        if node is None or node.op_type not in _QUANTISING:
            return None
        return self.root(node.input[0])

    def sizes(self, name: str) -> tuple[int, ...]:
        """The shape of the stored tensor behind ``name``, or its own."""
        return self.shape(self.root(name) or name)

    def told(self, node: Any) -> str:
        """The node, as errors and reasons name it."""
        return f"operation {node.op_type} {node.name or node.output[0]!r}"
