"""Arrays by name: what ``--mac`` takes."""

from __future__ import annotations

from pathlib import Path

from hd_plugin._wording import shown
from hd_plugin.encoding_mac._columns import column_design, tree_design
from hd_plugin.encoding_mac._encoding import Encoding
from hd_plugin.encoding_mac._named import load_encoding
from hd_plugin.encoding_mac._shipped import encoding_file, is_file, shipped_encodings
from hd_plugin.errors import InputError, did_you_mean
from hd_plugin.hardware import SYSTOLIC, ArrayDesign, Operands

__all__ = ["MACS", "load_mac", "mac_stem", "split_mac"]

MACS = ("binary", "tree", "exact")


def load_mac(name: str | Path, a_bits: int | None, w_bits: int, a_signed: bool = False) -> ArrayDesign:
    """The array called ``name``, for activations and weights of these widths.

    name : ``binary`` (the systolic one), ``tree`` (products, all rows added at once), or an encoding as
    ``load_encoding`` knows it (``exact``, ``truncated:BITS``, a shipped one, a file). ``NAME@N`` is NAME with
    registers in its columns: one behind every N full adders of an encoding, or every N rows of the tree.
    a_bits : None for the activations that the encoding takes, unsigned 8-bit ones for exact and truncated
    ones. Raises InputError for any other name, a file that is none, an encoding of other operands, or
    registers in the systolic array, which has one a row.
    """
    text, pipeline = split_mac(str(name))
    operands = Operands(a_bits or 8, w_bits, a_signed and a_bits is not None)
    if text == "binary":
        if pipeline is not None:
            raise InputError(f"mac {name}: the systolic array has a register a row already; name it 'binary'")
        return SYSTOLIC
    if text == "tree":
        return tree_design(operands, pipeline, str(name))
    path = encoding_file(text)
    if not (text == "exact" or text.startswith("truncated:") or is_file(path)):
        known = did_you_mean(text, [*MACS, *shipped_encodings()])
        raise InputError(f"mac: {text!r} is unknown, and no file of an encoding; {known}")
    if is_file(path) and a_bits is None:
        found = Encoding.load(path)
        operands = Operands(found.a_bits, w_bits, found.a_signed)
    try:
        encoding = load_encoding(text, *operands)
        called = encoding.name if is_file(path) else text
        if pipeline is not None:
            called += f"@{pipeline}"
        design = column_design(encoding, called, pipeline)
        design.check(operands)
    except InputError as error:
        told = "" if text in str(error) else f"{text}: "
        raise InputError(f"mac {told}{error}") from error
    return design


def mac_stem(name: str) -> str:
    """What a file of it is called: ``truncated_36`` of ``truncated:36``, ``exact_every8`` of ``exact@8``."""
    text, every = split_mac(name)
    return Path(text).stem.replace(":", "_") + ("" if every is None else f"_every{every}")


def split_mac(name: str) -> tuple[str, int | None]:
    """NAME and N of ``NAME@N``, N None without one; a file may have such a name of its own. Raises InputError
    for an N that is no number of at least 1.
    """
    text, at, every = name.rpartition("@")
    if not at or is_file(name):
        return name, None
    if not every.isdecimal() or len(every) > 6 or not int(every):
        raise InputError(
            f"mac {shown(name)}: {shown(every)} found behind '@'; a number from 1 to 999999 is needed"
        )
    return text, int(every)
