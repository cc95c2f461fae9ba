"""The command ``hd-plugin``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hd_plugin.cli._main import main

__all__ = ["main", "run"]


def run() -> None:
    """What ``hd-plugin`` starts. Where only the estimators are installed, one line says what it needs."""
    from hd_plugin._extras import missing_library

    try:
        from hd_plugin.cli._main import main
    except ModuleNotFoundError as error:
        told = missing_library(error)
        if told is None:
            raise
        print(f"error: {told}", file=sys.stderr)
        sys.exit(2)
    main(prog_name="hd-plugin")


def __getattr__(name: str) -> Any:
    if name == "main":
        from hd_plugin.cli._main import main

        return main
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
