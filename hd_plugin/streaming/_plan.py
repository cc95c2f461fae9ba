"""A stream plan: which channels share the array's rows, and in which order the output channels stream."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hd_plugin._atomic import write_text
from hd_plugin._checked import read_json
from hd_plugin._parsed import parse_json
from hd_plugin._wording import shown
from hd_plugin.errors import InputError, PlanMismatch
from hd_plugin.streaming._plan_file import ADVICE, SCHEMA, PlanFile, read_plan
from hd_plugin.weights import Layer

__all__ = ["Group", "StreamPlan", "file_order_plan", "segments"]


@dataclass(frozen=True, eq=False, repr=False)
class Group:
    """At most ``rows`` input channels at one filter tap; ``channels[r]`` sits on row r of the array.

    tap : (fy, fx). channels : int64[<= rows]. order : int64[K], the output channels as they stream.
    """

    tap: tuple[int, int]
    channels: np.ndarray
    order: np.ndarray

    def __repr__(self) -> str:
        return f"Group(tap {self.tap}, {self.channels.size} channels, {self.order.size} outputs)"


@dataclass(frozen=True, eq=False, repr=False)
class StreamPlan:
    """Groups in the order in which they enter the array; together they cover channels x taps exactly once.

    layer, digest : the layer's name and the digest of the codes that the plan was made for. shape : (K, C,
    Fy, Fx). interrupted : True when the search was stopped early (the plan is still valid). objective : what
    the search minimised, flips or energy. nhd, number_format, bits : the flip rate of the plan and the
    weights that it was counted in, for readers without them.
    """

    layer: str
    digest: str
    shape: tuple[int, int, int, int]
    rows: int
    method: str
    effort: str
    seed: int
    groups: list[Group]
    interrupted: bool = False
    nhd: float | None = None
    number_format: str | None = None
    bits: int | None = None
    objective: str = "flips"

    def __repr__(self) -> str:
        K, C, Fy, Fx = self.shape
        rate = "" if self.nhd is None else f", NHD {self.nhd:.4g}"
        return (
            f"StreamPlan({self.layer!r}, {self.method}, {self.effort}, K={K}, C={C}, taps={Fy * Fx}, "
            f"{len(self.groups)} groups of {self.rows} rows{rate})"
        )

    def words(self, layer: Layer, group: Group) -> np.ndarray:
        """The words that the group streams, in order: uint8 or uint16 [K, len(channels)]."""
        return layer.codes[group.order][:, group.channels, group.tap[0], group.tap[1]]

    def columns(self, group: Group) -> np.ndarray:
        """The columns of the weights as [K, C * Fy * Fx] that the group streams: int64[len(channels)]."""
        Fy, Fx = self.shape[2:]
        return group.channels * (Fy * Fx) + group.tap[0] * Fx + group.tap[1]

    def column_orders(self) -> np.ndarray:
        """For each such column the output channels as they stream: int64[K, C * Fy * Fx]."""
        K, C, Fy, Fx = self.shape
        orders = np.empty((K, C * Fy * Fx), np.int64)
        for group in self.groups:
            orders[:, self.columns(group)] = group.order[:, None]
        return orders

    def check(self, layer: Layer) -> None:
        """Raise PlanMismatch unless this plan was made for exactly these codes."""
        if self.digest != layer.digest:
            raise PlanMismatch(
                f"plan for layer {self.layer!r} {list(self.shape)}, weights {self.digest[:12]}: it was made "
                f"for other weights than layer {layer.name!r} {list(layer.codes.shape)}, "
                f"weights {layer.digest[:12]}; run 'hd-plugin optimize' on these weights"
            )

    def save(self, path: str | Path) -> None:
        """Write the plan as JSON (schema hd-plugin/plan/1), whole or not at all."""
        write_text(path, self.to_json() + "\n")

    def to_json(self) -> str:
        """The content of a plan file."""
        return json.dumps(
            {
                "schema": SCHEMA,
                "layer": self.layer,
                "digest": self.digest,
                "shape": list(self.shape),
                "rows": self.rows,
                "method": self.method,
                "effort": self.effort,
                "seed": self.seed,
                "interrupted": self.interrupted,
                "nhd": self.nhd,
                "number_format": self.number_format,
                "bits": self.bits,
                "objective": self.objective,
                "groups": [
                    {"tap": list(g.tap), "channels": g.channels.tolist(), "order": g.order.tolist()}
                    for g in self.groups
                ],
            },
            separators=(",", ":"),
        )

    @classmethod
    def load(cls, path: str | Path) -> StreamPlan:
        """Read a plan and check that it is whole. Raises InputError that names the file and the fields."""
        return cls._of(read_plan(read_json(path, [SCHEMA], ADVICE), path), path)

    @classmethod
    def from_json(cls, text: str, where: str = "plan") -> StreamPlan:
        """The plan in the text of a plan file; ``where`` is what errors name."""
        return cls._of(read_plan(parse_json(text, where, ADVICE), where), where)

    @classmethod
    def _of(cls, file: PlanFile, where: str | Path) -> StreamPlan:
        fields = {name: getattr(file, name) for name in type(file).model_fields if name != "groups"}
        plan = cls(**fields, groups=[Group(g.tap, g.channels, g.order) for g in file.groups])
        plan.validate(str(where))
        return plan

    def validate(self, where: str = "plan") -> None:
        """Raise InputError unless every order is a permutation and the groups partition channels x taps."""
        if len(self.shape) != 4 or min(self.shape) < 1:
            raise InputError(f"{where}: shape: {shown(list(self.shape))} found, [K, C, Fy, Fx] needed")
        _, C, Fy, Fx = self.shape
        for i, group in enumerate(self.groups):
            if problem := self._problem(group):
                raise InputError(f"{where}: groups[{i}]{problem}")
        covered = sum(group.channels.size for group in self.groups)
        if math.prod(self.shape[1:]) > 2 * covered:  # before as much memory as the shape says is taken
            raise InputError(
                f"{where}: groups: {covered} channels at a tap are covered, {math.prod(self.shape[1:])} of "
                f"shape {list(self.shape)} are needed, each once"
            )
        seen = np.zeros((C, Fy, Fx), np.int64)
        for group in self.groups:
            np.add.at(seen[:, group.tap[0], group.tap[1]], group.channels, 1)
        if (seen != 1).any():
            c, fy, fx = np.argwhere(seen != 1)[0]
            raise InputError(
                f"{where}: groups: channel {c} at tap ({fy}, {fx}) is covered {seen[c, fy, fx]} times, "
                "once is needed"
            )

    def _problem(self, group: Group) -> str | None:
        """What is wrong with one group by itself."""
        K, C, Fy, Fx = self.shape
        for name, found in (("channels", group.channels), ("order", group.order)):
            if found.ndim != 1 or not np.issubdtype(found.dtype, np.integer):
                return f".{name}: {found.dtype}{list(found.shape)} found; a list of whole numbers is needed"
        if not 1 <= group.channels.size <= self.rows:
            return f".channels: {group.channels.size} channels on {self.rows} rows"
        if group.order.shape != (K,) or (np.sort(group.order) != np.arange(K)).any():
            return f".order: not a permutation of the {K} output channels"
        inside = 0 <= group.tap[0] < Fy and 0 <= group.tap[1] < Fx
        if not inside or group.channels.min() < 0 or group.channels.max() >= C:
            return f": a tap or channel outside of [C, Fy, Fx] = {[C, Fy, Fx]}"
        return None


def segments(layer: Layer, rows: int) -> list[tuple[tuple[int, int], np.ndarray]]:
    """(tap, channels) of every group when channels are cut in file order, every ``rows``."""
    _, C, Fy, Fx = layer.codes.shape
    return [
        ((fy, fx), np.arange(start, min(start + rows, C)))
        for fy in range(Fy)
        for fx in range(Fx)
        for start in range(0, C, rows)
    ]


def file_order_plan(layer: Layer, rows: int) -> StreamPlan:
    """The baseline: channels and output channels in file order. Raises InputError when rows < 1."""
    order = np.arange(layer.K)
    groups = [Group(tap, channels, order) for tap, channels in segments(layer, rows)]
    return StreamPlan(layer.name, layer.digest, layer.codes.shape, rows, "baseline", "none", 0, groups)
