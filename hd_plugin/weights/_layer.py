"""What the array streams: layers of bit patterns."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from hd_plugin.bits import NumberFormat, check_bits, decode, encode
from hd_plugin.errors import InputError

__all__ = ["Layer", "Window"]


@dataclass(frozen=True)
class Window:
    """How a convolution moves over its input: (vertical, horizontal) stride and dilation, in pixels.

    padding : pixels of zeros (top, left, bottom, right); None where it is not known.
    """

    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] | None = None
    dilation: tuple[int, int] = (1, 1)

    def __str__(self) -> str:
        told = f"stride {self.stride[0]} x {self.stride[1]}"
        if self.dilation != (1, 1):
            told += f", dilation {self.dilation[0]} x {self.dilation[1]}"
        if self.padding is not None:
            told += ", padding top {} left {} bottom {} right {}".format(*self.padding)
        return told


@dataclass(frozen=True, eq=False, repr=False)
class Layer:
    """One convolution or linear layer as it streams into the array.

    codes : uint8 or uint16 [K, C, Fy, Fx], the bit patterns; a linear layer has Fy = Fx = 1. scale : float64,
    [] per tensor or [K] per channel; weight ~ values * scale. output_hw : (P, Q) output height and width in
    pixels, (input vectors, 1) for a linear layer, or None where the file does not tell. weights : float32,
    like codes; the real weights before rounding, or None where the file holds integers that were kept.
    window : stride, padding and dilation, or None where the file does not tell.
    """

    name: str
    codes: np.ndarray
    bits: int
    number_format: NumberFormat = "twos_complement"
    scale: np.ndarray = field(default_factory=lambda: np.array(1.0))
    output_hw: tuple[int, int] | None = None
    weights: np.ndarray | None = None
    window: Window | None = None

    def __post_init__(self) -> None:
        check_bits(self.bits, f"layer {self.name!r}: bits")
        codes = np.asarray(self.codes)
        if codes.ndim == 2:
            codes = codes[:, :, None, None]
        if codes.ndim != 4 or 0 in codes.shape:
            raise InputError(
                f"layer {self.name!r}: codes of shape {codes.shape} found; "
                "[K, C, Fy, Fx] or [K, C] with every size above 0 is needed"
            )
        if not np.issubdtype(codes.dtype, np.integer) or codes.min() < 0 or codes.max() >= 1 << self.bits:
            raise InputError(f"layer {self.name!r}: codes must be bit patterns of {self.bits} bits")
        dtype = np.uint8 if self.bits <= 8 else np.uint16
        object.__setattr__(self, "codes", np.ascontiguousarray(codes, dtype=dtype))
        if self.weights is not None:
            weights = np.asarray(self.weights, np.float32)
            if weights.size != codes.size:
                raise InputError(
                    f"layer {self.name!r}: weights of shape {weights.shape} beside codes of shape "
                    f"{codes.shape}"
                )
            object.__setattr__(self, "weights", weights.reshape(codes.shape))

    def __repr__(self) -> str:
        size = "" if self.output_hw is None else ", P x Q {} x {}".format(*self.output_hw)
        shape = f"K={self.K}, C={self.C}, taps={self.taps}"
        return f"Layer({self.name!r}, {shape}, {self.bits}-bit {self.number_format}{size})"

    @classmethod
    def from_values(
        cls, name: str, values: np.ndarray, bits: int, number_format: NumberFormat = "twos_complement", **rest
    ) -> Layer:
        """A layer from signed integers [K, C, Fy, Fx] or [K, C]. Raises InputError when one does not fit."""
        return cls(
            name, encode(values, bits, number_format, where=f"layer {name!r}"), bits, number_format, **rest
        )

    K = property(lambda self: self.codes.shape[0], doc="Output channels.")
    C = property(lambda self: self.codes.shape[1], doc="Input channels.")
    taps = property(lambda self: self.codes.shape[2] * self.codes.shape[3], doc="Filter taps, Fy * Fx.")

    @property
    def steps(self) -> np.ndarray:
        """``scale`` as it broadcasts over codes: weight ~ values * steps."""
        return np.asarray(self.scale, np.float64).reshape((-1, 1, 1, 1) if np.ndim(self.scale) else ())

    def tap_codes(self, tap: tuple[int, int]) -> np.ndarray:
        """The codes at one filter tap (fy, fx), contiguous: uint16[K, C]."""
        return np.ascontiguousarray(self.codes[:, :, tap[0], tap[1]], dtype=np.uint16)

    @cached_property
    def values(self) -> np.ndarray:
        """int16 [K, C, Fy, Fx]: the integers that the codes stand for."""
        return decode(self.codes, self.bits, self.number_format)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of shape, width, number format and codes; a saved plan carries it."""
        head = f"{self.codes.shape}|{self.bits}|{self.number_format}|".encode()
        return hashlib.sha256(head + self.codes.astype("<u2").tobytes()).hexdigest()
