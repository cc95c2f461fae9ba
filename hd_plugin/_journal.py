"""A file to which finished work is appended as it is done, so that the same question goes on from there."""

from __future__ import annotations

import errno
import json
import os
import struct
import threading
import zlib
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from hd_plugin._identity import check_same_run
from hd_plugin._version import __version__
from hd_plugin.errors import InputError

__all__ = ["Arrays", "Journal"]

Arrays = tuple[np.ndarray, ...]

_SCHEMA = "hd-plugin/journal/1"
_KEY = 16  # bytes of a key
_HEAD = struct.Struct("<II")  # of an entry: bytes that follow, and their checksum
_LINE = 1 << 24  # the first line cannot be longer


class Journal:
    """One line of JSON (schema, version, what is asked), then entries: length, checksum, key, arrays.

    Entries are found by all that they depend on, so one that is there is what would be computed again. An
    entry that a kill cut short, and what follows it, is dropped. ``path`` appears with the first question and
    goes with ``remove``; two processes never write to one. For any number of threads.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.asked: dict[str, Any] | None = None
        self.used = 0  # entries of an earlier run that this one asked for
        self._old: set[bytes] = set()
        self._places: dict[bytes, tuple[int, int]] = {}
        self._file: BinaryIO | None = None
        self._end = 0
        self._lock = threading.Lock()

    def begin(self, question: Mapping[str, object]) -> None:
        """Open for a ``question`` (anything that JSON can hold).

        Raises InputError: a journal of another question, or of another version; a file that is no journal;
        one that another process writes to; a folder that cannot be written.
        """
        if self._file is not None:
            return
        asked = json.loads(json.dumps({"version": __version__, **question}))
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(self.path, "ab+", buffering=0)  # noqa: SIM115  closed by close
            _hold(self._file, self.path)
            self._end = self._read_head(asked)
            self._read_entries()
            self.asked = asked
        except OSError as error:
            self.close()
            raise InputError(
                f"{self.path}: cannot be written ({error.strerror}); choose another output folder"
            ) from error
        except InputError:
            self.close()
            raise

    def _read(self, at: int, size: int) -> bytes:
        assert self._file is not None
        self._file.seek(at)
        return self._file.read(size)

    def _cut(self, size: int) -> None:
        """What is behind the last whole entry goes."""
        assert self._file is not None
        self._file.truncate(size)

    def _read_head(self, asked: dict[str, Any]) -> int:
        """The length of the first line, which is written where there is none."""
        assert self._file is not None
        start = self._read(0, _LINE)
        head, ended, _ = start.partition(b"\n")
        if not ended and _is_torn(start):  # new, or killed while it was made
            return self._write_head(asked)
        try:
            told = json.loads(head)
            found = told["asked"] if told["schema"] == _SCHEMA else None
        except (ValueError, TypeError, KeyError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise InputError(
                f"{self.path}: was not written by hd-plugin and stays; give another output folder"
            )
        if len(start) == len(head) + 1:  # nothing was done
            return self._write_head(asked)
        check_same_run(self.path, found, asked, self.path)
        return len(head) + 1

    def _write_head(self, asked: dict[str, Any]) -> int:
        assert self._file is not None
        head = json.dumps({"schema": _SCHEMA, "asked": asked}).encode() + b"\n"
        self._cut(0)
        self._file.write(head)
        return len(head)

    def _read_entries(self) -> None:
        """Where every whole entry stands; the file ends after the last one."""
        size = self.path.stat().st_size
        while self._end + _HEAD.size <= size:
            at = self._end + _HEAD.size
            length, checksum = _HEAD.unpack(self._read(self._end, _HEAD.size))
            if not _KEY <= length <= size - at:
                break
            data = self._read(at, length)
            if len(data) != length or zlib.crc32(data) != checksum:
                break
            self._places[data[:_KEY]] = at + _KEY, length - _KEY
            self._end = at + length
        self._cut(self._end)
        self._old = set(self._places)

    @staticmethod
    def key(name: str, inputs: Iterable[Any]) -> bytes:
        """Of work by what it is called and all that it depends on: arrays, bytes, or what has a ``repr``."""
        digest = blake2b(name.encode(), digest_size=_KEY)
        for value in inputs:
            if isinstance(value, np.ndarray):
                digest.update(f"|{value.dtype.str}{value.shape}|".encode())
                digest.update(np.ascontiguousarray(value).data)
            else:
                digest.update(f"|{value!r}|".encode())
        return digest.digest()

    def get(self, key: bytes) -> Arrays | None:
        """What was kept under ``key``."""
        with self._lock:
            place = self._places.get(key)
            if place is None or self._file is None:
                return None
            if key in self._old:
                self._old.remove(key)
                self.used += 1
            data = self._read(*place)
        return _unpacked(data)

    def put(self, key: bytes, arrays: Arrays) -> None:
        """Keep ``arrays`` under ``key``. Raises InputError when the disk is full."""
        data = key + _packed(arrays)
        entry = _HEAD.pack(len(data), zlib.crc32(data)) + data
        with self._lock:
            if self._file is None or key in self._places:
                return
            try:
                if self._file.write(entry) != len(entry):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError as error:
                self._cut(self._end)
                raise InputError(f"{self.path}: cannot be written ({error.strerror})") from error
            self._places[key] = self._end + _HEAD.size + _KEY, len(data) - _KEY
            self._end += len(entry)

    def close(self) -> None:
        """Leave the file for a later run, if anything is in it."""
        if self.asked is not None and not self._places:
            self.path.unlink(missing_ok=True)
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def remove(self) -> None:
        """The question is answered, and the answer lies in files: close, and delete the file."""
        self.close()
        if self.asked is not None:
            self.path.unlink(missing_ok=True)


def _hold(file: BinaryIO, path: Path) -> None:
    """Keep other processes out; where there are no file locks, nobody is kept out."""
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise InputError(
            f"{path}: another hd-plugin is at work there; wait for it, or give another output folder"
        ) from error


def _is_torn(start: bytes) -> bool:
    """Whether this is the beginning of a first line, or nothing."""
    wanted = json.dumps({"schema": _SCHEMA})[:-1].encode()
    return start[: len(wanted)] == wanted[: len(start)]


def _packed(arrays: Arrays) -> bytes:
    """Whole numbers in as few bytes as they need, anything else as it is."""
    parts = []
    for array in arrays:
        kept = np.ascontiguousarray(array)
        if kept.dtype == np.int64 and kept.size and kept.min() >= 0:
            kept = kept.astype(np.min_scalar_type(int(kept.max())))
        head = f"{array.dtype.str} {kept.dtype.str} {' '.join(map(str, array.shape))}".encode()
        parts += [struct.pack("<I", len(head)), head, kept.tobytes()]
    return b"".join(parts)


def _unpacked(data: bytes) -> Arrays:
    found, at = [], 0
    while at < len(data):
        (length,) = struct.unpack_from("<I", data, at)
        at += 4
        own, kept, *shape = data[at : at + length].decode().split()
        at += length
        size = int(np.prod([int(n) for n in shape], dtype=np.int64))
        array = np.frombuffer(data, kept, size, at)
        at += array.nbytes
        found.append(array.astype(own).reshape([int(n) for n in shape]))
    return tuple(found)
