"""A terminal table in the project's style."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.markup import escape
from rich.table import Table

from hd_plugin.report._text import shorten
from hd_plugin.weights import Note, Unmapped

__all__ = ["named", "new_table", "sizes", "told_of"]


def new_table(title: str, left: list[str], right: list[str], caption: str | None = None) -> Table:
    """Columns that align left, then columns that align right."""
    table = Table(
        title=title, caption=caption, title_justify="left", caption_justify="left", header_style="bold"
    )
    for name in left:
        table.add_column(name)
    for name in right:
        table.add_column(name, justify="right")
    return table


def named(name: str) -> str:
    """A layer's name, short enough for a column, with nothing in it that the terminal would act on."""
    return escape(shorten(name))


def sizes(K: int, C: int, taps: int) -> str:
    """K x C x taps."""
    return f"{K} x {C} x {taps}"


def told_of(unmapped: Iterable[Unmapped], notes: Iterable[Note]) -> list[str]:
    """What a reader has to know of the network: a line for each reason why something is not mapped, and one a
    note.
    """
    by_reason: dict[str, list[str]] = {}
    for one in unmapped:
        by_reason.setdefault(one.reason, []).append(one.name)
    lines = [f"not mapped: {_some(names)}: {reason}" for reason, names in by_reason.items()]
    for note in notes:
        lines.append(f"note: {note.text}" + (f": {_some(note.layers)}" if note.layers else ""))
    return [escape(line) for line in lines]


def _some(names: Sequence[str]) -> str:
    """How many, and the first of them."""
    shown = ", ".join(shorten(name) for name in names[:2])
    return f"{len(names)} ({shown} ...)" if len(names) > 2 else shown
