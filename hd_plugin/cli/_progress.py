"""Progress on stderr."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hd_plugin.streaming import Jobs, Progress

__all__ = ["jobs", "progress_bar"]

_PATIENCE_S = 1.0  # quicker work needs no bar


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A callable (done, total, text) that draws a bar on stderr once work has taken a second."""
    from rich.console import Console
    from rich.progress import Progress, TaskID

    bar = Progress(console=Console(stderr=True), transient=True)
    tasks: dict[str, TaskID] = {}
    started = time.monotonic()

    def tell(done: int, total: int, text: str) -> None:
        if time.monotonic() - started < _PATIENCE_S and not bar.live.is_started:
            return
        if not bar.live.is_started:
            bar.start()
        if text not in tasks:
            tasks[text] = bar.add_task(text)
        bar.update(tasks[text], completed=done, total=total)

    try:
        yield tell
    finally:
        if bar.live.is_started:
            bar.stop()


@contextmanager
def jobs(threads: int | None) -> Iterator[Jobs]:
    """``threads`` threads that tell how far they are."""
    from hd_plugin.streaming import Jobs

    with progress_bar() as progress:
        yield Jobs(threads, progress)
