"""Encodings by name: what ``--encoding`` takes."""

from __future__ import annotations

from pathlib import Path

from hd_plugin.encoding_mac._cases import exact, truncated
from hd_plugin.encoding_mac._convolve import check_operands
from hd_plugin.encoding_mac._encoding import Encoding
from hd_plugin.encoding_mac._shipped import encoding_file, is_file
from hd_plugin.errors import InputError

__all__ = ["load_encoding"]

_NAMES = "'exact', 'truncated:BITS', 'truncated:BITS:uncompensated', a shipped encoding or a file is needed"


def load_encoding(name: str | Path, a_bits: int, w_bits: int, a_signed: bool = False) -> Encoding:
    """The encoding called ``name``, for operands of these widths; weights are two's complement.

    name : ``exact``, ``truncated:BITS`` (``truncated:BITS:uncompensated`` without its constant), a shipped
    encoding (``shipped_encodings``), or a file, whose activations may be signed or not. Raises InputError for
    any other name, or an encoding of other widths.
    """
    kind, _, rest = str(name).partition(":")
    if str(name) == "exact":
        return exact(a_bits, w_bits, a_signed=a_signed)
    if kind == "truncated":
        bits, _, how = rest.partition(":")
        if not bits.isdecimal() or how not in ("", "uncompensated"):
            raise InputError(f"encoding: {str(name)!r} found; {_NAMES}")
        return truncated(a_bits, w_bits, int(bits), not how, a_signed=a_signed)
    path = encoding_file(name)
    if not is_file(path):
        raise InputError(f"encoding: {str(name)!r} is unknown, and no file; {_NAMES}")
    found = Encoding.load(path)
    check_operands(found, str(name), w_bits, a_bits, found.a_signed)
    return found
