"""How work is done, whatever it is: threads, progress of the whole run, an end at once, and a journal."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from hd_plugin._journal import Arrays, Journal
from hd_plugin.errors import InputError

__all__ = ["Jobs", "Progress"]

Progress = Callable[[int, int, str], None]

_WHOLE = 1000  # what progress is told in: parts of the whole run
_PATIENCE_S = 0.2  # between two looks at how far the threads are


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # what this process may use; other systems tell only what there is
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Worker(threading.local):
    """Whether this thread works for a Jobs; then it neither tells progress nor hears of a Ctrl-C."""

    busy = False


_worker = _Worker()


class _Run:
    """What all parts of one run share."""

    def __init__(self, progress: Progress | None, journal: Journal | None) -> None:
        self.progress, self.journal = progress, journal
        self.done, self.text, self.told = 0.0, "", (-1, "")

    def tell(self) -> None:
        """Progress, where it is another than before; a part that was told stays told."""
        now = max(self.told[0], int(self.done * _WHOLE + 1e-9)), self.text
        if self.progress is not None and self.text and now != self.told:
            self.told = now
            self.progress(now[0], _WHOLE, now[1])


class Jobs:
    """How work is done: ``Jobs(threads=2)``. Results never depend on it, nor on the order of finishing.

    threads : as many threads; None for every core that this process may use. progress : is called with (done,
    total, text): how much of the whole run is done, in parts of ``total``, and what is being worked at; what
    it raises ends the run at once (a KeyboardInterrupt as a Ctrl-C does). text : what is worked at; without
    one a search tells its own. journal : where finished work is kept, and found again after an end of any
    kind. After a Ctrl-C, ``interrupted`` is True: compiled searches stop where they are, and everything not
    begun answers with its fallback. Raises InputError when threads < 1.
    """

    def __init__(
        self,
        threads: int | None = None,
        progress: Progress | None = None,
        text: str = "",
        journal: Journal | None = None,
    ) -> None:
        if threads is not None and threads < 1:
            raise InputError(f"threads: {threads} found; at least 1 is needed")
        self.threads, self.text = threads or _cores(), text
        self.flag = np.zeros(1, np.uint8)  # compiled searches look at it: not 0 ends them
        self._run = _Run(progress, journal)
        self._up: Callable[[float], None] = self._whole

    def _whole(self, done: float) -> None:
        self._run.done = done

    def _part(self, up: Callable[[float], None], threads: int | None = None, text: str | None = None) -> Jobs:
        part = Jobs(threads or self.threads, text=self.text if text is None else text)
        part.flag, part._run, part._up = self.flag, self._run, up
        return part

    def named(self, text: str) -> Jobs:
        """The same under another text."""
        return self._part(self._up, text=text)

    def titled(self, text: str) -> Jobs:
        """This, under ``text`` where it has no text of its own."""
        return self if self.text else self.named(text)

    def parts(self, *weights: float) -> list[Jobs]:
        """This one after another, for parts of a run that take about so long beside each other."""
        ends = np.cumsum([0.0, *weights]) / max(sum(weights), 1e-9)

        def between(first: float, last: float) -> Callable[[float], None]:
            return lambda done: self._up(first + (last - first) * done)

        return [self._part(between(float(a), float(b))) for a, b in pairwise(ends)]

    def fresh(self) -> Jobs:
        """The same with a Ctrl-C of its own: for what follows an interrupted part."""
        part = self._part(self._up)
        part.flag = np.zeros(1, np.uint8)
        return part

    @property
    def journal(self) -> Journal | None:
        """Where finished work is kept."""
        return self._run.journal

    @property
    def interrupted(self) -> bool:
        return bool(self.flag[0])

    def stop(self) -> None:
        """As a Ctrl-C: what runs ends where it is, what has not begun answers with its fallback."""
        self.flag[0] = 1

    def question(self, asked: Mapping[str, object]) -> None:
        """What this run is about, before its work begins: a journal of another question is refused."""
        if self._run.journal is not None:
            self._run.journal.begin(asked)

    def kept(self, name: str, inputs: Iterable[Any], make: Callable[[], Arrays]) -> Arrays:
        """``make()``, or what the journal has from an earlier call with the same name and ``inputs``.

        inputs : all that the result depends on, arrays or what has a ``repr``. What a Ctrl-C cut short is
        not kept.
        """
        journal = self._run.journal
        if journal is None:
            return make()
        key = journal.key(name, inputs)
        found = journal.get(key)
        if found is None:
            found = make()
            if not self.interrupted:
                journal.put(key, found)
        return found

    def apart(self, work: Callable[[Jobs], Any]) -> Any:
        """``work(jobs)`` in a thread of its own, so that a Ctrl-C reaches this one while it runs."""
        if _worker.busy:
            return work(self)
        return self._together(lambda _item, jobs: work(jobs), [None], lambda _item: work(self), [1.0])[0]

    def map(
        self,
        work: Callable[[Any], Any],
        items: Sequence[Any],
        fallback: Callable[[Any], Any] | None = None,
        weights: Sequence[float] | None = None,
    ) -> list[Any]:
        """``[work(i) for i in items]``, or ``fallback(i)`` for what had not begun at a Ctrl-C.

        Without a fallback, a Ctrl-C is a KeyboardInterrupt. weights : how long each takes beside the others,
        for the progress. An error ends the others where they are.
        """
        return self.spread(lambda item, _jobs: work(item), items, fallback, weights)

    def spread(
        self,
        work: Callable[[Any, Jobs], Any],
        items: Sequence[Any],
        fallback: Callable[[Any], Any] | None = None,
        weights: Sequence[float] | None = None,
    ) -> list[Any]:
        """``map`` for work that has parts itself: ``work(item, jobs)``; a single item has all threads."""
        weights = [1.0] * len(items) if weights is None else weights
        found = self._together(work, items, fallback or _no_fallback, weights) if items else []
        if fallback is None and self.interrupted:  # some of it may have been cut short
            raise KeyboardInterrupt
        return found

    def _together(
        self,
        work: Callable[[Any, Jobs], Any],
        items: Sequence[Any],
        fallback: Callable[[Any], Any],
        weights: Sequence[float],
    ) -> list[Any]:
        done, whole = [0.0] * len(items), max(float(sum(weights)), 1e-9)
        alone = self.threads == 1 or len(items) == 1

        def slot(i: int) -> Callable[[float], None]:
            def up(part: float) -> None:
                done[i] = part * weights[i]
                self._up(sum(done) / whole)

            return up

        def one(i: int) -> Any:
            self._run.text = self.text or self._run.text
            if self.interrupted:
                return fallback(items[i])
            found = work(items[i], self._part(slot(i), self.threads if len(items) == 1 else 1))
            slot(i)(1.0)
            return found

        if alone and _worker.busy:
            return [one(i) for i in range(len(items))]
        return self._pooled(one, fallback, items)

    def _pooled(
        self, one: Callable[[int], Any], fallback: Callable[[Any], Any], items: Sequence[Any]
    ) -> list[Any]:
        """``one(i)`` for every item on threads; this thread tells progress and hears of a Ctrl-C."""
        found: dict[int, Any] = {}
        memory: list[int] = []  # what had too little memory beside the others
        outermost = not _worker.busy
        with ThreadPoolExecutor(min(self.threads, len(items)), initializer=_begin_worker) as pool:
            left = {pool.submit(one, i): i for i in range(len(items))}
            try:
                while left:
                    try:
                        for future in wait(left, _PATIENCE_S if outermost else None, FIRST_COMPLETED).done:
                            i, error = left.pop(future), future.exception()
                            if isinstance(error, MemoryError) and len(items) > 1:
                                memory.append(i)
                            elif isinstance(error, KeyboardInterrupt):
                                self.stop()
                            elif error is not None:
                                raise error
                            else:
                                found[i] = future.result()
                        if outermost:
                            self._run.tell()
                    except KeyboardInterrupt:
                        self.stop()
            except BaseException:  # of the work or of the progress: what runs ends, the rest does not begin
                self.stop()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        for again in memory:
            found[again] = self._pooled(partial(_of, one, again), fallback, [items[again]])[0]
        return [found[i] if i in found else fallback(item) for i, item in enumerate(items)]


def _of(one: Callable[[int], Any], item: int, _: int) -> Any:
    return one(item)


def _begin_worker() -> None:
    _worker.busy = True


def _no_fallback(_item: Any) -> Any:
    raise KeyboardInterrupt
