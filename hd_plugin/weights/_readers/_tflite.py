"""TensorFlow Lite models: CONV_2D and FULLY_CONNECTED weights in the order of the graph's operators."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np

from hd_plugin.errors import InputError
from hd_plugin.weights._readers._raw import DAMAGE, RawLayer, check_integer_scale, need
from hd_plugin.weights._told import Unmapped

__all__ = ["read"]

_CONV, _DEPTHWISE, _DEQUANTIZE, _LINEAR = 3, 4, 6, 9  # BuiltinOperator
_OTHERS = {67: "transposed convolution", 132: "3-D convolution"}
_INT4 = 17  # TensorType
_DTYPES = {0: "<f4", 1: "<f2", 3: "u1", 9: "i1", 7: "<i2", 2: "<i4", 10: "<f8"}
# Converters append the operation and the fake-quantisation node to the layer's own name.
_TAIL = re.compile(
    r"/(Conv2D|depthwise|MatMul|weights|kernel|BiasAdd)(_Fold|_quant|\d)*(/FakeQuant\w*|/ReadVariableOp\w*)?$"
)


def read(path: Path) -> tuple[list[RawLayer], list[Unmapped]]:
    """Layers of the main graph; (P, Q) from the output tensors. [K, Fy, Fx, C] becomes [K, C, Fy, Fx].

    A layer's name is its weight tensor's, up to the first ``;`` and without the converter's tail.
    Raises InputError on a damaged file; MissingTool without the tflite package.
    """
    tflite = need("tflite", "tflite")
    data = path.read_bytes()
    if data[4:8] != b"TFL3":
        raise InputError(f"{path}: not a TensorFlow Lite model (bytes 4 to 8 are {data[4:8]!r}, not b'TFL3')")
    try:
        model = tflite.Model.GetRootAsModel(data, 0)
        _touch_everything(model)
        return _Graph(path, model).layers()
    except InputError:
        raise
    except DAMAGE as error:  # flatbuffers checks nothing: a damaged offset ends anywhere
        raise InputError(
            f"{path}: damaged TensorFlow Lite model ({type(error).__name__}: {error}); "
            "is the download complete?"
        ) from error


def _touch_everything(model) -> None:
    """Read every buffer and tensor, needed or not: one that lies beyond the end of a cut file raises here."""
    for i in range(model.BuffersLength()):
        model.Buffers(i).DataAsNumpy()
    for s in range(model.SubgraphsLength()):
        graph = model.Subgraphs(s)
        for i in range(graph.TensorsLength()):
            tensor = graph.Tensors(i)
            (tensor.Name() or b"").decode("utf-8")
            _shape(tensor)
            q = tensor.Quantization()
            if q is not None:
                q.ScaleAsNumpy(), q.ZeroPointAsNumpy(), q.MinAsNumpy(), q.MaxAsNumpy()
        for i in range(graph.OperatorsLength()):
            operator = graph.Operators(i)
            operator.InputsAsNumpy(), operator.OutputsAsNumpy(), operator.BuiltinOptions()


class _Graph:
    """The main subgraph of one file."""

    def __init__(self, path: Path, model) -> None:
        if model.SubgraphsLength() < 1:
            raise InputError(f"{path}: the model has no graph")
        self.path, self.model, self.graph = path, model, model.Subgraphs(0)
        self.dequantized: dict[int, int] = {}

    def layers(self) -> tuple[list[RawLayer], list[Unmapped]]:
        layers: list[RawLayer] = []
        unmapped: list[Unmapped] = []
        seen: dict[str, int] = {}
        for i in range(self.graph.OperatorsLength()):
            operator = self.graph.Operators(i)
            code = self.model.OperatorCodes(operator.OpcodeIndex())
            kind = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
            if kind == _DEQUANTIZE:
                self.dequantized[operator.Outputs(0)] = operator.Inputs(0)
            if kind not in (_CONV, _DEPTHWISE, _LINEAR, *_OTHERS):
                continue
            index = operator.Inputs(1)
            tensor = self._tensor(self.dequantized.get(index, index))
            name = _TAIL.sub("", tensor.Name().decode("utf-8").split(";")[0])
            seen[name] = seen.get(name, 0) + 1
            name += f"#{seen[name]}" if seen[name] > 1 else ""
            reason = self._why_not(kind, operator, tensor)
            if reason:
                unmapped.append(Unmapped(name, reason))
            else:
                layers.append(self._layer(name, kind, tensor, self._tensor(operator.Outputs(0))))
        return layers, unmapped

    def _tensor(self, index: int):
        if not 0 <= index < self.graph.TensorsLength():
            raise InputError(
                f"{self.path}: damaged TensorFlow Lite model: tensor {index} of "
                f"{self.graph.TensorsLength()} is named"
            )
        return self.graph.Tensors(index)

    def _bytes(self, tensor) -> np.ndarray:
        found = self.model.Buffers(tensor.Buffer()).DataAsNumpy()
        return np.zeros(0, np.uint8) if isinstance(found, int) else found  # 0 stands for "no data"

    def _why_not(self, kind: int, operator, tensor) -> str:
        if kind == _DEPTHWISE:
            return "depthwise convolution"
        if kind in _OTHERS:
            return _OTHERS[kind]
        if self._bytes(tensor).size == 0 and 0 not in _shape(tensor):
            return "its weights are computed, not stored"
        if kind == _CONV:
            channels, own = _shape(self._tensor(operator.Inputs(0)))[-1], _shape(tensor)[-1]
            if own and channels > own and channels % own == 0:
                return f"grouped convolution, groups={channels // own}"
        return ""

    def _layer(self, name: str, kind: int, tensor, output) -> RawLayer:
        where = f"{self.path}: layer {name!r}"
        shape, out = _shape(tensor), _shape(output)
        if len(shape) != (4 if kind == _CONV else 2):
            raise InputError(f"{where}: weights of shape {shape} found; the file is damaged")
        values = self._values(where, tensor, shape)
        hw: tuple[int, int] | None = (1, 1)
        if kind == _CONV:
            values = values.transpose(0, 3, 1, 2)
            if len(out) != 4 or out[3] != shape[0]:
                raise InputError(
                    f"{where}: output of shape {out} does not belong to {shape[0]} filters; "
                    "the file is damaged"
                )
            hw = (out[1], out[2]) if min(out[1:3]) > 0 else None
        if values.dtype.kind == "f":
            return RawLayer(name, values, output_hw=hw)
        q = tensor.Quantization()
        if q is None or q.ScaleLength() == 0:
            raise InputError(
                f"{where}: {values.dtype} weights without a scale; convert the model again with full "
                "quantisation"
            )
        if q.ScaleLength() > 1 and q.QuantizedDimension() != 0:
            raise InputError(
                f"{where}: scales along dimension {q.QuantizedDimension()}; output channels (0) are needed"
            )
        zero = q.ZeroPointAsNumpy() if q.ZeroPointLength() else 0
        scale, zero = check_integer_scale(where, shape[0], q.ScaleAsNumpy(), zero)
        return RawLayer(name, values, scale, zero, hw)

    def _values(self, where: str, tensor, shape: list[int]) -> np.ndarray:
        raw, size = self._bytes(tensor), math.prod(shape)
        int4 = tensor.Type() == _INT4
        if not int4 and tensor.Type() not in _DTYPES:
            raise InputError(
                f"{where}: weights of tensor type {tensor.Type()} are not supported; "
                "float16/32, int4/8/16 and uint8 are"
            )
        dtype = np.dtype(np.uint8 if int4 else _DTYPES[tensor.Type()])
        needed = (size + 1) // 2 if int4 else size * dtype.itemsize
        if min(shape) < 0 or raw.size != needed:
            raise InputError(
                f"{where}: {raw.size} bytes found where shape {shape} needs {needed}; the file is damaged"
            )
        if int4:  # two to a byte, the low half first
            pairs = np.stack([raw & 15, raw >> 4], axis=1).ravel()[:size].astype(np.int8)
            return np.where(pairs > 7, pairs - 16, pairs).astype(np.int8).reshape(shape)
        return raw.view(dtype).reshape(shape)


def _shape(tensor) -> list[int]:
    return [int(tensor.Shape(i)) for i in range(tensor.ShapeLength())]
