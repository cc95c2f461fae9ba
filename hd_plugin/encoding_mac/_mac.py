"""Arrays by name: what ``--mac`` takes."""

from __future__ import annotations

from pathlib import Path

from hd_plugin.encoding_mac._columns import column_design, tree_design
from hd_plugin.encoding_mac._encoding import Encoding
from hd_plugin.encoding_mac._named import load_encoding
from hd_plugin.encoding_mac._shipped import encoding_file, shipped_encodings
from hd_plugin.errors import InputError, did_you_mean
from hd_plugin.hardware import SYSTOLIC, ArrayDesign, Operands

__all__ = ["MACS", "load_mac"]

MACS = ("binary", "tree", "exact")


def load_mac(
    name: str | Path, a_bits: int | None, w_bits: int, a_signed: bool = False, *, pipeline: int | None = None
) -> ArrayDesign:
    """The array called ``name``, for activations and weights of these widths.

    name : ``binary`` (the systolic one), ``tree`` (products, all rows added at once), or an encoding as
    ``load_encoding`` knows it (``exact``, ``truncated:BITS``, a shipped one, a file). a_bits : None for the
    activations that the encoding takes, unsigned 8-bit ones for exact and truncated ones. pipeline : as for
    ``column_design`` and ``tree_design``. Raises InputError for any other name, a file that is none, an
    encoding of other operands, or a pipeline of the systolic array, which is one.
    """
    text, operands = str(name), Operands(a_bits or 8, w_bits, a_signed and a_bits is not None)
    if text == "binary":
        if pipeline is not None:
            raise InputError("mac binary: pipeline: it has a register a row already; leave it out")
        return SYSTOLIC
    if text == "tree":
        return tree_design(operands, pipeline)
    path = encoding_file(name)
    if not (text == "exact" or text.startswith("truncated:") or path.is_file()):
        known = did_you_mean(text, [*MACS, *shipped_encodings()])
        raise InputError(f"mac: {text!r} is unknown, and no file of an encoding; {known}")
    if path.is_file() and a_bits is None:
        found = Encoding.load(path)
        operands = Operands(found.a_bits, w_bits, found.a_signed)
    try:
        encoding = load_encoding(name, *operands)
        design = column_design(encoding, None if path.is_file() else text, pipeline)
        design.check(operands)
    except InputError as error:
        told = "" if text in str(error) else f"{text}: "
        raise InputError(f"mac {told}{error}") from error
    return design
