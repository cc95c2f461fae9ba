"""Terminal tables in the project's style: they fit the terminal, and never cut a number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from hd_plugin._wording import printable
from hd_plugin.report._text import shorten
from hd_plugin.weights import Note, Unmapped

__all__ = ["Column", "Fitted", "named", "names", "new_table", "sizes", "spare", "told_of"]

_GAP = 2  # between columns
_NAME = (16, 8)  # characters that a name keeps before columns are left out, and after
_WORDS = 20  # a text is not folded narrower than this, unless it is shorter


@dataclass(frozen=True)
class Column:
    """kind : "number" (on the right, never cut or folded), "name" (cut in its middle where there is no room)
    or "text" (folded between words). spare : above 0 for a column that a narrow terminal goes without, the
    highest first.
    """

    head: str
    kind: str
    spare: int = 0


class Fitted:
    """Rows under columns, laid out for the width that they are shown at. Cells are rich markup."""

    def __init__(self, title: str, columns: Sequence[Column], caption: str | None = None) -> None:
        self.title, self.columns = printable(title), list(columns)
        self.caption = printable(caption) if caption else None
        self.rows: list[tuple[tuple[str, ...], str | None]] = []

    def add_column(self, head: str, kind: str = "text", spare: int = 0) -> None:
        self.columns.append(Column(head, kind, spare))

    def add_row(self, *cells: str, style: str | None = None) -> None:
        """A cell for each column. style : of the whole row."""
        if len(cells) != len(self.columns):
            raise ValueError(f"{len(cells)} cells for {len(self.columns)} columns")
        self.rows.append((tuple(map(printable, cells)), style))

    def layout(self, width: int) -> dict[int, int]:
        """Which columns are shown on ``width`` characters, and how wide each is; wider than asked where even
        numbers alone do not fit.
        """
        texts = [[Text.from_markup(cells[i]) for cells, _ in self.rows] for i in range(len(self.columns))]
        heads = [max(map(len, c.head.split("\n"))) for c in self.columns]
        lines = [[line for text in own for line in text.split()] for own in texts]
        full = [max([h, *(line.cell_len for line in own)]) for h, own in zip(heads, lines)]
        words = [max([len(w) for t in own for w in t.plain.split()], default=0) for own in texts]

        def least(i: int, name: int) -> int:
            kind = self.columns[i].kind
            if kind == "number":
                return full[i]
            return min(full[i], max(heads[i], name if kind == "name" else min(words[i], _WORDS)))

        shown = list(range(len(self.columns)))
        for i in sorted(shown, key=lambda i: -self.columns[i].spare):
            if not self.columns[i].spare or _total(least(j, _NAME[0]) for j in shown) <= width:
                break
            shown.remove(i)
        kept = _NAME[0] if _total(least(j, _NAME[0]) for j in shown) <= width else _NAME[1]
        found = {i: least(i, kept) for i in shown}
        while (room := width - _total(found.values())) > 0:
            lacking = [i for i in shown if found[i] < full[i]]
            if not lacking:
                break
            for i in sorted(lacking, key=lambda i: (self.columns[i].kind != "name", found[i]))[:room]:
                found[i] += 1
        return found

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        widths = self.layout(options.max_width)
        gone = [c.head.replace("\n", " ") for i, c in enumerate(self.columns) if i not in widths]
        told = [self.caption] if self.caption else []
        told += [f"left out at this width: {', '.join(gone)} (--wide shows all)"] if gone else []
        table = Table(
            title=self.title,
            caption="; ".join(told) or None,
            title_justify="left",
            caption_justify="left",
            header_style="bold",
            box=box.SIMPLE_HEAD,
            show_edge=False,
            pad_edge=False,
            padding=(0, _GAP - 1, 0, 0),  # the box draws a blank between columns
        )
        for i in widths:
            column = self.columns[i]
            table.add_column(
                column.head,
                justify="right" if column.kind == "number" else "left",
                width=widths[i],
                no_wrap=column.kind != "text",
                overflow="fold" if column.kind == "text" else "crop",
            )
        for cells, style in self.rows:
            cut = [
                Text(shorten(Text.from_markup(cells[i]).plain, widths[i]))
                if self.columns[i].kind == "name"
                else Text.from_markup(cells[i])
                for i in widths
            ]
            table.add_row(*cut, style=style)
        wide = max(_total(widths.values()), options.max_width)
        yield from console.render(table, options.update(width=wide, max_width=wide))
        yield Text()


def _total(widths: Iterable[int]) -> int:
    found = list(widths)
    return sum(found) + _GAP * (len(found) - 1)


def new_table(
    title: str, left: Sequence[str | Column], right: Sequence[str | Column], caption: str | None = None
) -> Fitted:
    """Columns that align left (texts), then columns that align right (numbers)."""
    both = ((left, "text"), (right, "number"))
    return Fitted(
        title,
        [c if isinstance(c, Column) else Column(c, kind) for columns, kind in both for c in columns],
        caption,
    )


def names(head: str = "layer") -> Column:
    """A column of names, which lose their middle where there is no room."""
    return Column(head, "name")


def spare(head: str, rank: int = 1, kind: str = "number") -> Column:
    """A column that a narrow terminal goes without; the highest rank goes first."""
    return Column(head, kind, rank)


def named(name: str) -> str:
    """A name, with nothing in it that the terminal would act on."""
    return escape(printable(name))


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
    return [escape(printable(line)) for line in lines]


def _some(names: Sequence[str]) -> str:
    """How many, and the first of them."""
    shown = ", ".join(shorten(name) for name in names[:2])
    return f"{len(names)} ({shown} ...)" if len(names) > 2 else shown
