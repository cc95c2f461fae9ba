"""The encodings that come with the package, by name: what ``encode search`` finds, in the folder front."""

from __future__ import annotations

import os.path
from pathlib import Path

__all__ = ["encoding_file", "is_file", "shipped_encodings"]

_FRONT = Path(__file__).resolve().parent / "front"


def shipped_encodings() -> list[str]:
    """Names, sorted. booth4_8ux8_26: kind booth4, unsigned 8-bit activations, 8-bit weights, 26 outputs."""
    return sorted(path.stem for path in _FRONT.glob("*.json"))


def encoding_file(name: str | Path) -> Path:
    """The file of a shipped encoding, or ``name`` as a path."""
    shipped = _FRONT / f"{name}.json"
    return shipped if str(name) in shipped_encodings() else Path(name)


def is_file(name: str | Path) -> bool:
    """Whether a file is called so; a name that no file can have is none (``Path.is_file`` raises OSError)."""
    return os.path.isfile(name)
