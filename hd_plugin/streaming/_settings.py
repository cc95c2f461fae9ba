"""How orders are searched, said once and checked."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, ValidationInfo, field_validator

from hd_plugin._checked import Checked, Whole
from hd_plugin._registry import Registry
from hd_plugin.streaming._efforts import EFFORTS
from hd_plugin.streaming._methods import METHODS

__all__ = ["Search"]


class Search(Checked):
    """The arguments of ``optimize`` as one value, for what searches more than once.

    rows : of the array. method : of ``METHODS``. effort : of ``EFFORTS``. seed : the same seed gives the same
    plans. rounds : of ``trellis``: codes for orders, and orders for codes, at most. Raises InputError with
    all problems.
    """

    rows: Annotated[Whole, Field(ge=1)] = 8
    method: str = "cluster"
    effort: str = "local"
    seed: Annotated[Whole, Field(ge=0)] = 0
    rounds: Annotated[Whole, Field(ge=1)] = 6

    @field_validator("method", "effort")
    @classmethod
    def _known(cls, name: str, info: ValidationInfo) -> str:
        known: Registry[Any] = METHODS if info.field_name == "method" else EFFORTS
        known[name]  # or its InputError, with the nearest names
        return name
