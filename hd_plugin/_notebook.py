"""A table as notebooks show it: plain HTML, every text in it escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

__all__ = ["notebook_table"]


def notebook_table(
    caption: str, names: Sequence[str], rows: Iterable[Sequence[object]], notes: Iterable[str] = ()
) -> str:
    """``rows`` under ``names``, with a paragraph before and one a note after."""
    body = [_row("th", names), *(_row("td", row) for row in rows)]
    after = [f"<p>{escape(note)}</p>" for note in notes]
    return "".join([f"<p>{escape(caption)}</p><table>", *body, "</table>", *after])


def _row(tag: str, cells: Iterable[object]) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(str(cell))}</{tag}>" for cell in cells) + "</tr>"
