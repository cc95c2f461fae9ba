"""A layer as the array sees it: words, used rows and addresses, group by group; and patches of activations to go with it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from hd_plugin.bits import NumberFormat
from hd_plugin.errors import InputError, did_you_mean
from hd_plugin.hardware._tables import AddressTables
from hd_plugin.streaming import StreamPlan, check_seed
from hd_plugin.weights import Layer

__all__ = [
    "KINDS",
    "MOST_TILES",
    "Activations",
    "Program",
    "group_inputs",
    "program",
    "random_activations",
    "sampled_activations",
    "telling_tiles",
    "tiles_of",
]

KINDS = ("relu", "linear")
MOST_TILES = 4  # that stand for a layer of fewer than _SHORT steps
_SHORT = 4000


@dataclass(frozen=True, eq=False)
class Program:
    """All that a run needs: ``words`` uint16[groups, K, rows] in streaming order (idle rows: 0, and not ``used``),
    ``used`` int64[groups], rows in use, and the ``tables``."""

    words: np.ndarray
    used: np.ndarray
    tables: AddressTables
    bits: int
    number_format: NumberFormat

    def check(self) -> None:
        """Raise InputError for sizes that do not go together or an address that is out of range: a run would read or write past its memories."""
        t, (groups, K, rows) = self.tables, self.words.shape
        C, taps = t.shape[1], t.shape[2] * t.shape[3]
        where = f"program of layer {t.layer!r}"
        if t.shape[0] != K or any(
            np.shape(a) != s
            for a, s in (
                (t.output_addresses, (groups, K)),
                (t.input_addresses, (groups, rows)),
                (t.taps, (groups,)),
                (self.used, (groups,)),
                (t.output_order, (K,)),
            )
        ):
            raise InputError(
                f"{where}: its words, tables and used rows are of {groups} groups, {K} steps and {rows} rows in some, and not in others"
            )
        active = np.arange(rows) < self.used[:, None]
        for name, values, low, high in (
            ("output_addresses", t.output_addresses, 0, K),
            ("output_order", t.output_order, 0, K),
            ("taps", t.taps, 0, taps),
            ("used", self.used, 0, rows + 1),
            ("input_addresses", t.input_addresses, -1, C),
            ("input_addresses of used rows", t.input_addresses[active], 0, C),
        ):
            if values.size and (values.min() < low or values.max() >= high):
                raise InputError(
                    f"{where}: {name}: {values.min()} to {values.max()} found; {low} to {high - 1} is possible"
                )


def program(layer: Layer, plan: StreamPlan, tables: AddressTables | None = None) -> Program:
    """What the array loads for ``plan``. Raises PlanMismatch when it was made for other weights."""
    plan.check(layer)
    words = np.zeros((len(plan.groups), layer.K, plan.rows), np.uint16)
    for word, group in zip(words, plan.groups):
        word[:, : group.channels.size] = plan.words(layer, group)
    return Program(
        words,
        np.array([g.channels.size for g in plan.groups], np.int64),
        tables or AddressTables.of(plan),
        layer.bits,
        layer.number_format,
    )


@dataclass(frozen=True, eq=False)
class Activations:
    """A layer's inputs as the array loads them: ``patches`` integers[C, taps, pixels]; for a 1x1 layer its input map itself.

    signed : two's complement, else unsigned; bits : their width.
    """

    patches: np.ndarray
    bits: int = 8
    signed: bool = False

    def __post_init__(self) -> None:
        patches = np.asarray(self.patches)
        object.__setattr__(self, "patches", patches)
        low, high = (
            (-(1 << self.bits - 1), (1 << self.bits - 1) - 1) if self.signed else (0, (1 << self.bits) - 1)
        )
        if patches.ndim != 3 or not patches.size or not np.issubdtype(patches.dtype, np.integer):
            raise InputError(
                f"activations: {patches.dtype}{list(patches.shape)} found; integers[C, taps, pixels] are needed"
            )
        if not 1 <= self.bits <= 16 or patches.min() < low or patches.max() > high:
            raise InputError(
                f"activations: {patches.min()} to {patches.max()} found; {self.bits} bits, "
                f"{'signed' if self.signed else 'unsigned'}, hold {low} to {high}"
            )

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
        """From an input map, integers[C, H, W] (zeros are padded)."""
        if np.ndim(image) != 3 or padding < 0 or stride < 1:
            raise InputError(
                f"activations: a map of shape {list(np.shape(image))}, stride {stride}, padding {padding} found; [C, H, W], at least 1 and at least 0 are needed"
            )
        padded = np.pad(np.asarray(image), ((0, 0), (padding, padding), (padding, padding)))
        if padded.shape[1] < Fy or padded.shape[2] < Fx:
            raise InputError(
                f"activations: a map of shape {list(np.shape(image))} is too small for {Fy}x{Fx} taps"
            )
        windows = np.lib.stride_tricks.sliding_window_view(padded, (Fy, Fx), axis=(1, 2))[
            :, ::stride, ::stride
        ]
        C, P, Q = windows.shape[:3]
        return cls(np.ascontiguousarray(windows.reshape(C, P * Q, Fy * Fx).transpose(0, 2, 1)), bits, signed)


def random_activations(layer: Layer, seed: int = 0, bits: int = 8, signed: bool = False) -> Activations:
    """Uniform random inputs for all P x Q output pixels of ``layer`` (8 x 8 where the file does not tell): a map, unfolded with stride 1."""
    P, Q = layer.output_hw or (8, 8)
    _, C, Fy, Fx = layer.codes.shape
    check_seed(seed)
    low, high = (-(1 << bits - 1), 1 << bits - 1) if signed else (0, 1 << bits)
    image = np.random.default_rng(seed).integers(low, high, (C, P + Fy - 1, Q + Fx - 1))
    return Activations.from_map(image.astype(np.int32), Fy, Fx, bits=bits, signed=signed)


@cache
def _seen() -> dict[str, list[int]]:
    """How often real layers see each value, by kind."""
    return json.loads((Path(__file__).parent / "activations.json").read_text(encoding="utf8"))


def sampled_activations(
    layer: Layer, kind: str = "relu", pixels: int = 64, seed: int = 0, bits: int = 8
) -> Activations:
    """Unsigned inputs drawn one by one from what real layers see: ``relu`` after a rectifier (half are 0), ``linear`` around a zero
    point, or ``uniform``. Source: activations.json. Raises InputError for an unknown kind."""
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
    """Tiles that ``inputs`` fills, the last one perhaps in part, but at most ``most``. Raises InputError for less than one."""
    if cols < 1 or (most is not None and most < 1):
        raise InputError(f"cols, tiles: {cols}, {most} found; at least 1 is needed")
    whole = -(-inputs.patches.shape[2] // cols)
    return whole if most is None else min(most, whole)


def telling_tiles(plan: StreamPlan) -> int:
    """How many tiles stand for a layer: one, or several where it has few steps."""
    return MOST_TILES if len(plan.groups) * plan.shape[0] < _SHORT else 1


def group_inputs(made: Program, inputs: Activations, g: int, tile: int, cols: int) -> np.ndarray:
    """What the array holds while group ``g`` streams: integers[cols, rows]; idle rows and columns have 0."""
    addresses = made.tables.input_addresses[g]
    patch = inputs.patches[np.maximum(addresses, 0), made.tables.taps[g], tile * cols : (tile + 1) * cols]
    held = np.zeros((cols, addresses.size), np.int64)
    held[: patch.shape[1]] = np.where(addresses[:, None] >= 0, patch, 0).T
    return held
