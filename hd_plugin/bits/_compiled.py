"""Functions in machine code, kept on disk. Loads numba: import it by its full name only.

numba's own cache stops the import of a package whose folder and home are read-only, and every call that meets
a damaged file. Here code that cannot be kept in its usual place goes to a temporary folder, and damaged code
is compiled again. Either way the answer is the same; it is told once, by the logger "hd_plugin".
"""

from __future__ import annotations

import functools
import hashlib
import io
import logging
import os
import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import njit
from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile, NullCache

__all__ = ["compiled"]

F = TypeVar("F", bound=Callable[..., Any])
_LOG = logging.getLogger("hd_plugin")
_DIGEST = hashlib.sha256().digest_size
# how numba looks for a place to write, in its order
_PLACES: list[Any] = list(CompileResultCacheImpl._locator_classes)
_Named: Any = _PLACES[0]  # the folder that a user named


def compiled(**options: Any) -> Callable[[F], F]:
    """A decorator: the function in machine code, without the GIL, kept for later runs. options : numba's."""

    def build(function: F) -> F:
        made = njit(nogil=True, **options)(function)
        made._cache = _cache_of(function)  # where cache=True puts numba's own; there is no public way
        return cast(F, made)

    return build


def _cache_of(function: Callable[..., Any]) -> Any:
    try:
        return _Cache(function)
    except RuntimeError:  # nowhere to write at all
        _tell("compiled code cannot be kept, so that every run compiles anew; " + _ADVICE)
        return NullCache()


_ADVICE = "neither the package nor your home can be written; NUMBA_CACHE_DIR=FOLDER names a place"


@functools.cache
def _tell(text: str) -> None:
    """Once in a process."""
    _LOG.warning("hd_plugin: %s", text)


@functools.cache
def _temporary_folder() -> Path | None:
    """A folder that outlives this process and that only its user can write: code is loaded from it."""
    user = os.getuid() if hasattr(os, "getuid") else "user"
    try:
        folder = Path(tempfile.gettempdir()) / f"hd_plugin-compiled-{user}"
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if hasattr(os, "getuid") and (found.st_uid != user or found.st_mode & 0o077):
            folder = Path(tempfile.mkdtemp(prefix="hd_plugin-compiled-"))  # somebody else made it
    except OSError:
        return None
    _tell(f"compiled code is kept in {folder}: {_ADVICE}")
    return folder


class _Temporary(_Named):  # type: ignore[misc]
    """The place of last resort."""

    def __init__(self, function: Callable[..., Any], file: str) -> None:
        self._py_file = file
        self._lineno = function.__code__.co_firstlineno
        self._cache_path = str(_temporary_folder())

    @classmethod
    def from_function(cls, function: Callable[..., Any], file: str) -> Any:
        folder = _temporary_folder()
        if folder is None or not os.path.exists(file):
            return None
        place = cls(function, file)
        place._cache_path = str(folder / cls.get_suitable_cache_subpath(file))
        try:
            place.ensure_cache_path()
        except OSError:
            return None
        return place


class _Code(CompileResultCacheImpl):  # type: ignore[misc]
    _locator_classes = [*_PLACES, _Temporary]  # noqa: RUF012

    def get_filename_base(self, name: str, abi: str) -> str:
        """Not the name that numba gives: its own files have no digest."""
        return f"hd-{super().get_filename_base(name, abi)}"


class _Files(IndexDataCacheFile):  # type: ignore[misc]
    """An index and files of code, each with its digest; code says which signature it is for.

    Two processes that compile together may give one number to two signatures.
    """

    def save(self, key: Any, data: Any) -> None:
        super().save(key, (key, data))

    def load(self, key: Any) -> Any:
        found = super().load(key)
        return found[1] if found is not None and found[0] == key else None

    def _dump(self, thing: Any) -> bytes:
        data: bytes = super()._dump(thing)
        return data + hashlib.sha256(data).digest()

    def _load_index(self) -> dict[Any, str]:
        try:
            file = io.BytesIO(Path(self._index_path).read_bytes())
            if pickle.load(file) != self._version:
                return {}
            stamp, names = self._checked(file.read())
        except FileNotFoundError:
            return {}
        except Exception:  # whatever a damaged pickle leads to
            _tell(f"{self._index_path}: damaged; compiled again")
            return {}
        return names if stamp == self._source_stamp else {}

    def _load_data(self, name: str) -> Any:
        return self._checked(Path(self._data_path(name)).read_bytes())

    @staticmethod
    def _checked(data: bytes) -> Any:
        if hashlib.sha256(data[:-_DIGEST]).digest() != data[-_DIGEST:]:
            raise ValueError("damaged")
        return pickle.loads(data[:-_DIGEST])


class _Cache(FunctionCache):  # type: ignore[misc]
    _impl_class = _Code

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        place = self._impl.locator
        self._cache_file = _Files(self._cache_path, self._impl.filename_base, place.get_source_stamp())

    def load_overload(self, signature: Any, context: Any) -> Any:
        try:
            return super().load_overload(signature, context)
        except Exception:  # whatever damaged code leads to: it is compiled again, and written over
            _tell(f"{self._cache_path}: {self._impl.filename_base}: damaged; compiled again")
            return None

    def save_overload(self, signature: Any, code: Any) -> None:
        try:
            super().save_overload(signature, code)
        except OSError as error:  # a full disk: the code is there all the same
            _tell(f"{self._cache_path}: compiled code cannot be kept ({error.strerror or error})")
