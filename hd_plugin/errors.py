"""Every error that hd_plugin raises on purpose: what was found, where, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["HdPluginError", "InputError", "MissingTool", "PlanMismatch", "did_you_mean"]


class HdPluginError(Exception):
    """Base class: bad input or a missing tool. The command line prints its text and exits with 2."""


class InputError(HdPluginError, ValueError):
    """A file or an argument that cannot be used; the text names it, what was found and what to do."""


class PlanMismatch(InputError):
    """A stream plan that was made for other weights than the ones it is used with."""


class MissingTool(HdPluginError, ImportError):
    """A library or program that this step needs is not installed; the text says what to install."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint for an unknown ``name``: the nearest known names, or all of them when none is near."""
    known = [str(k) for k in known]
    near = difflib.get_close_matches(str(name), known, n=3, cutoff=0.5)
    if near:
        return "did you mean " + " or ".join(repr(n) for n in near) + "?"
    shown = ", ".join(known[:20]) + (", ..." if len(known) > 20 else "")
    return f"known: {shown}" if known else "none is known"
