"""What the file of an encoding holds (schema ``hd-plugin/encoding/1``), checked field by field."""

from __future__ import annotations

from typing import Annotated

from pydantic import Strict

from hd_plugin._checked import Checked, Listed, Whole

__all__ = ["ADVICE", "SCHEMA", "EncodingFile"]

SCHEMA = "hd-plugin/encoding/1"
ADVICE = "'hd-plugin encode' makes such files"


class EncodingFile(Checked):
    """The fields of ``Encoding``; gates as [kind, net, net], outputs as [net, weight]."""

    name: str
    a_bits: Whole
    w_bits: Whole
    a_signed: bool
    w_signed: bool
    gates: Listed[Annotated[tuple[str, int, int], Strict(False)]]
    outputs: Listed[Annotated[tuple[int, int], Strict(False)]]
    constant: Whole = 0
