"""A stream plan: which channels share the array's rows, and in which order the output channels stream."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hd_plugin._atomic import write_text
from hd_plugin.errors import InputError, PlanMismatch
from hd_plugin.weights import Layer

__all__ = ["Group", "StreamPlan", "file_order_plan"]

_SCHEMA = "hd-plugin/plan/1"


@dataclass(frozen=True, eq=False)
class Group:
    """At most ``rows`` input channels at one filter tap; ``channels[r]`` sits on row r of the array.

    tap : (fy, fx). channels : int64[<= rows]. order : int64[K], the output channels as they stream.
    """

    tap: tuple[int, int]
    channels: np.ndarray
    order: np.ndarray


@dataclass(frozen=True, eq=False)
class StreamPlan:
    """Groups in the order in which they enter the array; together they cover channels x taps exactly once.

    layer, digest : the layer's name and the digest of the codes that the plan was made for.
    shape : (K, C, Fy, Fx). interrupted : True when the search was stopped early (the plan is still valid).
    objective : what the search minimised, flips or energy. nhd, number_format : the flip rate of the plan and what it was counted in, for readers without the weights.
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
    objective: str = "flips"

    def words(self, layer: Layer, group: Group) -> np.ndarray:
        """The words that the group streams, in order: uint8 or uint16 [K, len(channels)]."""
        return layer.codes[group.order][:, group.channels, group.tap[0], group.tap[1]]

    def columns(self, group: Group) -> np.ndarray:
        """The columns of the weights flattened to [K, C * Fy * Fx] that the group streams: int64[len(channels)]."""
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
                f"for other weights than layer {layer.name!r} {list(layer.codes.shape)}, weights {layer.digest[:12]}; "
                "run 'hd-plugin optimize' on these weights"
            )

    def save(self, path: str | Path) -> None:
        """Write the plan as JSON (schema hd-plugin/plan/1), whole or not at all."""
        write_text(path, self.to_json() + "\n")

    def to_json(self) -> str:
        """The content of a plan file."""
        return json.dumps(
            {
                "schema": _SCHEMA,
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
        """Read a plan and check that it is whole. Raises InputError that names the file and the field."""
        path = Path(path)
        try:
            text = path.read_text(encoding="utf8")
        except FileNotFoundError as error:
            raise InputError(f"{path}: no such file; make a plan with 'hd-plugin optimize'") from error
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                f"{path}: not a readable plan ({error}); make it again with 'hd-plugin optimize'"
            ) from error
        return cls.from_json(text, str(path))

    @classmethod
    def from_json(cls, text: str, path: str = "plan") -> StreamPlan:
        """The plan in the text of a plan file; ``path`` is what errors name."""
        try:
            data = json.loads(text)
        except json.JSONDecodeError as error:
            raise InputError(
                f"{path}: not a readable plan ({error}); make it again with 'hd-plugin optimize'"
            ) from error
        if not isinstance(data, dict) or data.get("schema") != _SCHEMA:
            found = data.get("schema") if isinstance(data, dict) else type(data).__name__
            raise InputError(f"{path}: schema: {found!r} found, {_SCHEMA!r} needed")
        try:
            plan = cls(
                str(data["layer"]),
                str(data["digest"]),
                tuple(int(n) for n in data["shape"]),
                int(data["rows"]),
                str(data["method"]),
                str(data["effort"]),
                int(data["seed"]),
                [
                    Group(
                        (int(g["tap"][0]), int(g["tap"][1])),
                        np.array(g["channels"], np.int64),
                        np.array(g["order"], np.int64),
                    )
                    for g in data["groups"]
                ],
                bool(data["interrupted"]),
                _optional(data.get("nhd"), float),
                _optional(data.get("number_format"), str),
                str(data.get("objective", "flips")),
            )
        except KeyError as error:
            raise InputError(
                f"{path}: field {error} is missing; make the plan again with 'hd-plugin optimize'"
            ) from error
        except (TypeError, ValueError, IndexError, OverflowError) as error:
            raise InputError(
                f"{path}: a field is of the wrong type ({error}); "
                "make the plan again with 'hd-plugin optimize'"
            ) from error
        plan.validate(path)
        return plan

    def validate(self, where: str = "plan") -> None:
        """Raise InputError unless every order is a permutation and the groups partition channels x taps."""
        if len(self.shape) != 4 or min(self.shape) < 1:
            raise InputError(f"{where}: shape: {list(self.shape)} found, [K, C, Fy, Fx] needed")
        K, C, Fy, Fx = self.shape
        seen = np.zeros((C, Fy, Fx), np.int64)
        for i, g in enumerate(self.groups):
            if not 1 <= g.channels.size <= self.rows:
                raise InputError(
                    f"{where}: groups[{i}].channels: {g.channels.size} channels on {self.rows} rows"
                )
            if g.order.shape != (K,) or (np.sort(g.order) != np.arange(K)).any():
                raise InputError(f"{where}: groups[{i}].order: not a permutation of the {K} output channels")
            if (
                not (0 <= g.tap[0] < Fy and 0 <= g.tap[1] < Fx)
                or g.channels.min() < 0
                or g.channels.max() >= C
            ):
                raise InputError(
                    f"{where}: groups[{i}]: a tap or channel outside of [C, Fy, Fx] = {[C, Fy, Fx]}"
                )
            np.add.at(seen, (g.channels, g.tap[0], g.tap[1]), 1)
        if (seen != 1).any():
            c, fy, fx = np.argwhere(seen != 1)[0]
            raise InputError(
                f"{where}: groups: channel {c} at tap ({fy}, {fx}) is covered {seen[c, fy, fx]} times, "
                "once is needed"
            )


def _optional(value: object, kind: type) -> object:
    return None if value is None else kind(value)


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
    return StreamPlan(
        layer.name,
        layer.digest,
        layer.codes.shape,
        rows,
        "baseline",
        "none",
        0,
        [Group(tap, channels, order) for tap, channels in segments(layer, rows)],
    )
