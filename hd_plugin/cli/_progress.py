"""How a command works: progress on stderr, a journal in the output folder, and what an early end leaves."""

from __future__ import annotations

import json
import sys
import time
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

    from hd_plugin.streaming import Jobs, Journal, Progress

__all__ = ["JOURNAL", "TimeLeft", "jobs", "progress_bar"]

JOURNAL = "hd-plugin.journal"
_PATIENCE_S = 1.0  # quicker work needs no bar
_LINE_S = 30.0  # between two lines where there is no terminal
_MEMORY = 60.0  # the share of the time so far, in percent, that tells how fast work goes now


class TimeLeft:
    """About how long a run still takes, from how fast it went lately."""

    def __init__(self, now: float) -> None:
        self._seen: deque[tuple[float, float]] = deque([(now, 0.0)])
        self._begun = now

    def seconds(self, now: float, done: float) -> float | None:
        """``done`` : of the whole, 0 to 1. None while nothing can be told."""
        if done > self._seen[-1][1]:
            self._seen.append((now, done))
        oldest = now - max((now - self._begun) * _MEMORY / 100, 2 * _LINE_S)
        while len(self._seen) > 2 and self._seen[1][0] < oldest:
            self._seen.popleft()
        then, had = self._seen[0]
        if done <= had or now <= then:
            return None
        return (1 - done) * (now - then) / (done - had)


def _told(seconds: float | None) -> str:
    """``about 3 min left``."""
    if seconds is None:
        return ""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 1.5 * size:
            return f"about {seconds / size:.0f} {unit} left"
    return f"about {max(seconds, 1):.0f} s left"


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A callable (done, total, text) for the whole run: a bar on a terminal, else a line now and then.

    On stderr, with the time left, once work has taken a second.
    """
    from rich.console import Console

    from hd_plugin._wording import printable

    console = Console(stderr=True)
    tell = _bar(console) if console.is_terminal else _lines()
    begun = time.monotonic()
    left = TimeLeft(begun)

    def progress(done: int, total: int, text: str) -> None:
        now = time.monotonic()
        seconds = left.seconds(now, done / total)
        if now - begun >= _PATIENCE_S:
            tell.send((done, total, printable(text), _told(seconds)))

    next(tell)
    try:
        yield progress
    finally:
        tell.close()


_Told = tuple[int, int, str, str]


def _bar(console: Console) -> Generator[None, _Told, None]:
    """A bar that follows what is sent: (done, total, text, time left)."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    columns = TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn()
    bar = Progress(*columns, TextColumn("{task.fields[left]}", markup=False), console=console, transient=True)
    try:
        done, total, text, left = yield
        task = bar.add_task(text, total=total, completed=done, left=left)
        bar.start()
        while True:
            done, total, text, left = yield
            bar.update(task, description=text, total=total, completed=done, left=left)
    finally:
        bar.stop()


def _lines() -> Generator[None, _Told, None]:
    """A line now and then of what is sent."""
    last = time.monotonic()
    while True:
        done, total, text, left = yield
        if time.monotonic() - last >= _LINE_S:
            last = time.monotonic()
            click.echo(f"{100 * done // total}% done{', ' + left if left else ''}: {text}", err=True)


@contextmanager
def jobs(threads: int | None, output: Path | None = None) -> Iterator[Jobs]:
    """``threads`` threads that tell how far they are, and keep what is done in a journal in ``output``.

    After an early end of any kind the journal stays, and stderr says so; ``deliver`` removes it when the
    answer lies in files.
    """
    from hd_plugin.streaming import Jobs, Journal

    journal = None if output is None else Journal(output / JOURNAL)
    running = None
    try:
        with progress_bar() as progress:
            running = Jobs(threads, progress, journal=journal)
            yield running
    except KeyboardInterrupt:
        if output is not None and journal is not None and journal.asked is not None:
            _leave_word(output, journal.asked)
        raise
    finally:
        if journal is not None:
            journal.close()
            _tell(journal, running is not None and running.interrupted)


def _tell(journal: Journal, interrupted: bool) -> None:
    """What came from the journal, and what stays in it."""
    if journal.used:
        click.echo(f"note: {journal.used} parts of this were done before: {journal.path}", err=True)
    ended_early = interrupted or sys.exc_info()[0] is not None
    if journal.asked is not None and ended_early and journal.path.exists():
        click.echo(f"what is done is kept in {journal.path}: run the same command again to go on", err=True)


def _leave_word(output: Path, asked: dict[str, Any]) -> None:
    """The command's JSON says that it was interrupted, where none is there of an earlier run."""
    from hd_plugin._atomic import write_text

    path = output / f"{asked['command']}.json"
    if not path.exists():
        told = {"schema": "hd-plugin/interrupted/1", "interrupted": True, "asked": asked}
        write_text(path, json.dumps(told, indent=1) + "\n")
