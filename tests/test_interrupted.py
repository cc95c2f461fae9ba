"""Whatever ends a run ends it at once, and no work is lost at its end."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import hd_plugin as hd
from hd_plugin.cli import main
from hd_plugin.streaming import METHODS, Jobs

NAME = "hd-plugin.journal"


def weights(tmp_path):
    rng = np.random.default_rng(1)
    shapes = {"a": (60, 40, 1, 1), "b": (32, 24, 3, 3), "c": (24, 16, 1, 1)}
    path = tmp_path / "net.npz"
    np.savez(path, **{f"{n}.weight": rng.integers(-7, 8, s).astype(np.int8) for n, s in shapes.items()})
    return path


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_long_compiled_search_at_once(tmp_path, number, code):
    """One group of 6,000 outputs at the hardest effort is minutes in a single compiled call."""
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "net.npz", **{"a.weight": rng.integers(-7, 8, (6000, 8)).astype(np.int8)})
    folder = tmp_path / "out"
    words = ["optimize", str(tmp_path / "net.npz"), "--method", "segment", "--effort", "best"]
    heard = signal.signal(number, signal.default_int_handler)  # a process in the background does not hear
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "hd_plugin.cli", *words, "-o", str(folder)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        signal.signal(number, heard)
    while process.poll() is None and not (folder / NAME).exists():
        time.sleep(0.05)
    time.sleep(1)
    process.send_signal(number)
    told = process.communicate(timeout=600)[1]
    assert process.returncode == code
    assert "interrupted" in told and (f"kept in {folder / NAME}" in told) == (folder / NAME).exists()
    found = json.loads((folder / "optimize.json").read_text())
    assert found["interrupted"] is True and found["unfinished"] == [{"layer": "a", "method": "segment"}]


def test_an_interrupted_command_without_numbers_says_so_in_its_json(tmp_path, monkeypatch):
    def interrupted(self, layer, search):
        raise KeyboardInterrupt

    monkeypatch.setattr(type(METHODS["direct"]), "groups", interrupted)
    words = ["verify", str(weights(tmp_path)), "--method", "direct", "--simulator", "none"]
    done = CliRunner().invoke(main, [*words, "-o", str(tmp_path / "out")])
    assert done.exit_code == 130 and "interrupted" in done.stderr
    told = json.loads((tmp_path / "out" / "verify.json").read_text())
    assert told["interrupted"] is True and told["asked"]["command"] == "verify"


def test_a_progress_that_raises_ends_the_run_at_once():
    layer = hd.Layer.from_values("a", np.random.default_rng(0).integers(-7, 8, (3000, 16)), 4)

    class Enough(Exception):
        pass

    told = []

    def progress(done, total, text):
        told.append(done / total)
        raise Enough

    with pytest.raises(Enough):
        hd.optimize(layer, 8, "segment", "best", jobs=Jobs(2, progress))
    assert len(told) == 1 and told[0] < 0.5  # nothing went on after it, and much was left to do


def test_work_that_found_too_little_memory_beside_others_is_done_again_alone():
    alone = []

    def work(item, jobs):
        if item == 3 and not alone:
            alone.append(item)
            raise MemoryError
        return 2 * item

    assert Jobs(3).spread(work, range(6)) == [0, 2, 4, 6, 8, 10] and alone == [3]

    def never(item):
        raise MemoryError("8 TiB")

    with pytest.raises(MemoryError, match="8 TiB"):
        Jobs(2).map(never, [1, 2])


def test_what_was_cut_short_is_no_result_where_nothing_stands_for_it():
    jobs = Jobs(2)

    def work(item, own):
        own.stop()  # a Ctrl-C while all of them run
        return item

    with pytest.raises(KeyboardInterrupt):
        jobs.spread(work, [1, 2])
    assert Jobs(2).spread(lambda item, own: item, [1, 2]) == [1, 2]


def test_progress_is_of_the_whole_run_and_never_goes_back():
    network = hd.load_network("resnet20_cifar10_w4", layers=["layer1.0.conv1", "linear"])
    told = []
    jobs = Jobs(2, lambda done, total, text: told.append((done, total)))
    hd.compare(network, methods=["segment", "cluster"], jobs=jobs)
    assert {total for _, total in told} == {1000}
    assert [d for d, _ in told] == sorted(d for d, _ in told) and told[-1][0] >= 990


@pytest.mark.parametrize("name", ["[/red]", "/", "x" * 240, "\x1b[31m", "a/b", "..", "\udcff"])
def test_no_layer_name_loses_the_work(tmp_path, name):
    rng = np.random.default_rng(1)
    layer = hd.Layer.from_values(name, rng.integers(-7, 8, (12, 9)), 4)
    network = hd.Network(name, [layer])
    from hd_plugin.report import tables, write_report

    found = hd.plan(network, methods=["segment"])
    write_report(found, tmp_path / "out")
    [file] = (tmp_path / "out").glob("*.plan.json")
    assert hd.StreamPlan.load(file).layer == name  # the file's name is short, and its content tells
    from rich.console import Console

    for table in tables(found):
        Console(file=io.StringIO(), width=80).print(table)


def test_a_file_whose_name_is_not_utf8_is_read_and_answered(tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/net-\xff.npz"))
    try:
        path.write_bytes(weights(tmp_path).read_bytes())
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    folder = tmp_path / "out"
    words = [
        sys.executable,
        "-m",
        "hd_plugin.cli",
        "compare",
        str(path),
        "--effort",
        "greedy",
        "-o",
        str(folder),
    ]
    done = subprocess.run(words, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads((folder / "compare.json").read_text())
