"""A layer and a plan as the array sees them: words, used rows and addresses, group by group."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hd_plugin.bits import NumberFormat
from hd_plugin.errors import InputError
from hd_plugin.hardware._activations import Activations
from hd_plugin.hardware._tables import AddressTables
from hd_plugin.streaming import StreamPlan
from hd_plugin.weights import Layer

__all__ = ["MOST_TILES", "Program", "group_inputs", "program", "telling_tiles"]

MOST_TILES = 4  # that stand for a layer of fewer than _SHORT steps
_SHORT = 4000


@dataclass(frozen=True, eq=False)
class Program:
    """All that a run needs.

    words : uint16[groups, K, rows] in streaming order (idle rows: 0, and not ``used``). used : int64[groups],
    rows in use. tables : where each step's sum and each row's activations lie.
    """

    words: np.ndarray
    used: np.ndarray
    tables: AddressTables
    bits: int
    number_format: NumberFormat

    def check(self) -> None:
        """Raise InputError for sizes that do not go together or an address that is out of range.

        A run would read or write past its memories.
        """
        t, (groups, K, rows) = self.tables, self.words.shape
        C, taps = t.shape[1], t.shape[2] * t.shape[3]
        where = f"program of layer {t.layer!r}"
        wanted = (
            (t.output_addresses, (groups, K)),
            (t.input_addresses, (groups, rows)),
            (t.taps, (groups,)),
            (self.used, (groups,)),
            (t.output_order, (K,)),
        )
        if t.shape[0] != K or any(np.shape(found) != shape for found, shape in wanted):
            raise InputError(
                f"{where}: its words, tables and used rows are of {groups} groups, {K} steps and {rows} rows "
                "in some, and not in others"
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
                found = f"{values.min()} to {values.max()} found"
                raise InputError(f"{where}: {name}: {found}; {low} to {high - 1} is possible")


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
