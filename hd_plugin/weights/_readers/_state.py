"""Tensors by name (.npz, .safetensors, state dicts) -> layers, and a reason for every tensor that is none."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hd_plugin.errors import InputError
from hd_plugin.weights._readers._orientation import oriented
from hd_plugin.weights._readers._raw import DEPTHWISE, EMBEDDING, RawFile, RawLayer, Stored
from hd_plugin.weights._told import Unmapped

__all__ = ["COMPANIONS", "Tensor", "from_state"]

COMPANIONS = ("scale", "zero_point", "output_hw")
# Packed weights by the end of their names, who packs so, and what belongs to them.
_PACKED = {
    ".qweight": ("GPTQ or AWQ", (".qzeros", ".scales", ".g_idx")),
    ".weight_packed": (
        "compressed-tensors",
        (".weight_scale", ".weight_shape", ".weight_zero_point", ".weight_g_idx", ".weight_global_scale"),
    ),
}
_BITSANDBYTES = ".absmax"  # NAME.weight.absmax beside NAME.weight
_STATISTICS = re.compile(r"(^|[._])(bias|running_mean|running_var|num_batches_tracked)$")
_EMBEDDING = re.compile(
    r"(\w*_)?(emb|embed|embeddings?|wte|wpe|relative_attention_bias)|embed_(?!out$|proj)\w+"
)
_VECTOR = "a vector or a number (bias, norm, statistics): nothing to multiply by input channels"
_DEPTHWISE = f"{DEPTHWISE} (a guess from its shape: C = 1, several output channels and taps)"
_UNKNOWN = "not called NAME.weight, so its use is not known (--layer NAME streams it all the same)"


@dataclass(frozen=True, eq=False)
class Tensor:
    """One tensor of a file. kind : "f", "i" or "u" as NumPy has it, or the name of another type."""

    shape: tuple[int, ...]
    kind: str
    load: Callable[[], np.ndarray]


def from_state(path: Path, tensors: Mapping[str, Tensor], *, bare: bool = False) -> RawFile:
    """Tensors in file order -> layers, and everything else with its reason.

    bare : names need not end in ``.weight``, and NAME.scale, NAME.zero_point and NAME.output_hw may stand
    beside them (.npz). A file of tensors does not say which convolutions are depthwise: C == 1 with several
    output channels and taps is taken as one, except in the first 4-D tensor, where a grayscale stem looks the
    same. Nor does it say what an embedding is: that is guessed from names.
    """
    owned = _owned(tensors, bare)
    layers: list[RawLayer] = []
    unmapped: list[Unmapped] = []
    first_conv = True
    for key, tensor in tensors.items():
        if key in owned:
            continue
        name = key.removesuffix(".weight")
        reason = _why_not(key, tensor, tensors)
        convolves = not reason and len(tensor.shape) == 4
        if convolves and not first_conv and _depthwise(tensor.shape):
            reason = _DEPTHWISE
        first_conv &= not convolves
        if reason:
            unmapped.append(Unmapped(name if len(tensor.shape) > 1 else key, reason, tensor.shape))
            continue
        if not bare and name == key:
            layers.append(_layer(path, key, tensor, {}, _UNKNOWN))
            continue
        beside = {c: tensors[f"{name}.{c}"] for c in COMPANIONS if bare and f"{name}.{c}" in tensors}
        named = len(tensor.shape) == 2 and (_EMBEDDING.fullmatch(name.rsplit(".", 1)[-1]) or name == "shared")
        layers.append(_layer(path, name, tensor, beside, EMBEDDING if named and not beside else ""))
    biases = {la.name: tensors[f"{la.name}.bias"].shape for la in layers if f"{la.name}.bias" in tensors}
    layers, notes = oriented(path, layers, biases)
    return RawFile(layers, unmapped, notes)


def _owned(tensors: Mapping[str, Tensor], bare: bool) -> set[str]:
    """Keys that belong to a layer, or to packed weights, and are accounted for with them."""
    owned = set()
    for key in tensors:
        for ending, (_, rest) in _PACKED.items():
            if key.endswith(ending):
                owned |= {key.removesuffix(ending) + other for other in rest}
        if key.endswith(_BITSANDBYTES):
            weight = key.removesuffix(_BITSANDBYTES)
            owned |= {other for other in tensors if weight in tensors and other.startswith(f"{weight}.")}
        if bare and len(tensors[key].shape) in (2, 4):
            owned |= {f"{key.removesuffix('.weight')}.{c}" for c in COMPANIONS}
    return owned & set(tensors)


def _why_not(key: str, tensor: Tensor, tensors: Mapping[str, Tensor]) -> str:
    """The reason that a tensor can be no layer; "" where it can."""
    for ending, (packer, _) in _PACKED.items():
        if key.endswith(ending):
            return f"packed weights ({packer}): no reader for them yet; unpack them into floats"
    if f"{key}{_BITSANDBYTES}" in tensors:
        return "packed weights (bitsandbytes): no reader for them yet; unpack them into floats"
    if len(tensor.shape) < 2:
        return _VECTOR
    if _STATISTICS.search(key):
        return "a bias or statistics, by its name: nothing to multiply by input channels"
    if tensor.kind not in ("f", "i", "u"):
        return f"of type {tensor.kind}: real numbers that NumPy has are needed; convert it to float32"
    if len(tensor.shape) not in (2, 4):
        return f"of {len(tensor.shape)} dimensions: only [K, C] and [K, C, Fy, Fx] are mapped"
    return ""


def _depthwise(shape: tuple[int, ...]) -> bool:
    return shape[1] == 1 and shape[0] > 1 and shape[2] * shape[3] > 1


def _layer(path: Path, name: str, tensor: Tensor, beside: Mapping[str, Tensor], aside: str) -> RawLayer:
    where = f"{path}: layer {name!r}"
    if tensor.kind == "f" and ("scale" in beside or "zero_point" in beside):
        raise InputError(
            f"{where}: has a scale or zero_point but its weights are floats; store them as integers, or "
            "leave the scale out"
        )

    def load() -> Stored:
        scale, zero = (beside[c].load() if c in beside else None for c in ("scale", "zero_point"))
        return Stored(tensor.load(), scale, 0 if zero is None else zero)

    raw = RawLayer(name, tensor.shape, load, aside=aside)
    if "output_hw" not in beside:
        return raw
    found = np.asarray(beside["output_hw"].load())
    if found.shape != (2,) or found.dtype.kind not in "iu" or (found < 1).any():
        raise InputError(f"{where}: output_hw must be two whole numbers above 0, P and Q; found {found}")
    return replace(raw, output_hw=(int(found[0]), int(found[1])))
