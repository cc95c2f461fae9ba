"""What a reader hands over: the numbers of the file, in network order, not yet of the wanted width."""

from __future__ import annotations

import importlib
import struct
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType

import numpy as np

from hd_plugin._guard import why
from hd_plugin._wording import printable
from hd_plugin.errors import InputError, MissingTool
from hd_plugin.weights._layer import Window
from hd_plugin.weights._told import Note, Unmapped

__all__ = [
    "DAMAGE",
    "DEPTHWISE",
    "EMBEDDING",
    "RawFile",
    "RawLayer",
    "Stored",
    "check_integer_scale",
    "need",
    "same_padding",
]

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
DEPTHWISE = "depthwise convolution: no input channels to share a row"
EMBEDDING = "embedding: rows are looked up, nothing is multiplied (--layer NAME streams it all the same)"


@dataclass(frozen=True, eq=False)
class Stored:
    """Numbers of one layer.

    values : float or integer array [K, C, Fy, Fx] or [K, C]. scale : None for floats; float64 [] or [K] for
    integers: weight = (values - zero_point) * scale. zero_point : int, or int64 [K].
    """

    values: np.ndarray
    scale: object | None = None
    zero_point: object = 0


@dataclass(frozen=True, eq=False)
class RawLayer:
    """One convolution or linear layer as its file holds it; its numbers are read when they are asked for.

    shape : [K, C, Fy, Fx] or [K, C], or [C, K] where ``transposed``. load : the numbers, in that shape.
    output_hw : (P, Q) in pixels, (vectors, 1) for a linear layer, None where the file does not tell. window :
    stride, padding and dilation, where the file tells. aside : why it does not stream unless it is asked for
    by name.
    """

    name: str
    shape: tuple[int, ...]
    load: Callable[[], Stored]
    output_hw: tuple[int, int] | None = None
    window: Window | None = None
    transposed: bool = False
    aside: str = ""

    def stored(self, where: str) -> Stored:
        """The numbers, [K, ...] first, scale and zero point checked. Raises InputError for ``where``."""
        try:
            found = self.load()
        except InputError:
            raise
        except DAMAGE as error:  # sizes that do not go together show only now
            raise InputError(f"{where}: cannot be read ({why(error)}); is the file damaged?") from error
        values = found.values.T if self.transposed else found.values
        if values.size == 0:
            raise InputError(
                f"{where}: weights of shape {list(values.shape)} found; every size must be above 0"
            )
        if values.dtype.kind == "f":
            return Stored(values)
        return Stored(values, *check_integer_scale(where, len(values), found.scale, found.zero_point))

    @property
    def values(self) -> np.ndarray:
        """The stored integers or floats, [K, ...] first."""
        return self.stored(self.name).values


@dataclass(frozen=True, eq=False)
class RawFile:
    """All that a file holds: layers in network order, everything else with its reason, what was assumed.

    files : those that it was read from, for a network in several.
    """

    layers: list[RawLayer]
    unmapped: list[Unmapped] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    files: tuple[Path, ...] = ()

    def printable(self) -> RawFile:
        """The same with names that can be shown: escapes in place of what a terminal would act on."""
        return replace(
            self,
            layers=[replace(la, name=printable(la.name)) for la in self.layers],
            unmapped=[replace(u, name=printable(u.name), reason=printable(u.reason)) for u in self.unmapped],
            notes=[Note(printable(n.text), tuple(map(printable, n.layers))) for n in self.notes],
        )


def same_padding(
    into: Sequence[int],
    taps: Sequence[int],
    out: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    *,
    upper: bool = True,
) -> tuple[int, int, int, int]:
    """(top, left, bottom, right) of "same" padding: what is missing, half on each side.

    All sizes are (vertical, horizontal). upper : whether an odd one is at the bottom and the right.
    """
    low, high = [], []
    for axis in (0, 1):
        reach = (out[axis] - 1) * stride[axis] + (taps[axis] - 1) * dilation[axis] + 1
        missing = max(reach - into[axis], 0)
        low.append(missing // 2 if upper else missing - missing // 2)
        high.append(missing - low[-1])
    return low[0], low[1], high[0], high[1]


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
    where: str, K: int, scale: object | None, zero_point: object
) -> tuple[np.ndarray, int | np.ndarray]:
    """``scale`` as float64 [] or [K], ``zero_point`` as int or int64 [K]; InputError when one is unusable."""
    scale = np.asarray(1.0 if scale is None else scale, dtype=np.float64)
    zero = np.asarray(zero_point)
    if zero.size and not np.array_equal(zero, np.rint(zero.astype(np.float64))):
        raise InputError(f"{where}: zero_point must be whole numbers; found {zero.ravel()[:4]}")
    zero = zero.astype(np.int64)
    for field_, found in (("scale", scale), ("zero_point", zero)):
        if found.size != 1 and found.shape != (K,):
            raise InputError(
                f"{where}: {field_} of shape {found.shape} found; one number or [{K}], one for each "
                "output channel, is needed"
            )
    if not np.isfinite(scale).all() or (scale <= 0).any():
        raise InputError(f"{where}: scale must be finite and above 0; found {scale.ravel()[:4]}")
    return (scale.reshape(()) if scale.size == 1 else scale, int(zero.ravel()[0]) if zero.size == 1 else zero)
