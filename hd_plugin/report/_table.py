"""A terminal table in the project's style."""

from __future__ import annotations

from collections.abc import Iterable

from rich.markup import escape
from rich.table import Table

from hd_plugin.report._text import shorten
from hd_plugin.weights import Unmapped

__all__ = ["named", "new_table", "sizes", "unmapped_note"]


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


def unmapped_note(unmapped: Iterable[Unmapped]) -> list[str]:
    """One line about layers that do not go to the array, if there are any."""
    found = list(unmapped)
    if not found:
        return []
    shown = ", ".join(f"{shorten(u.name)} ({u.reason})" for u in found[:3])
    more = f" and {len(found) - 3} more (--json lists them)" if len(found) > 3 else ""
    return [escape(f"not mapped: {shown}{more}")]
