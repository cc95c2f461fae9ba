"""The command ``hd-plugin``."""

from __future__ import annotations

import codecs
import io
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hd_plugin.cli._main import main

__all__ = ["main", "run"]


def run() -> None:
    """What ``hd-plugin`` starts. Where only the estimators are installed, one line says what it needs."""
    from hd_plugin._extras import missing_library

    codecs.register_error(_PLAIN, _in_plain_letters)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_PLAIN)
    try:
        from hd_plugin.cli._main import main
    except ModuleNotFoundError as error:
        told = missing_library(error)
        if told is None:
            raise
        print(f"error: {told}", file=sys.stderr)
        sys.exit(2)
    main(prog_name="hd-plugin")


_PLAIN = "hd_plugin.plain"


def _in_plain_letters(error: UnicodeError) -> tuple[str, int]:
    """What a terminal's encoding lacks, escaped as in a Python string; the mark of a cut name becomes a ~."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end].replace("\N{HORIZONTAL ELLIPSIS}", "~")
    return letters.encode("ascii", "backslashreplace").decode("ascii"), error.end


def __getattr__(name: str) -> Any:
    if name == "main":
        from hd_plugin.cli._main import main

        return main
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
