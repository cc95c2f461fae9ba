"""Finished work outlives any end of a run: the same question goes on from it, and ends with the same
bytes.
"""

import random
import subprocess
import sys
import time

import numpy as np
import pytest
from click.testing import CliRunner

from hd_plugin._journal import Journal
from hd_plugin.cli import main
from hd_plugin.errors import InputError

ASKED = {"command": "test", "weights": ["a"]}
NAME = "hd-plugin.journal"


def arrays():
    rng = np.random.default_rng(0)
    return (
        rng.permutation(300),
        np.array(-5),
        np.zeros((0, 3), np.int64),
        rng.integers(0, 9, (4, 2)).astype(np.uint8),
        rng.random((2, 3)),
    )


def opened(path, asked=ASKED):
    journal = Journal(path)
    journal.begin(asked)
    return journal


def filled(path, count=20):
    """A journal of ``count`` entries, closed."""
    journal = opened(path)
    for i in range(count):
        journal.put(journal.key("work", [i]), (np.arange(i + 1),))
    journal.close()
    return path


def test_what_was_put_is_found_again_by_another_process(tmp_path):
    journal = opened(tmp_path / "j")
    journal.put(journal.key("one", [1]), arrays())
    journal.close()
    again = opened(tmp_path / "j")
    found = again.get(again.key("one", [1]))
    assert again.get(again.key("one", [2])) is None and again.used == 1
    for one, other in zip(found, arrays()):
        assert one.dtype == other.dtype and one.shape == other.shape and np.array_equal(one, other)
    found[0][0] = 1  # of its own
    again.remove()
    assert not (tmp_path / "j").exists()


def test_a_key_tells_apart_whatever_differs():
    a = np.arange(6)
    different = [
        ("x", [a]),
        ("y", [a]),
        ("x", [a.reshape(2, 3)]),
        ("x", [a.astype(np.int32)]),
        ("x", [a[::-1]]),
        ("x", [a, 1]),
        ("x", [a, "1"]),
        ("x", [a, None]),
    ]
    assert len({Journal.key(*one) for one in different}) == len(different)
    assert Journal.key("x", [a[::2]]) == Journal.key("x", [a[::2].copy()])


@pytest.mark.parametrize("seed", range(5))
def test_a_torn_or_damaged_end_is_dropped_and_all_before_it_stays(tmp_path, seed):
    whole = filled(tmp_path / "whole").read_bytes()
    rng = random.Random(seed)
    for i in range(20):
        path = tmp_path / f"{i}"
        at = rng.randrange(whole.index(b"\n") + 1, len(whole))
        bent = bytearray(whole)
        bent[at] ^= 1 << rng.randrange(8)
        path.write_bytes(whole[:at] if i % 2 else bytes(bent))
        journal = opened(path)
        there = [n for n in range(20) if journal.get(journal.key("work", [n])) is not None]
        assert there == list(range(len(there))) and len(there) < 20
        for n in range(20):  # and it goes on from there
            journal.put(journal.key("work", [n]), (np.arange(n + 1),))
        journal.close()
        assert path.read_bytes() == whole


def test_a_file_that_was_killed_while_it_was_made_is_made_anew(tmp_path):
    whole = filled(tmp_path / "whole").read_bytes()
    for size in (0, 1, 9, 30, whole.index(b"\n"), whole.index(b"\n") + 1):
        (tmp_path / "j").write_bytes(whole[:size])
        assert filled(tmp_path / "j").read_bytes() == whole


def test_a_journal_in_which_nothing_is_stands_in_nobodys_way(tmp_path):
    opened(tmp_path / "j").close()
    assert not (tmp_path / "j").exists()
    whole = filled(tmp_path / "j").read_bytes()
    (tmp_path / "j").write_bytes(whole[: whole.index(b"\n") + 1])  # killed before any work was done
    opened(tmp_path / "j", {**ASKED, "weights": ["b"]}).close()


def test_a_journal_of_another_question_is_refused_in_one_line(tmp_path):
    filled(tmp_path / "j")
    before = (tmp_path / "j").read_bytes()
    with pytest.raises(InputError, match=r"other weights.*give another folder, or delete .*j$") as told:
        opened(tmp_path / "j", {**ASKED, "weights": ["b"]})
    assert "\n" not in str(told.value) and (tmp_path / "j").read_bytes() == before


@pytest.mark.parametrize("content", [b"mine", b"{}\n", b'{"schema": "hd-plugin/plan/1"}\n', b"\0" * 100])
def test_a_file_of_somebody_elses_is_never_written_to(tmp_path, content):
    (tmp_path / "j").write_bytes(content)
    journal = Journal(tmp_path / "j")
    with pytest.raises(InputError, match="was not written by hd-plugin and stays"):
        journal.begin(ASKED)
    journal.remove()
    assert (tmp_path / "j").read_bytes() == content


def test_two_runs_do_not_write_to_one_journal(tmp_path):
    pytest.importorskip("fcntl", reason="no file locks here")
    first = opened(tmp_path / "j")
    with pytest.raises(InputError, match="another hd-plugin is at work there"):
        opened(tmp_path / "j")
    first.close()
    filled(tmp_path / "j")


def weights(tmp_path):
    rng = np.random.default_rng(1)
    shapes = {"a": (60, 40, 1, 1), "b": (32, 24, 3, 3), "c": (24, 16, 1, 1)}
    path = tmp_path / "net.npz"
    np.savez(path, **{f"{n}.weight": rng.integers(-7, 8, s).astype(np.int8) for n, s in shapes.items()})
    return path


def tree(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


COMMANDS = {
    "optimize": ["--method", "segment", "--method", "cluster", "--effort", "best", "--bound"],
    "compare": ["--no-studies"],
    "round": ["--mu", "0.5", "--method", "segment", "--mu", "2"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_run_that_was_cut_at_any_entry_ends_with_the_same_bytes_and_does_nothing_twice(
    command, tmp_path, monkeypatch
):
    """A journal that ends after n entries is what kill -9 leaves there."""
    kept = []
    monkeypatch.setattr(Journal, "remove", lambda self: (kept.append(self.path.read_bytes()), self.close()))

    def run(folder):
        words = [command, str(weights(tmp_path)), *COMMANDS[command], "--threads", "1", "-o", str(folder)]
        done = CliRunner().invoke(main, words)
        assert done.exit_code == 0, done.output
        return {name: data for name, data in tree(folder).items() if name != NAME}, done.stderr

    wanted, _ = run(tmp_path / "whole")
    journal = kept[-1]
    assert len(wanted) > 2
    rng = random.Random(3)
    for i in range(3):
        folder = tmp_path / f"cut {i}"
        folder.mkdir()
        cut = journal[: rng.randrange(journal.index(b"\n") + 1, len(journal))]
        (folder / NAME).write_bytes(cut)
        found, told = run(folder)
        assert found == wanted
        # what was kept is where it was, and what came after is what was missing: nothing was done twice
        assert sorted_entries(kept[-1]) == sorted_entries(journal) and kept[-1].startswith(whole_of(cut))
        assert "were done before" in told or whole_of(cut).endswith(b"\n")


def entries(journal):
    at, found = journal.index(b"\n") + 1, []
    while at + 8 <= len(journal):
        size = 8 + int.from_bytes(journal[at : at + 4], "little")
        if at + size > len(journal):
            break
        found.append(journal[at : at + size])
        at += size
    return found


def sorted_entries(journal):
    return sorted(entries(journal))


def whole_of(cut):
    """The cut journal without the entry that was torn."""
    return cut[: cut.index(b"\n") + 1] + b"".join(entries(cut))


def test_kill_9_loses_nothing_that_was_done(tmp_path):
    words = ["optimize", str(weights(tmp_path)), *COMMANDS["optimize"], "--threads", "2"]
    program = [sys.executable, "-m", "hd_plugin.cli"]
    subprocess.run([*program, *words, "-o", str(tmp_path / "whole")], check=True, capture_output=True)
    folder = tmp_path / "killed"
    process = subprocess.Popen(
        [*program, *words, "-o", str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while process.poll() is None and not (folder / NAME).exists():
        time.sleep(0.01)
    while process.poll() is None and (folder / NAME).stat().st_size < 3000:
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert [p.name for p in folder.iterdir()] == [NAME]
    had = len(entries((folder / NAME).read_bytes()))
    done = subprocess.run([*program, *words, "-o", str(folder)], check=True, capture_output=True, text=True)
    assert tree(folder) == tree(tmp_path / "whole")
    assert had and f"note: {had} parts of this were done before" in done.stderr
