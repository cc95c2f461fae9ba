"""NumPy archives: NAME or NAME.weight, with NAME.scale, NAME.zero_point and NAME.output_hw beside it."""

from __future__ import annotations

import pickle
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np

from hd_plugin.errors import InputError
from hd_plugin.weights._readers._raw import DAMAGE, RawFile
from hd_plugin.weights._readers._state import Tensor, from_state
from hd_plugin.weights._told import Unmapped

__all__ = ["read"]

T = TypeVar("T")
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read(path: Path) -> RawFile:
    """Layers in archive order: every numeric array of 2 or 4 dimensions that is no companion of another.

    Headers are read now, numbers when they are asked for. Never unpickles. Raises InputError when the file is
    damaged or holds pickled objects.
    """
    headers, foreign = _guarded(path, lambda: _headers(path))
    tensors = {}
    for key, (shape, dtype) in headers.items():
        kind = dtype.kind if dtype.kind in "fiu" else str(dtype)
        tensors[key] = Tensor(shape, kind, lambda key=key: _guarded(path, lambda: _array(path, key)))  # type: ignore[misc]
    found = from_state(path, tensors, bare=True)
    found.unmapped.extend(Unmapped(name, "no NumPy array") for name in foreign)
    return found


def _guarded(path: Path, reading: Callable[[], T]) -> T:
    try:
        return reading()
    except InputError:
        raise
    except (*DAMAGE, pickle.UnpicklingError, zlib.error, NotImplementedError) as error:
        raise InputError(
            f"{path}: not a readable .npz archive ({type(error).__name__}: {error}); write it with "
            "np.savez from plain numeric arrays (pickled objects are refused)"
        ) from error


def _headers(path: Path) -> tuple[dict[str, tuple[tuple[int, ...], np.dtype]], list[str]]:
    """Shape and type by key; members that are no arrays."""
    with open(path, "rb") as file:
        if file.read(6) == b"\x93NUMPY":
            raise InputError(f"{path}: a single array found, not an archive; write it with np.savez")
    found, foreign = {}, []
    with zipfile.ZipFile(path) as archive:
        for member in archive.namelist():
            if not member.endswith(".npy"):
                foreign.append(member)
                continue
            with archive.open(member) as stream:
                found[member[:-4]] = _header(stream)
    return found, foreign


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    version: Any = np.lib.format.read_magic(stream)  # type: ignore[no-untyped-call]
    if version not in _HEADERS:
        raise ValueError(f"array of format {version}")
    shape, _, dtype = _HEADERS[version](stream)  # type: ignore[no-untyped-call]
    if dtype.hasobject:
        raise ValueError("an array of pickled objects")
    return shape, dtype


def _array(path: Path, key: str) -> np.ndarray:
    with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
        return archive[key]
