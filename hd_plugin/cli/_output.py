"""What every command does with its result: tables or JSON on stdout, files in a folder, an exit code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hd_plugin._wording import printable
from hd_plugin.cli._signals import exit_code

if TYPE_CHECKING:
    from hd_plugin.streaming import Jobs
    from hd_plugin.study import Result

__all__ = ["checked_folder", "deliver", "show", "wide"]

_ALL = 10_000  # columns, for tables that are to show all
_WIDE = "hd_plugin.wide"


def show(*things: Any) -> None:
    """Tables and lines on stdout."""
    from rich.console import Console

    context = click.get_current_context(silent=True)
    console = Console(width=_ALL if context is not None and context.meta.get(_WIDE) else None)
    for thing in things:
        text = isinstance(thing, str)
        console.print(thing, highlight=not text, soft_wrap=text, crop=False)


def wide(context: click.Context, param: click.Parameter, value: bool) -> None:
    """Callback of ``--wide``: ``show`` asks the context."""
    context.meta[_WIDE] = value


def checked_folder(path: Path | None) -> Path | None:
    """Refuse an output folder that cannot be made before any work is done."""
    from hd_plugin._atomic import atomic_path

    if path is not None:
        with atomic_path(path / "hd-plugin.tmp"):
            pass
        (path / "hd-plugin.tmp").unlink(missing_ok=True)  # another process may look at the same moment
    return path


def deliver(result: Result, output: Path | None, as_json: bool, jobs: Jobs | None = None) -> None:
    """Write the result's files to ``output`` if asked, then print it as JSON or as tables.

    jobs : whose journal has done its service once the files are there. Exits with 130 for an interrupted
    result (143 after a SIGTERM), with 1 for a failed check.
    """
    from hd_plugin.report import tables, write_report

    first = write_report(result, output) if output is not None else None
    if jobs is not None and jobs.journal is not None and not result.interrupted:
        jobs.journal.remove()
    for note in result.notes:
        click.echo(f"note: {printable(note)}", err=True)
    if as_json:
        click.echo(result.json_text())
    else:
        show(*tables(result))
        if first is not None:
            click.echo(f"written: {first}")
    if result.interrupted:
        click.echo("interrupted: file order stands for what had not begun", err=True)
        click.get_current_context().exit(exit_code())
    if not result.ok:
        click.get_current_context().exit(1)
