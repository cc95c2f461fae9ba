"""What a reader hands over: the numbers of the file, in network order, not yet of the wanted width."""

from __future__ import annotations

import importlib
import struct
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np

from hd_plugin.errors import InputError, MissingTool
from hd_plugin.weights._told import Unmapped

__all__ = ["DAMAGE", "RawLayer", "check_integer_scale", "from_state", "need"]

# What parsers raise on a damaged file. They check little themselves, so any of these can come from anywhere.
DAMAGE = (
    struct.error,
    zipfile.BadZipFile,
    EOFError,
    OSError,
    IndexError,
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    OverflowError,
    AssertionError,
    MemoryError,
    RuntimeError,
)


@dataclass(frozen=True, eq=False)
class RawLayer:
    """One convolution or linear layer as its file holds it.

    values : float or integer array [K, C, Fy, Fx] or [K, C].
    scale : None for floats; float64 [] or [K] for integers: weight = (values - zero_point) * scale.
    zero_point : int, or int64 [K].
    output_hw : (P, Q) in pixels, (1, 1) for a linear layer, None where the file does not tell.
    """

    name: str
    values: np.ndarray
    scale: np.ndarray | None = None
    zero_point: int | np.ndarray = 0
    output_hw: tuple[int, int] | None = None


def need(module: str, install: str) -> ModuleType:
    """Import ``module`` now; MissingTool says which ``pip install`` brings it when it is absent."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingTool(
            f"{module} is needed to read this file and cannot be imported ({error}); "
            f"run: pip install '{install}'"
        ) from error


def check_integer_scale(
    where: str, K: int, scale: object, zero_point: object
) -> tuple[np.ndarray, int | np.ndarray]:
    """``scale`` as float64 [] or [K], ``zero_point`` as int or int64 [K]; InputError when one is unusable."""
    scale = np.asarray(scale, dtype=np.float64)
    zero = np.asarray(zero_point)
    if zero.size and not np.array_equal(zero, np.rint(zero.astype(np.float64))):
        raise InputError(f"{where}: zero_point must be whole numbers; found {zero.ravel()[:4]}")
    zero = zero.astype(np.int64)
    for field, found in (("scale", scale), ("zero_point", zero)):
        if found.size != 1 and found.shape != (K,):
            raise InputError(
                f"{where}: {field} of shape {found.shape} found; one number or [{K}], one for each "
                "output channel, is needed"
            )
    if not np.isfinite(scale).all() or (scale <= 0).any():
        raise InputError(f"{where}: scale must be finite and above 0; found {scale.ravel()[:4]}")
    return (scale.reshape(()) if scale.size == 1 else scale, int(zero.ravel()[0]) if zero.size == 1 else zero)


def from_state(
    path: Path,
    entries: Iterable[tuple[str, np.ndarray]],
    companions: dict[str, dict[str, np.ndarray]] | None = None,
) -> tuple[list[RawLayer], list[Unmapped]]:
    """(name, 2-D or 4-D array) pairs in file order -> layers.

    companions : scale, zero_point and output_hw by name. A file of arrays does not say which convolutions are
    depthwise: C == 1 with several output channels and taps is taken as one, except in the first 4-D array,
    where a grayscale stem looks the same.
    """
    layers, unmapped, first_conv = [], [], True
    for name, values in entries:
        extra = (companions or {}).get(name, {})
        where = f"{path}: layer {name!r}"
        if values.ndim == 4:
            if values.shape[1] == 1 and values.shape[0] > 1 and values[0, 0].size > 1 and not first_conv:
                unmapped.append(
                    Unmapped(
                        name,
                        f"depthwise convolution (a guess from its shape {list(values.shape)}: "
                        "C = 1 with several output channels and taps)",
                    )
                )
                continue
            first_conv = False
        scale: np.ndarray | None = None
        zero: int | np.ndarray = 0
        if values.dtype.kind in "iu":
            scale, zero = check_integer_scale(
                where, len(values), extra.get("scale", 1.0), extra.get("zero_point", 0)
            )
        elif "scale" in extra or "zero_point" in extra:
            raise InputError(
                f"{where}: has a scale or zero_point but its weights are {values.dtype}; store them as "
                "integers, or leave the scale out"
            )
        hw = (1, 1) if values.ndim == 2 else None
        if "output_hw" in extra:
            found = np.asarray(extra["output_hw"])
            if found.shape != (2,) or found.dtype.kind not in "iu" or (found < 1).any():
                raise InputError(
                    f"{where}: output_hw must be two whole numbers above 0, P and Q; found {found}"
                )
            hw = (int(found[0]), int(found[1]))
        layers.append(RawLayer(name, values, scale, zero, hw))
    return layers, unmapped
