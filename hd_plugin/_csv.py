"""CSV files that a spreadsheet shows and does not run."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from hd_plugin._atomic import atomic_path
from hd_plugin._wording import printable

__all__ = ["cell", "write_csv"]

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def cell(value: object) -> object:
    """``value`` as a cell: texts printable, and those that a spreadsheet takes for a formula behind a '.

    Source: OWASP, CSV injection (a cell that begins with = + - @, a tab or a line end).
    """
    if not isinstance(value, str):
        return value
    runs = value.startswith(_FORMULA) or value.lstrip().startswith(_FORMULA)
    return ("'" if runs else "") + printable(value)


def write_csv(path: str | Path, names: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """A head of ``names`` and a line a row, whole or not at all; a row's other fields are left out."""
    with atomic_path(path) as temporary, open(temporary, "w", newline="", encoding="utf8") as file:
        writer = csv.writer(file)
        writer.writerow([cell(name) for name in names])
        writer.writerows([cell(row.get(name)) for name in names] for row in rows)
