"""A quantised network run with encoded products: every product of a layer comes from its encoding's table."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from hd_plugin.bits import encode
from hd_plugin.encoding_mac import Encoding, check_operands, table_sums, weight_places
from hd_plugin.errors import InputError, did_you_mean
from hd_plugin.training.data import normalise
from hd_plugin.training.evaluate import BATCH
from hd_plugin.training.integers import Steps, make_integer, watch_sums
from hd_plugin.training.quantised import quantised_layers
from hd_plugin.weights import Layer

__all__ = [
    "Assignment",
    "EncodedProduct",
    "EncodedScores",
    "LayerEncoding",
    "assign",
    "channels_second",
    "encoded_scores",
    "shrink",
    "unfold_places",
    "windows",
]


@dataclass(frozen=True, eq=False)
class LayerEncoding:
    """How a layer multiplies: through ``encoding``'s table.

    offset : added to its rounded inputs, so that signed ones meet an encoding of unsigned operands; offset
    times the sum of an output channel's weights is taken off its sums. correction : added to the sums of each
    output channel, float64[K], or None. Both belong into the bias and cost no hardware.
    """

    encoding: Encoding
    offset: int = 0
    correction: np.ndarray | None = None

    @property
    def zero(self) -> int:
        """Where an input of 0 stands in the table."""
        return self.offset + (1 << self.encoding.a_bits - 1 if self.encoding.a_signed else 0)


@dataclass(frozen=True, eq=False)
class Assignment:
    """How a network multiplies.

    how : by layer; products of the others are exact. steps : of inputs, ``bits`` wide, by layer. shrunk : by
    layer, the factor of its weights' steps, where they are rounded anew. notes : what a reader has to know
    of it.
    """

    how: Mapping[str, LayerEncoding]
    steps: Steps
    bits: int = 8
    shrunk: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def layers(self, layers: Sequence[Layer]) -> list[Layer]:
        """``layers``, those that are ``shrunk`` rounded anew."""
        return [shrink(la, self.shrunk[la.name]) if la.name in self.shrunk else la for la in layers]


@dataclass(frozen=True, eq=False)
class EncodedScores:
    """sums : float64[N, outputs], of the last layer, corrected, before its step and bias. top1 : in percent.
    loss : mean cross-entropy.
    """

    sums: np.ndarray = field(repr=False)
    top1: float
    loss: float


def assign(
    layers: Sequence[Layer], steps: Steps, encodings: Mapping[str, Encoding | None], bits: int = 8
) -> Assignment:
    """How each layer multiplies, with which steps.

    encodings : by layer; None, or no entry, is the exact product. Signed inputs meet an encoding of unsigned
    operands with an offset of half the range; unsigned ones meet an encoding of signed operands with half as
    many levels, as they do in an array of signed multipliers. Raises InputError for a layer that is not
    there, or an encoding of other widths.
    """
    by_name = {layer.name: layer for layer in layers}
    found: dict[str, LayerEncoding] = {}
    used, shifted, halved = dict(steps), [], []
    for name, encoding in encodings.items():
        if name not in by_name:
            raise InputError(f"layer {name!r}: not in the network; {did_you_mean(name, by_name)}")
        if encoding is None or name not in steps:  # a layer that never runs changes nothing
            continue
        check_operands(encoding, f"layer {name!r}", by_name[name].bits, bits, encoding.a_signed)
        step, signed = steps[name]
        offset = 1 << bits - 1 if signed and not encoding.a_signed else 0
        if offset:
            shifted.append(name)
        elif encoding.a_signed and not signed:
            used[name] = step * ((1 << bits) - 1) / ((1 << bits - 1) - 1), True
            halved.append(name)
        found[name] = LayerEncoding(encoding, offset)
    notes = []
    if shifted:
        notes.append(
            f"{_told(shifted)}: inputs are signed and the encoding's operands unsigned; {1 << bits - 1} is "
            "added to each, and what that makes is taken off in the bias"
        )
    if halved:
        notes.append(
            f"{_told(halved)}: inputs are unsigned and the encoding's operands signed; they have "
            f"{1 << bits - 1} levels in place of {1 << bits}"
        )
    return Assignment(found, used, bits, notes=tuple(notes))


def _told(names: Sequence[str]) -> str:
    return f"layer {names[0]!r}" if len(names) == 1 else f"{len(names)} layers"


def shrink(layer: Layer, factor: float) -> Layer:
    """Its real weights rounded to steps of ``factor`` times its own, symmetric; large ones are clipped."""
    if layer.weights is None:
        raise InputError(
            f"layer {layer.name!r}: holds integers, no real weights; they cannot be rounded anew"
        )
    top, scale = (1 << layer.bits - 1) - 1, np.asarray(layer.scale) * factor
    steps = scale.reshape((-1, 1, 1, 1) if scale.ndim else ())
    values = np.clip(np.rint(layer.weights / steps), -top, top).astype(np.int16)
    return replace(layer, codes=encode(values, layer.bits, layer.number_format), scale=scale)


def unfold_places(module: nn.Module, x: torch.Tensor, zero: int) -> tuple[torch.Tensor, tuple[int, ...]]:
    """A map or vectors, uint8, as uint8[C * taps, pixels of all images], and the shape of those pixels.

    zero : what stands for a zero beyond the edge. Raises InputError for padding by other than zeros.
    """
    if not isinstance(module, nn.Conv2d):
        return x.reshape(-1, x.shape[-1]).T.contiguous(), tuple(x.shape[:-1])
    if isinstance(module.padding, str) or (module.padding_mode != "zeros" and any(module.padding)):
        raise InputError(
            f"padding {module.padding!r}, mode {module.padding_mode!r} found; only a number of zeros is "
            "unfolded"
        )
    (high, wide), (Fy, Fx) = module.padding, module.kernel_size
    x = F.pad(x, (wide, wide, high, high), value=zero)
    P, Q = _outputs(module, x.shape[2], 0), _outputs(module, x.shape[3], 1)
    found = torch.empty((x.shape[1], Fy * Fx, x.shape[0], P, Q), dtype=torch.uint8)
    for tap, window in enumerate(windows(module, x, P, Q)):
        found[:, tap] = window.transpose(0, 1)
    return found.reshape(x.shape[1] * Fy * Fx, -1), (x.shape[0], P, Q)


def _outputs(module: nn.Conv2d, padded: int, axis: int) -> int:
    """Output pixels along an axis."""
    reach = module.dilation[axis] * (module.kernel_size[axis] - 1)
    return int((padded - reach - 1) // module.stride[axis] + 1)


def windows(module: nn.Conv2d, x: torch.Tensor, P: int, Q: int) -> list[torch.Tensor]:
    """What each tap sees of a padded map: views [N, C, P, Q], taps in the order of weights."""
    (Fy, Fx), (sy, sx), (dy, dx) = module.kernel_size, module.stride, module.dilation
    return [
        x[:, :, dy * y : dy * y + sy * (P - 1) + 1 : sy, dx * z : dx * z + sx * (Q - 1) + 1 : sx]
        for y in range(Fy)
        for z in range(Fx)
    ]


def channels_second(found: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """[K, pixels] as a module answers: [N, K, P, Q] or [..., K]."""
    found = found.reshape(len(found), *shape)
    return found.transpose(0, 1).contiguous() if len(shape) == 3 else found.movedim(0, -1).contiguous()


class EncodedProduct:
    """A layer's sums through a table: rounded inputs, as floats, in; corrected sums, float64, out."""

    def __init__(self, module: nn.Module, layer: Layer, how: LayerEncoding) -> None:
        self.module, self.how = module, how
        self.table, self.places = how.encoding.table(), weight_places(layer)
        self.taken_off = how.offset * layer.values.reshape(layer.K, -1).sum(1, dtype=np.int64)[:, None]

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        patches, shape = unfold_places(self.module, (x + self.how.zero).to(torch.uint8), self.how.zero)
        sums = (table_sums(self.table, self.places, patches.numpy()) - self.taken_off).astype(np.float64)
        if self.how.correction is not None:
            sums += self.how.correction[:, None]
        return channels_second(torch.from_numpy(sums), shape)


@torch.no_grad()
def encoded_scores(
    model: nn.Module,
    layers: Sequence[Layer],
    assigned: Assignment,
    images: torch.Tensor,
    labels: torch.Tensor,
    each: Callable[[], None] | None = None,
) -> EncodedScores:
    """Run ``images`` as ``integer_scores`` does, but encoded layers through their tables.

    A padded zero is an activation of value 0 and counts with what the table says of it; a constant is in
    every product. each : called before every batch. Raises InputError for a layer that the model lacks.
    """
    model = copy.deepcopy(model).eval()
    modules, how, steps = quantised_layers(model), assigned.how, assigned.steps
    for layer in assigned.layers(layers):
        if layer.name not in modules:
            raise InputError(f"layer {layer.name!r}: the model has no such layer")
        if layer.name not in steps:
            continue
        module = modules[layer.name]
        encoded = EncodedProduct(module, layer, how[layer.name]) if layer.name in how else None
        make_integer(module, layer, *steps[layer.name], assigned.bits, encoded)
    seen = watch_sums(modules, list(steps))
    right, loss = 0, 0.0
    for start in range(0, len(images), BATCH):
        if each is not None:
            each()
        y = labels[start : start + BATCH]
        out = model(normalise(images[start : start + BATCH]))
        right += int((out.argmax(1) == y).sum())
        loss += float(F.cross_entropy(out, y, reduction="sum"))
    return EncodedScores(torch.cat(seen).numpy(), 100 * right / len(images), loss / len(images))
