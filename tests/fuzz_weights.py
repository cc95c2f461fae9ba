"""Weights files for the fuzz. Names and shapes are compared: the numbers are whatever the file holds."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from fuzz_case import Case
from fuzz_tflite import tflite_model

import hd_plugin as hd
from hd_plugin._wording import printable

__all__ = ["CASES"]

_RNG = np.random.default_rng(0)
_CONV = _RNG.normal(size=(6, 4, 3, 3)).astype(np.float32)
_LINEAR = _RNG.normal(size=(5, 6)).astype(np.float32)
_WHOLE = _RNG.integers(-7, 8, (6, 3, 3, 4)).astype(np.int8)


def _weights(path: Path) -> Any:
    """Names and shapes of all that is mapped, and how many tensors are told of at all."""
    network = hd.load_network(path, bits=8)
    layers = [[la.name, list(la.codes.shape)] for la in network.layers]
    return {"layers": layers, "at_least": len(network.layers) + len(network.unmapped)}


def _of_arrays(shapes: dict[str, tuple[int, ...]], kinds: dict[str, str] | None = None) -> Any:
    """The same, of tensors by key: weights have 2 or 4 sizes, the rest is told."""
    layers = {}
    for key, shape in shapes.items():
        if (
            len(shape) in (2, 4)
            and (kinds is not None or key.endswith(".weight"))
            and (kinds is None or kinds[key] in "fiu")
        ):
            layers[printable(key.removesuffix(".weight"))] = [*shape, 1, 1][:4]
    beside = [k for k in shapes if printable(k).rpartition(".")[0] in layers and not k.endswith(".bias")]
    beside = [key for key in beside if not key.endswith(".weight")]
    return {"layers": [list(pair) for pair in layers.items()], "at_least": len(shapes) - len(beside)}


def _npz(path: Path) -> Any:
    with np.load(path) as found:
        arrays = {key: found[key] for key in found.files}
    with zipfile.ZipFile(path) as archive:
        named = {name[:-4] for name in archive.namelist() if name.endswith(".npy")}
        foreign = len(archive.namelist()) - len(named)
    arrays = {key: array for key, array in arrays.items() if key in named}
    kinds = {key: array.dtype.kind for key, array in arrays.items()}
    told = _of_arrays({key: array.shape for key, array in arrays.items()}, kinds)
    return told | {"at_least": told["at_least"] + foreign}


def _safetensors(path: Path) -> Any:
    data = path.read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return _of_arrays({k: tuple(v["shape"]) for k, v in header.items() if k != "__metadata__"})


def _torch(path: Path) -> Any:
    import torch

    return _of_arrays({k: tuple(v.shape) for k, v in torch.load(path, weights_only=True).items()})


def _onnx(path: Path) -> Any:
    """How many stored tensors of two sizes or more there are."""
    import onnx

    stored = onnx.load(path).graph.initializer
    return {"at_least": sum(len(tensor.dims) > 1 for tensor in stored)}


def _tflite(path: Path) -> Any:
    """How many tensors with numbers there are in the first graph."""
    import tflite

    model = tflite.Model.GetRootAsModel(path.read_bytes(), 0)
    graph = model.Subgraphs(0)
    held = [model.Buffers(graph.Tensors(i).Buffer()).DataLength() for i in range(graph.TensorsLength())]
    return {"at_least": sum(size > 0 for size in held)}


def _count(path: Path) -> Any:
    told = _weights(path)
    return {"at_least": told["at_least"]}


def _rewritten(path: Path) -> Any:
    from hd_plugin.rewriting.onnx_network import rewrite_onnx

    return {told.name: told.flips for told in rewrite_onnx(path, None, effort="greedy").told}


def _make_npz(save: Callable[..., None]) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        arrays = {"conv.weight": _CONV, "conv.output_hw": np.array([8, 8]), "fc.weight": _LINEAR}
        save(path, **arrays, **{"int.weight": _WHOLE, "int.scale": np.full(6, 0.5)})

    return make


def _make_safetensors(path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"conv.weight": _CONV, "fc.weight": _LINEAR, "fc.bias": _LINEAR[:, 0].copy()}, path)


def _make_torch(new: bool) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        import torch

        state = {"conv.weight": _CONV, "fc.weight": _LINEAR, "fc.bias": _LINEAR[:, 0].copy()}
        tensors = {key: torch.from_numpy(value) for key, value in state.items()}
        torch.save(tensors, path, _use_new_zipfile_serialization=new)

    return make


def _make_onnx(path: Path) -> None:
    import onnx

    h = onnx.helper
    image = h.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["N", 4, 10, 12])
    nodes = [
        h.make_node("DequantizeLinear", ["q", "s"], ["w"], axis=0),
        h.make_node("Conv", ["x", "w"], ["c"], name="conv", strides=[2, 2], pads=[1, 1, 1, 1]),
        h.make_node("GlobalAveragePool", ["c"], ["p"]),
        h.make_node("Flatten", ["p"], ["f"]),
        h.make_node("Gemm", ["f", "fc"], ["y"], name="fc", transB=1),
    ]
    whole = np.ascontiguousarray(_WHOLE.transpose(0, 3, 1, 2))
    stored = {"q": whole, "s": np.full(6, 0.5, np.float32), "fc": _LINEAR}
    tensors = [onnx.numpy_helper.from_array(value, key) for key, value in stored.items()]
    graph = h.make_graph(nodes, "g", [image], [h.make_tensor_value_info("y", 1, None)], tensors)
    onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 13)]), path)


CASES = [
    Case("npz", "n.npz", "zip", _make_npz(np.savez), _weights, _npz),
    Case("npz-packed", "n.npz", "zip", _make_npz(np.savez_compressed), _weights, _npz),
    Case("safetensors", "n.safetensors", "safetensors", _make_safetensors, _weights, _safetensors),
    Case("pt", "n.pt", "zip", _make_torch(True), _weights, _torch),
    Case("pt-old", "n.pt", "bytes", _make_torch(False), _weights, _torch),
    Case("onnx", "n.onnx", "bytes", _make_onnx, _count, _onnx),
    Case("onnx-rewritten", "n.onnx", "bytes", _make_onnx, _rewritten, lambda path: {}),
    Case(
        "tflite",
        "n.tflite",
        "bytes",
        lambda p: p.write_bytes(tflite_model(_WHOLE, _WHOLE.reshape(6, 36))),
        _count,
        _tflite,
    ),
]
