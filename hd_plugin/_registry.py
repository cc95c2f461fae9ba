"""Names for choices: a mapping from a name to what it stands for, in the order of registration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

from hd_plugin.errors import InputError, did_you_mean

__all__ = ["Registry"]

T = TypeVar("T")


class Registry(Mapping[str, T], Generic[T]):
    """What a user may name as ``kind`` ("method", "engine" ...): one file and one line add another one.

    >>> METHODS = Registry("method")
    >>> METHODS.register("segment", Segment())
    """

    def __init__(self, kind: str, entries: Mapping[str, T] | None = None) -> None:
        self.kind = kind
        self._entries: dict[str, T] = {}
        for name, entry in (entries or {}).items():
            self.register(name, entry)

    def register(self, name: str, entry: T) -> T:
        """Add ``entry`` and return it. Raises InputError for a name that is taken: nothing is replaced."""
        if name in self._entries:
            raise InputError(
                f"{self.kind}: {name!r} is registered already; unregister it first, or take another name"
            )
        self._entries[name] = entry
        return entry

    def unregister(self, name: str) -> T:
        """Take the entry out again. Raises InputError for an unknown name."""
        entry = self[name]
        del self._entries[name]
        return entry

    def __getitem__(self, name: str) -> T:
        """Raises InputError with the nearest names (not KeyError: a user typed the name)."""
        if name not in self._entries:
            raise InputError(f"{self.kind}: {name!r} is unknown; {did_you_mean(name, self._entries)}")
        return self._entries[name]

    def get(self, name: str, default: Any = None) -> Any:
        """The entry, or ``default`` for an unknown name."""
        return self._entries.get(name, default)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"<{self.kind}: {', '.join(self)}>"
