"""NumPy archives, member by member: plain arrays whose headers are true, and never a pickle."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from hd_plugin._guard import check_whole, open_zip, read_bytes, why
from hd_plugin._wording import shown
from hd_plugin.errors import InputError

__all__ = ["Archive", "open_npz"]

_ADVICE = "write it with np.savez from plain numeric arrays (pickled objects are refused)"
_SUFFIX = ".npy"
_HEADER = 1 << 16  # bytes; NumPy's own are 128


class Archive(Mapping[str, np.ndarray]):
    """Arrays by name, in the archive's order; each is read, and checked, when it is asked for.

    foreign : names of members that are no arrays (not .npy).
    """

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self._path, self._archive = path, archive
        self._members = {
            m.filename.removesuffix(_SUFFIX): m for m in archive.infolist() if m.filename.endswith(_SUFFIX)
        }
        self.foreign = [m.filename for m in archive.infolist() if not m.filename.endswith(_SUFFIX)]

    def __getitem__(self, name: str) -> np.ndarray:
        """Raises KeyError; InputError for a member that is damaged, or is no plain array."""
        member = self._members[name]
        return _array(f"{self._path}: member {shown(member.filename)}", self._archive.read(member))

    def header(self, name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Shape and type, without the numbers. Raises as reading them does."""
        member = self._members[name]
        with self._archive.open(member) as stream:
            head = stream.read(_HEADER)
        where = f"{self._path}: member {shown(member.filename)}"
        shape, _, dtype, _ = _header(where, head, member.file_size)
        return shape, dtype

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, name: object) -> bool:
        return name in self._members


@contextmanager
def open_npz(path: str | Path) -> Iterator[Archive]:
    """The arrays of an .npz file. Raises InputError: damaged, or it unpacks to more than the limit."""
    path = Path(path)
    if read_head(path) == np.lib.format.MAGIC_PREFIX:
        raise InputError(f"{path}: a single array found, not an archive; write it with np.savez")
    with open_zip(path, _ADVICE) as archive:
        yield Archive(path, archive)


def read_head(path: Path) -> bytes:
    """The first six bytes; fewer of a shorter file. Raises InputError as ``read_bytes``."""
    try:
        with open(path, "rb") as file:
            return file.read(6)
    except (OSError, ValueError):
        return read_bytes(path, _ADVICE)[:6]  # says what is wrong with it


def _array(where: str, data: bytes) -> np.ndarray:
    """The array in the bytes of an .npy file."""
    shape, is_fortran, dtype, start = _header(where, data[:_HEADER], len(data))
    if not dtype.itemsize:
        return np.zeros(shape, dtype)
    flat = np.frombuffer(bytearray(memoryview(data)[start:]), dtype)
    return flat.reshape(shape, order="F" if is_fortran else "C")


def _header(where: str, head: bytes, size: int) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """(shape, whether columns come first, dtype, where the numbers begin), of a file of ``size`` bytes.

    Those have to be as many as it says.
    """
    stream = io.BytesIO(head)
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
        (3, 0): np.lib.format.read_array_header_2_0,  # the same but for names of fields
    }
    try:
        version = np.lib.format.read_magic(stream)
        shape, is_fortran, dtype = readers[version](stream)
    except Exception as error:  # it checks little itself, so anything may come
        raise InputError(f"{where}: not a readable .npy array ({why(error)}); {_ADVICE}") from error
    if any(size < 0 for size in shape):
        raise InputError(f"{where}: shape {shown(shape)} found; sizes are not below 0")
    if dtype.hasobject or dtype.kind not in "biufcSUV":
        raise InputError(f"{where}: {shown(str(dtype))} found; plain numbers are needed ({_ADVICE})")
    count = math.prod(shape)
    check_whole(where, count * dtype.itemsize, size - stream.tell())
    if not dtype.itemsize and count > _HEADER:
        raise InputError(f"{where}: {count} elements without a size found; the file is damaged")
    return shape, is_fortran, dtype, stream.tell()
