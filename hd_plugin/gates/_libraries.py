"""Cell libraries that come with the package."""

from __future__ import annotations

from pathlib import Path

__all__ = ["bundled_library"]


def bundled_library() -> Path:
    """The project's own cell library, hd_generic45."""
    return Path(__file__).parent / "libraries" / "hd_generic45.lib"
