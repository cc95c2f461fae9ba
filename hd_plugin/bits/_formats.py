"""Bit patterns of signed integers, 2 to 16 bits wide, in four number formats."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from hd_plugin.errors import InputError, did_you_mean

__all__ = ["NUMBER_FORMATS", "NumberFormat", "check_bits", "decode", "encode"]

NumberFormat = Literal["twos_complement", "sign_magnitude", "offset_binary", "gray"]
NUMBER_FORMATS: tuple[str, ...] = get_args(NumberFormat)


def check_bits(bits: int, field: str = "bits") -> int:
    """``bits`` as an int; raises InputError unless it is a whole number from 2 to 16."""
    if isinstance(bits, bool) or int(bits) != bits or not 2 <= bits <= 16:
        raise InputError(f"{field}: {bits!r} is out of range; use a whole number from 2 to 16")
    return int(bits)


def _check_format(number_format: str) -> None:
    if number_format not in NUMBER_FORMATS:
        raise InputError(
            f"number_format: {number_format!r} is unknown; " + did_you_mean(number_format, NUMBER_FORMATS)
        )


def _code_dtype(bits: int) -> type:
    return np.uint8 if bits <= 8 else np.uint16


def encode(
    values: np.ndarray, bits: int, number_format: NumberFormat = "twos_complement", *, where: str = "values"
) -> np.ndarray:
    """Signed integers -> bit patterns (uint8 up to 8 bits, else uint16), the same shape.

    ``twos_complement``, ``offset_binary`` (value + 2**(bits-1)) and ``gray`` (the reflected Gray code of
    the offset-binary pattern, so that neighbouring values differ in one bit) hold -2**(bits-1) ..
    2**(bits-1)-1; ``sign_magnitude`` (sign in the top bit, zero is +0) holds +-(2**(bits-1)-1).
    Raises InputError when a value does not fit.
    """
    check_bits(bits)
    _check_format(number_format)
    values = np.asarray(values)
    half = 1 << (bits - 1)
    low = -half + (number_format == "sign_magnitude")
    if values.size and (values.min() < low or values.max() > half - 1):
        raise InputError(
            f"{where}: integers from {values.min()} to {values.max()} do not fit {bits}-bit "
            f"{number_format} ({low} to {half - 1}); requantise or use more bits"
        )
    v = values.astype(np.int32)
    code: np.ndarray
    if number_format == "twos_complement":
        code = v & (2 * half - 1)
    elif number_format == "sign_magnitude":
        code = np.abs(v) | np.where(v < 0, half, 0)
    else:
        code = v + half
        if number_format == "gray":
            code = code ^ (code >> 1)
    return code.astype(_code_dtype(bits))


def decode(codes: np.ndarray, bits: int, number_format: NumberFormat = "twos_complement") -> np.ndarray:
    """Bit patterns -> the int16 values they stand for. Both zeros of sign-magnitude decode to 0."""
    check_bits(bits)
    _check_format(number_format)
    c = np.asarray(codes).astype(np.int32)
    half = 1 << (bits - 1)
    if c.size and (c.min() < 0 or c.max() >= 2 * half):
        raise InputError(f"codes: pattern {c.max()} needs more than {bits} bits")
    if number_format == "twos_complement":
        v = np.where(c >= half, c - 2 * half, c)
    elif number_format == "sign_magnitude":
        v = np.where(c & half, -(c & (half - 1)), c)
    else:
        if number_format == "gray":
            for shift in (1, 2, 4, 8):
                c = c ^ (c >> shift)
        v = c - half
    return v.astype(np.int16)
