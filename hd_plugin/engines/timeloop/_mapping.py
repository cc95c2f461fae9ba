"""The paper's mapping, what makes a mapping input-stationary, and layers whose sizes do not divide."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hd_plugin._guard import read_text, why
from hd_plugin._parsed import parse_yaml
from hd_plugin.engines._array import Array
from hd_plugin.engines.timeloop._problem import Shape
from hd_plugin.errors import InputError

__all__ = ["MAPPER", "Block", "blocks", "check_input_stationary", "groups_of", "paper_mapping", "read_map"]

# exhaustive, so that threads and time cannot change the answer; the constraints leave a few hundred mappings
MAPPER = {
    "version": 0.4,
    "optimization_metrics": ["delay", "energy"],
    "algorithm": "linear_pruned",
    "num_threads": 1,
    "search_size": 0,
    "victory_condition": 0,
    "timeout": 1000000,
    "live_status": False,
}
_FACTOR = re.compile(r"([A-Za-z]+)=?(\d+)")


@dataclass(frozen=True)
class Block:
    """A part of a layer whose sizes divide.

    first : of the parts with these weights, so it brings them; last : its partial sums leave the
    accumulation buffer.
    """

    shape: Shape
    first: bool
    last: bool


def blocks(shape: Shape, array: Array) -> Iterator[Block]:
    """Parts whose pixels fill every tile and whose channels fill every group alike; together, the layer.

    Timeloop's imperfect factors miscount (its counts of a level with a remainder are neither the full
    tiles' nor the whole's), so a layer with a rest is run as two or four problems instead. The parts of one
    pixel share the accumulation buffer: only the last part of the channels writes outputs.
    """
    channels, tiles = _cut(shape.C, array.rows), _cut(shape.pixels, array.cols)
    for i, pixels in enumerate(tiles):
        for j, c in enumerate(channels):
            yield Block(replace(shape, C=c, P=pixels, Q=1), first=i == 0, last=j == len(channels) - 1)


def _cut(size: int, by: int) -> list[int]:
    """``size`` as a multiple of ``by`` and a rest; either may be absent."""
    return [part for part in (size - size % by, size % by) if part]


def paper_mapping(shape: Shape, array: Array, names: Mapping[str, str]) -> dict[str, Any]:
    """Tiles of ``cols`` pixels outermost, then taps and groups of ``rows`` channels; K innermost.

    Only what the constraints of arch/input_stationary.yaml leave open; the sizes have to divide (``blocks``).
    names : what the architecture calls its parts.
    """
    used_rows, used_cols = min(shape.C, array.rows), min(shape.pixels, array.cols)
    open_factors = {
        ("output_buffer", "temporal"): {"P": shape.pixels // used_cols, "Q": 1},
        ("accumulation_buffer", "temporal"): {
            "K": shape.K,
            "C": shape.C // used_rows,
            "R": shape.R,
            "S": shape.S,
        },
        ("array_rows", "spatial"): {"C": used_rows},
        ("array_columns", "spatial"): {"P": used_cols, "Q": 1},
    }
    return {
        "mapping": [
            {"target": names[target], "type": kind, "factors": [f"{d}={n}" for d, n in factors.items()]}
            for (target, kind), factors in open_factors.items()
        ]
    }


def read_map(path: Path) -> list[dict[str, Any]]:
    """The entries of a map.yaml that timeloop-mapper wrote. Raises InputError for anything else."""
    try:
        entries: list[dict[str, Any]] = parse_yaml(read_text(path), path)["mapping"]
        for entry in entries:
            entry["target"], entry["type"]
    except (KeyError, TypeError, IndexError) as error:
        raise InputError(f"{path}: not a mapping that timeloop-mapper wrote ({why(error)})") from error
    return entries


def groups_of(entries: list[dict[str, Any]]) -> int:
    """How many groups of input channels, tap by tap, a mapping streams for a tile of pixels."""
    factors = [
        (d, int(n)) for e in entries if e["type"] == "temporal" for d, n in _FACTOR.findall(e["factors"])
    ]
    return math.prod(n for d, n in factors if d in "CRS")


def check_input_stationary(entries: list[dict[str, Any]], shape: Shape, where: str) -> None:
    """Raise InputError unless output channels stream through held activations: K whole, and innermost.

    ``entries`` as in map.yaml, innermost level first, each permutation innermost first.
    """
    loops = []
    for entry in entries:
        if entry["type"] in ("temporal", "spatial"):
            sizes = {d: int(n) for d, n in _FACTOR.findall(entry["factors"])}
            loops += [(d, sizes[d], entry["type"]) for d in entry["permutation"] if sizes.get(d, 1) > 1]
    temporal = [(d, n) for d, n, kind in loops if kind == "temporal"]
    spatial = {d for d, _, kind in loops if kind == "spatial"}
    wrong = []
    if shape.K > 1 and (not temporal or temporal[0] != ("K", shape.K)):
        wrong.append(f"the innermost loop is {temporal[0] if temporal else 'none'}, K={shape.K} is needed")
    if spatial - {"C", "P", "Q"}:
        wrong.append(f"{', '.join(sorted(spatial - {'C', 'P', 'Q'}))} spread over PEs")
    tiles = [i for i, (d, _) in enumerate(temporal) if d in "PQ"]
    reductions = [i for i, (d, _) in enumerate(temporal) if d in "CRS"]
    if tiles and reductions and min(tiles) < max(reductions):
        wrong.append("a loop over pixels inside of one over input channels or taps")
    if wrong:
        raise InputError(
            f"{where}: the mapping is not input-stationary: "
            + "; ".join(wrong)
            + ". The constraints of the architecture have to force K innermost"
        )
