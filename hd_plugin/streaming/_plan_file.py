"""What a plan file holds, checked field by field."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field, Strict

from hd_plugin._checked import Checked, Listed, check
from hd_plugin._wording import shown
from hd_plugin.errors import InputError

__all__ = ["ADVICE", "MOST_ROWS", "SCHEMA", "PlanFile", "read_plan"]

SCHEMA = "hd-plugin/plan/1"
MOST_ROWS = 1 << 20  # of an array; more than any layer has channels
_LARGEST = 1 << 31  # size of a layer
ADVICE = "make the plan again with 'hd-plugin optimize'"


def _integers(found: Any) -> np.ndarray:
    """A list of whole numbers as int64; checked as a whole, since a plan may hold a million of them."""
    if not isinstance(found, list):
        raise ValueError(f"{type(found).__name__} found; a list of whole numbers is needed")
    if not set(map(type, found)) <= {int}:  # neither 1.5, nor true, nor "1"
        wrong = next(x for x in found if type(x) is not int)
        raise ValueError(f"{shown(wrong)} found; a list of whole numbers is needed")
    try:
        return np.array(found, np.int64)
    except OverflowError as error:
        raise ValueError("a number beyond 64 bits found; indices of channels are needed") from error


_Integers = Annotated[np.ndarray, BeforeValidator(_integers)]


class _GroupFile(Checked):
    tap: Annotated[tuple[int, int], Strict(False)]
    channels: _Integers
    order: _Integers


class PlanFile(Checked):
    """The fields of ``StreamPlan``, as JSON has them."""

    layer: str
    digest: str
    shape: Listed[Annotated[int, Field(ge=1, le=_LARGEST)]]
    rows: Annotated[int, Field(ge=1, le=MOST_ROWS)]
    method: str
    effort: str
    seed: int
    groups: Listed[_GroupFile]
    interrupted: bool
    nhd: float | None = None
    number_format: str | None = None
    bits: Annotated[int, Field(ge=1, le=64)] | None = None
    objective: str = "flips"

    @classmethod
    def read(cls, data: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        schema = data.pop("schema", None)
        return data, [] if schema == SCHEMA else [f"schema: {schema!r} found, {SCHEMA!r} needed"]


def read_plan(data: Any, where: str | Path) -> PlanFile:
    """``data`` as a plan file's content. Raises InputError: ``where``, all that is wrong, and what to do."""
    try:
        return check(PlanFile, data, where)
    except InputError as error:
        raise InputError(f"{error}; {ADVICE}") from error
