"""Progress on stderr: of the whole run, with the time left, on any terminal and without one."""

import io

import pytest
from rich.console import Console

from hd_plugin.cli import _progress
from hd_plugin.cli._progress import TimeLeft


def test_the_time_left_follows_how_fast_work_goes_now():
    left = TimeLeft(0.0)
    assert left.seconds(1.0, 0.0) is None  # nothing is done, nothing can be told
    assert left.seconds(10.0, 0.1) == pytest.approx(90)
    assert left.seconds(20.0, 0.2) == pytest.approx(80)
    for now in range(30, 1000, 10):  # ten times slower from now on
        seconds = left.seconds(float(now), 0.2 + (now - 20) / 1000 * 0.1)
    assert seconds == pytest.approx(10_000 * (1 - 0.297), rel=0.1)
    resumed = TimeLeft(0.0)  # most of it was done before, at once
    resumed.seconds(0.1, 0.8)
    for now in range(1, 600):
        seconds = resumed.seconds(float(now), 0.8 + now / 10_000)
    assert seconds == pytest.approx(1400, rel=0.1)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0.2, "about 1 s left"),
        (89, "about 89 s left"),
        (600, "about 10 min left"),
        (7200, "about 2 h left"),
    ],
)
def test_the_time_left_in_words(seconds, text):
    assert _progress._told(seconds) == text


def test_without_a_terminal_there_is_a_line_now_and_then(monkeypatch, capsys):
    monkeypatch.setattr(_progress, "_PATIENCE_S", 0.0)
    monkeypatch.setattr(_progress, "_LINE_S", 0.0)
    with _progress.progress_bar() as tell:
        tell(250, 1000, "net: searching orders")
    assert capsys.readouterr().err.startswith("25% done")
    monkeypatch.setattr(_progress, "_LINE_S", 1000.0)
    with _progress.progress_bar() as tell:
        for done in range(1000):
            tell(done, 1000, "net: searching orders")
    assert capsys.readouterr().err == ""


def test_an_ascii_terminal_has_a_bar_too():
    raw = io.BytesIO()
    console = Console(file=io.TextIOWrapper(raw, encoding="ascii"), force_terminal=True, width=80)
    bar = _progress._bar(console)
    next(bar)
    for done in (1, 500):
        bar.send((done, 1000, "net [/red]: searching orders", "about 3 min left"))
    bar.close()
    console.file.flush()
    assert b"about 3 min left" in raw.getvalue() and b"[/red]" in raw.getvalue()
