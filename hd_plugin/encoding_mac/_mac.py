"""Arrays by name: what ``--mac`` takes."""

from __future__ import annotations

from pathlib import Path

from hd_plugin.encoding_mac._cases import exact
from hd_plugin.encoding_mac._columns import column_design, tree_design
from hd_plugin.encoding_mac._encoding import Encoding
from hd_plugin.encoding_mac._shipped import encoding_file, shipped_encodings
from hd_plugin.errors import InputError, did_you_mean
from hd_plugin.hardware import SYSTOLIC, ArrayDesign, Operands

__all__ = ["MACS", "load_mac"]

MACS = ("binary", "tree", "exact")


def load_mac(
    name: str | Path, a_bits: int | None, w_bits: int, a_signed: bool = False, *, pipeline: int | None = None
) -> ArrayDesign:
    """The array called ``name``, for activations and weights of these widths.

    name : ``binary`` (the systolic one), ``tree`` (products, all rows added at once), ``exact`` (the exact
    encoding), a shipped encoding (``shipped_encodings``) or a file of one. a_bits : None for the activations
    that the file's encoding takes, unsigned 8-bit ones for all others. pipeline : as for ``column_design``
    and ``tree_design``. Raises InputError for any other name, a file that is none, an encoding of other
    operands, or a pipeline of the systolic array, which is one.
    """
    text, operands = str(name), Operands(a_bits or 8, w_bits, a_signed and a_bits is not None)
    if text == "binary":
        if pipeline is not None:
            raise InputError("mac binary: pipeline: it has a register a row already; leave it out")
        return SYSTOLIC
    if text == "tree":
        return tree_design(operands, pipeline)
    if text == "exact":
        return column_design(exact(operands.act_bits, w_bits, a_signed=operands.act_signed), text, pipeline)
    path = encoding_file(name)
    if not path.is_file():
        known = did_you_mean(text, [*MACS, *shipped_encodings()])
        raise InputError(f"mac: {text!r} is unknown, and no file of an encoding; {known}")
    encoding = Encoding.load(path)
    if a_bits is None:
        operands = Operands(encoding.a_bits, w_bits, encoding.a_signed)
    try:
        design = column_design(encoding, pipeline=pipeline)
        design.check(operands)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    return design
