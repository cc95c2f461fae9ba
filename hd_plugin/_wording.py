"""How values and names of files are told: one line, cut to a length, with nothing that a terminal acts on."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable

__all__ = ["LONGEST", "joined", "one_line", "printable", "shown"]

LONGEST = 1000  # characters of an error; one problem is told in far fewer
_VALUE = 80
_PROBLEM = 300


class _Brief(reprlib.Repr):
    """``repr`` that never looks at more than a few elements: of aliased YAML the whole one takes minutes."""

    def __init__(self) -> None:
        super().__init__()
        self.maxdict = self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = 6
        self.maxlevel, self.maxstring, self.maxother, self.maxlong = 3, _VALUE, _VALUE, _VALUE

    def repr_int(self, x: int, level: int) -> str:
        if x.bit_length() > 4 * _VALUE:  # of thousands of digits Python itself writes none
            return f"a whole number of {x.bit_length()} bits"
        return super().repr_int(x, level)


def printable(text: str) -> str:
    """``text`` with blanks for line ends and tabs, and with escapes for what else cannot be printed.

    Those are control characters, escape codes of terminals, marks that turn the direction of writing, and
    halves of surrogates.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c.isspace() else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def one_line(text: str, most: int = LONGEST) -> str:
    """``text`` on one printable line of at most ``most`` characters; what is too long loses its middle."""
    if len(text) > 4 * most:  # so that a text of megabytes is not looked at as a whole
        text = f"{text[: 2 * most]} ... {text[-2 * most :]}"
    if not text.isprintable():
        text = " ".join(printable(text).split())
    if len(text) <= most:
        return text
    end = most // 4
    return f"{text[: most - end - 5]} ... {text[-end:]}"


def shown(value: object, most: int = _VALUE) -> str:
    """``repr`` of a value that was found, on one line and cut to about ``most`` characters."""
    text = one_line(_BRIEF.repr(value), 2 * most)
    if len(text) <= most and (isinstance(value, str) or "..." not in text):
        return text
    return f"{text.partition('...')[0][: most * 3 // 4].rstrip()}... ({type(value).__name__})"


_BRIEF = _Brief()


def joined(problems: Iterable[str], most: int = LONGEST - 200) -> str:
    """Problems as one line: all of them, or as many as fit, and how many more there are."""
    found = [one_line(problem, _PROBLEM) for problem in problems]
    length, kept = 0, 0
    for problem in found:
        length += len(problem) + 2
        if kept and length > most:
            break
        kept += 1
    more = [f"and {len(found) - kept} more"] if kept < len(found) else []
    return "; ".join(found[:kept] + more)
