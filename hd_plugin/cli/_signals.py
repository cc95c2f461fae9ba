"""SIGTERM ends a command as Ctrl-C does; a second signal ends the process at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click

__all__ = ["exit_code", "listening"]

_KEY = "hd_plugin.signal"


def exit_code() -> int:
    """As a shell has it: 128 and the number of the signal that came, 130 for Ctrl-C."""
    came: int = click.get_current_context().find_root().meta.get(_KEY, signal.SIGINT)
    return 128 + int(came)


@contextmanager
def listening(context: click.Context) -> Iterator[None]:
    """While this lasts, both signals are a KeyboardInterrupt, once."""
    if threading.current_thread() is not threading.main_thread():  # only there signals can be listened to
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:
        for each in before:
            signal.signal(each, signal.SIG_DFL)
        context.meta[_KEY] = number
        raise KeyboardInterrupt

    numbers = [n for n in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(n) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
