"""Activations as the array loads them: a layer's own, random ones, or drawn from what real layers see."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from hd_plugin._journal import Journal
from hd_plugin.errors import InputError, did_you_mean
from hd_plugin.streaming import check_seed
from hd_plugin.weights import Layer

__all__ = ["KINDS", "Activations", "random_activations", "sampled_activations", "tiles_of"]

KINDS = ("relu", "linear")


@dataclass(frozen=True, eq=False)
class Activations:
    """A layer's inputs as the array loads them.

    patches : integers[C, taps, pixels]; for a 1x1 layer its input map itself. signed : two's complement, else
    unsigned. bits : their width, 1 to 16. Raises InputError for another shape, or values that do not fit.
    """

    patches: np.ndarray
    bits: int = 8
    signed: bool = False

    def __post_init__(self) -> None:
        patches = np.asarray(self.patches)
        object.__setattr__(self, "patches", patches)
        if not 1 <= self.bits <= 16:
            raise InputError(f"activations: bits: {self.bits} found; a whole number from 1 to 16 is needed")
        half = 1 << self.bits - 1
        low, high = (-half, half - 1) if self.signed else (0, 2 * half - 1)
        if patches.ndim != 3 or not patches.size or not np.issubdtype(patches.dtype, np.integer):
            raise InputError(
                f"activations: {patches.dtype}{list(patches.shape)} found; integers[C, taps, pixels] "
                "are needed"
            )
        if patches.min() < low or patches.max() > high:
            raise InputError(
                f"activations: {patches.min()} to {patches.max()} found; {self.bits} bits, "
                f"{'signed' if self.signed else 'unsigned'}, hold {low} to {high}"
            )

    @property
    def patterns(self) -> np.ndarray:
        """The bits of each, uint16[C, taps, pixels]."""
        mask = (1 << self.bits) - 1
        return np.ascontiguousarray(self.patches.astype(np.int64) & mask, np.uint16)

    @property
    def digest(self) -> str:
        """Of all that it holds."""
        return Journal.key("activations", (self.patches, self.bits, self.signed)).hex()

    @classmethod
    def from_map(
        cls,
        image: np.ndarray,
        Fy: int,
        Fx: int,
        stride: int = 1,
        padding: int = 0,
        bits: int = 8,
        signed: bool = False,
    ) -> Activations:
        """From an input map, integers[C, H, W], padded with 0. Raises InputError if it is too small."""
        shape = list(np.shape(image))
        if len(shape) != 3 or padding < 0 or stride < 1:
            raise InputError(
                f"activations: a map of shape {shape}, stride {stride}, padding {padding} found; [C, H, W], "
                "at least 1 and at least 0 are needed"
            )
        padded = np.pad(np.asarray(image), ((0, 0), (padding, padding), (padding, padding)))
        if padded.shape[1] < Fy or padded.shape[2] < Fx:
            raise InputError(f"activations: a map of shape {shape} is too small for {Fy}x{Fx} taps")
        windows = np.lib.stride_tricks.sliding_window_view(padded, (Fy, Fx), axis=(1, 2))
        windows = windows[:, ::stride, ::stride]
        C, P, Q = windows.shape[:3]
        return cls(np.ascontiguousarray(windows.reshape(C, P * Q, Fy * Fx).transpose(0, 2, 1)), bits, signed)


def random_activations(layer: Layer, seed: int = 0, bits: int = 8, signed: bool = False) -> Activations:
    """Uniform random inputs for all output pixels of ``layer`` (8 x 8 where the file does not tell).

    They are a map, unfolded with stride 1.
    """
    P, Q = layer.output_hw or (8, 8)
    _, C, Fy, Fx = layer.codes.shape
    check_seed(seed)
    low, high = (-(1 << bits - 1), 1 << bits - 1) if signed else (0, 1 << bits)
    image = np.random.default_rng(seed).integers(low, high, (C, P + Fy - 1, Q + Fx - 1))
    return Activations.from_map(image.astype(np.int32), Fy, Fx, bits=bits, signed=signed)


@cache
def _seen() -> dict[str, list[int]]:
    """How often real layers see each value, by kind."""
    found: dict[str, list[int]] = json.loads(
        (Path(__file__).parent / "activations.json").read_text(encoding="utf8")
    )
    return found


def sampled_activations(
    layer: Layer, kind: str = "relu", pixels: int = 64, seed: int = 0, bits: int = 8
) -> Activations:
    """Unsigned inputs drawn one by one from what real layers see.

    kind : ``relu`` after a rectifier (half are 0), ``linear`` around a zero point, or ``uniform``. Source:
    activations.json. Raises InputError for an unknown kind.
    """
    if kind not in (*KINDS, "uniform"):
        raise InputError(f"activations: {kind!r} is unknown; {did_you_mean(kind, [*KINDS, 'uniform'])}")
    check_seed(seed)
    counts = np.ones(256) if kind == "uniform" else np.array(_seen()[kind], float)
    _, C, Fy, Fx = layer.codes.shape
    rng = np.random.default_rng(seed)
    drawn = rng.choice(256, (C, Fy * Fx, pixels), p=counts / counts.sum())
    if bits > 8:  # what is 0 stays 0, the rest gets low bits
        drawn = (drawn << bits - 8) + np.where(drawn > 0, rng.integers(0, 1 << bits - 8, drawn.shape), 0)
    return Activations(drawn if bits >= 8 else drawn >> 8 - bits, bits)


def tiles_of(inputs: Activations, cols: int, most: int | None = None) -> int:
    """Tiles that ``inputs`` fills, the last one perhaps in part, but at most ``most``.

    Raises InputError for less than one.
    """
    if cols < 1 or (most is not None and most < 1):
        raise InputError(f"cols, tiles: {cols}, {most} found; at least 1 is needed")
    whole = -(-inputs.patches.shape[2] // cols)
    return whole if most is None else min(most, whole)
