"""What the hardware looks up (paper, section 5): where sums are accumulated, and where a row's inputs lie."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hd_plugin._atomic import write_text
from hd_plugin.errors import InputError
from hd_plugin.streaming import StreamPlan

__all__ = ["AddressTables", "address_bits", "hex_lines"]

_SCHEMA = "hd-plugin/tables/1"


@dataclass(frozen=True, eq=False)
class AddressTables:
    """The tables of one layer, in the order in which its groups enter the array.

    output_addresses : int64[groups, K]; step s of group g is accumulated at output_addresses[g, s].
    output_order : int64[K]; the output channel that ends up at each address. input_addresses :
    int64[groups, rows]; where the channel of row r lies in its tap's activations, -1 for an idle row. taps
    : int64[groups], the tap of each group, fy * Fx + fx.
    """

    layer: str
    method: str
    shape: tuple[int, int, int, int]
    rows: int
    output_addresses: np.ndarray
    output_order: np.ndarray
    input_addresses: np.ndarray
    taps: np.ndarray

    @classmethod
    def of(
        cls, plan: StreamPlan, *, stored: np.ndarray | None = None, following: StreamPlan | None = None
    ) -> AddressTables:
        """The tables of ``plan``.

        stored : int[C], the channel at each input address; a previous layer's ``output_order``. By default
        file order. following : plan of the layer that reads the outputs. They are then stored in the
        sequence in which it wants them (paper, section 5: no change to its input fetching). A plan with one
        order for all groups needs no table, so its outputs simply lie in that order. Raises InputError when
        ``stored`` is no permutation, or when ``following`` cannot be folded in: other channels, a sequence
        that differs from tap to tap, or no output table to fold it into.
        """
        K, C = plan.shape[:2]
        stored = np.arange(C) if stored is None else np.asarray(stored)
        if stored.shape != (C,) or (np.sort(stored) != np.arange(C)).any():
            raise InputError(
                f"tables of layer {plan.layer!r}: stored: a permutation of its {C} input channels is needed"
            )
        orders = np.stack([group.order for group in plan.groups])
        shared = bool((orders == orders[0]).all())
        if following is not None:
            if shared:
                raise InputError(
                    f"tables of layer {plan.layer!r}: one order for all groups, so there is no output table "
                    f"that could hold the input order of layer {following.layer!r}; a plan of method segment "
                    "or cluster with several groups has one"
                )
            order = _sequence(following, K)
        else:
            order = orders[0] if shared else np.arange(K)
        outputs = np.argsort(order)[orders]
        where = np.argsort(stored)
        inputs = np.full((len(plan.groups), plan.rows), -1, np.int64)
        for row, group in zip(inputs, plan.groups):
            row[: group.channels.size] = where[group.channels]
        taps = np.array([g.tap[0] * plan.shape[3] + g.tap[1] for g in plan.groups], np.int64)
        return cls(
            plan.layer, plan.method, plan.shape, plan.rows, outputs, order.astype(np.int64), inputs, taps
        )

    @property
    def needs_outputs(self) -> bool:
        """False when addresses just count up, so that the counter will do."""
        return bool((self.output_addresses != np.arange(self.shape[0])).any())

    @property
    def needs_inputs(self) -> bool:
        """False when the groups of each tap read their activations one after the other, from the first."""
        for tap in np.unique(self.taps):
            read = self.input_addresses[(self.taps == tap)[:, None] & (self.input_addresses >= 0)]
            if (read != np.arange(read.size)).any():
                return True
        return False

    def sizes(self, depth: int | None = None) -> dict[str, int]:
        """Entries, bits and bytes. depth : of the accumulation buffer, at least K (default K): the paper's D.

        bank : one group's output table, D entries of log2 D bits, what the array holds (twice, if the next
        one loads meanwhile); layer : all groups' tables, what memory holds beside the weights.
        """
        K, C = self.shape[:2]
        depth = K if depth is None else depth
        if depth < K:
            raise InputError(
                f"tables of layer {self.layer!r}: depth: {depth} found; {K} output channels need at least {K}"
            )
        bits, groups = address_bits(depth), len(self.taps)
        out = {
            "depth": depth,
            "entry_bits": bits,
            "bank_entries": depth if self.needs_outputs else 0,
            "groups": groups,
        }
        out["bank_bytes"] = math.ceil(out["bank_entries"] * bits / 8)
        out["layer_bytes"] = math.ceil(groups * K * bits / 8) if self.needs_outputs else 0
        out["input_entry_bits"] = address_bits(C + 1)  # all bits set: an idle row
        out["input_bytes"] = (
            math.ceil(int((self.input_addresses >= 0).sum()) * out["input_entry_bits"] / 8)
            if self.needs_inputs
            else 0
        )
        return out

    def to_json(self) -> str:
        """Schema hd-plugin/tables/1; a table that is not needed is null."""
        return json.dumps(
            {
                "schema": _SCHEMA,
                "layer": self.layer,
                "method": self.method,
                "shape": list(self.shape),
                "rows": self.rows,
                "sizes": self.sizes(),
                "output_order": self.output_order.tolist(),
                "taps": self.taps.tolist(),
                "output_addresses": self.output_addresses.tolist() if self.needs_outputs else None,
                "input_addresses": self.input_addresses.tolist() if self.needs_inputs else None,
            },
            separators=(",", ":"),
        )

    def save(self, folder: str | Path, stem: str) -> list[Path]:
        """Write STEM.tables.json, and the tables that are needed for $readmemh. Returns the files.

        They are STEM.outputs.mem and STEM.inputs.mem, in which an idle row has the address with all bits set.
        """
        written = [Path(folder) / f"{stem}.tables.json"]
        write_text(written[0], self.to_json() + "\n")
        idle = (1 << address_bits(self.shape[1] + 1)) - 1
        inputs = np.where(self.input_addresses < 0, idle, self.input_addresses)
        images = [
            ("outputs", self.needs_outputs, self.output_addresses, address_bits(self.shape[0])),
            ("inputs", self.needs_inputs, inputs, idle.bit_length()),
        ]
        for kind, needed, table, bits in images:
            path = Path(folder) / f"{stem}.{kind}.mem"
            path.unlink(missing_ok=True)  # of another plan, say
            if needed:
                write_text(path, "\n".join(self._image(kind, table, bits)) + "\n")
                written.append(path)
        return written

    def _image(self, kind: str, table: np.ndarray, bits: int) -> Iterator[str]:
        """A table's lines for $readmemh, group by group."""
        sizes = f"{len(table)} groups of {table.shape[1]} entries of {bits} bits"
        yield f"// layer {self.layer}, {kind}: {sizes}"
        for g, row in enumerate(table):
            yield f"// group {g}, tap {self.taps[g]}"
            yield from hex_lines(row, bits)


def address_bits(count: int) -> int:
    """Bits that tell ``count`` addresses apart, at least 1."""
    return max(1, (count - 1).bit_length())


def hex_lines(values: Iterable[int], bits: int) -> list[str]:
    """Lines for $readmemh."""
    return [f"{int(v):0{-(-bits // 4)}x}" for v in values]


def _sequence(plan: StreamPlan, channels: int) -> np.ndarray:
    """The order in which a layer wants its input channels, when it is the same at every tap."""
    if plan.shape[1] != channels:
        raise InputError(
            f"tables: layer {plan.layer!r} reads {plan.shape[1]} channels, but the layer before it has "
            f"{channels}"
        )
    taps: dict[tuple[int, int], list[np.ndarray]] = {}
    for group in plan.groups:
        taps.setdefault(group.tap, []).append(group.channels)
    sequences = [np.concatenate(channels) for channels in taps.values()]
    if any((s != sequences[0]).any() for s in sequences):
        raise InputError(
            f"tables: layer {plan.layer!r} wants its input channels in another sequence at each of its "
            f"{len(taps)} taps; no order of its inputs suits all, so it reads them by its own input table"
        )
    return sequences[0]
