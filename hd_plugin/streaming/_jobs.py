"""Independent searches on threads (compiled kernels release the GIL), with progress and a clean Ctrl-C."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

from hd_plugin.errors import InputError

__all__ = ["Jobs", "Progress"]

Progress = Callable[[int, int, str], None]


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # what this process may use; other systems tell only what there is
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Jobs:
    """How work is done: ``Jobs(threads=2)``. Results never depend on it, nor on the order of finishing.

    threads : as many threads; None for every core that this process may use. progress : is called with (done,
    total, text) after each part. text : what the parts are parts of; without one a search tells its own.
    After a Ctrl-C, ``interrupted`` is True and everything not begun answers with its fallback at once. Raises
    InputError when threads < 1.
    """

    def __init__(self, threads: int | None = None, progress: Progress | None = None, text: str = "") -> None:
        if threads is not None and threads < 1:
            raise InputError(f"threads: {threads} found; at least 1 is needed")
        self.threads = threads or _cores()
        self.progress, self.text = progress, text
        self._stop = threading.Event()

    def child(self) -> Jobs:
        """One thread without progress that stops when this does: for one search of many in a ``map``."""
        child = Jobs(1)
        child._stop = self._stop
        return child

    def named(self, text: str) -> Jobs:
        """The same threads, progress and Ctrl-C under another text: for the next part of one job."""
        other = Jobs(self.threads, self.progress, text)
        other._stop = self._stop
        return other

    def titled(self, text: str) -> Jobs:
        """This, under ``text`` where it has no text of its own."""
        return self if self.text else self.named(text)

    def fresh(self, text: str) -> Jobs:
        """The same threads and progress with a Ctrl-C of its own: for what follows an interrupted part."""
        return Jobs(self.threads, self.progress, text)

    @property
    def interrupted(self) -> bool:
        return self._stop.is_set()

    def stop(self) -> None:
        """As a Ctrl-C: what runs is finished, what has not begun answers with its fallback."""
        self._stop.set()

    def map(
        self,
        work: Callable[[Any], Any],
        items: Sequence[Any],
        fallback: Callable[[Any], Any] | None = None,
        done: int = 0,
        total: int | None = None,
    ) -> list[Any]:
        """``[work(i) for i in items]``, or ``fallback(i)`` for what had not begun at a Ctrl-C.

        Without a fallback, a Ctrl-C is a KeyboardInterrupt. done, total : parts of a larger job, for the
        progress.
        """
        fallback = fallback or _no_fallback
        total = len(items) if total is None else total

        def one(item: Any) -> Any:
            return fallback(item) if self._stop.is_set() else work(item)

        if self.threads == 1 or len(items) < 2:
            results = []
            for item in items:
                try:
                    results.append(one(item))
                except KeyboardInterrupt:
                    self._stop.set()
                    results.append(fallback(item))
                self._tell(done + len(results), total)
            return results
        with ThreadPoolExecutor(self.threads) as pool:
            futures = [pool.submit(one, item) for item in items]
            left = set(futures)
            while left:
                try:
                    for future in as_completed(list(left)):
                        left.discard(future)
                        self._tell(done + len(futures) - len(left), total)
                except KeyboardInterrupt:
                    self._stop.set()
            return [future.result() for future in futures]

    def _tell(self, done: int, total: int) -> None:
        if self.progress is not None:
            self.progress(done, total, self.text)


def _no_fallback(_item: Any) -> Any:
    raise KeyboardInterrupt
