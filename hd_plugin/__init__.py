"""Measure and minimise the bit flips of weights that stream into a systolic array, and price them in energy.

Names are loaded on first use, so that importing the package is quick and pulls in neither numba nor torch.
``__init__.pyi`` says which there are and where they live: to this module, to editors and to type checkers.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hd_plugin._version import __version__

if TYPE_CHECKING:
    from hd_plugin.study import Result


def _homes() -> dict[str, str]:
    """Public name -> the room that it is loaded from."""
    stub = ast.parse((Path(__file__).parent / "__init__.pyi").read_text(encoding="utf8"))
    lines = [node for node in stub.body if isinstance(node, ast.ImportFrom) and node.level]
    return {alias.name: f"{__name__}.{line.module}" for line in lines for alias in line.names}


_HOMES = _homes()
__all__ = ["__version__", "write_report", *_HOMES]  # noqa: PLE0604 (the names of the stub, said once)


def write_report(result: Result, folder: str | Path) -> Path:
    """Write all files of ``result`` to ``folder``: its JSON, and what belongs to its kind.

    Tables, plots, a page, plans: ``hd_plugin.report`` makes them. Returns the file to look at first. Raises
    InputError when the folder cannot be written.
    """
    with _missing_told():
        from hd_plugin.report import write_report as write

    return write(result, folder)


@contextmanager
def _missing_told() -> Iterator[None]:
    """A library that is not installed becomes a MissingTool, which says which extra brings it."""
    try:
        yield
    except ModuleNotFoundError as error:
        from hd_plugin._extras import missing_library

        told = missing_library(error)
        if told is None:
            raise
        raise told from error


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        with _missing_told():
            return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
