"""Every error that hd_plugin raises on purpose: what was found, where, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from hd_plugin._wording import one_line, shown

__all__ = ["HdPluginError", "InputError", "MissingTool", "PlanMismatch", "did_you_mean"]

_LONG_NAME, _COMPARED = 200, 5000  # the search for near names takes long names, and many, too long
_LISTED = 300


class HdPluginError(Exception):
    """Base class: bad input or a missing tool. The command line prints its text and exits with 2.

    The text is one line of printable characters, and is cut in the middle where it grows past 1,000 of them:
    it often holds names and values of files that others wrote.
    """

    def __init__(self, text: object = "") -> None:
        super().__init__(one_line(str(text)))


class InputError(HdPluginError, ValueError):
    """A file or an argument that cannot be used; the text names it, what was found and what to do."""


class PlanMismatch(InputError):
    """A stream plan that was made for other weights than the ones it is used with."""


class MissingTool(HdPluginError, ImportError):
    """A library or program that this step needs is not installed; the text says what to install."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint for an unknown ``name``: the nearest known names, or all of them when none is near."""
    known = [str(k) for k in known]
    short = [k for k in known[:_COMPARED] if len(k) < _LONG_NAME] if len(str(name)) < _LONG_NAME else []
    near = difflib.get_close_matches(str(name), short, n=3, cutoff=0.5)
    if near:
        return "did you mean " + " or ".join(map(shown, near)) + "?"
    listed = one_line(", ".join(known[:20]), _LISTED) + (", ..." if len(known) > 20 else "")
    return f"known: {listed}" if known else "none is known"
