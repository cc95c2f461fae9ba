"""``compare`` with the installed Timeloop: the cache, and runs that are kept for a second look."""

import json
import subprocess
from dataclasses import asdict

import numpy as np
import pytest
from click.testing import CliRunner
from timeloop_cases import ROUNDING

import hd_plugin as hd
from hd_plugin.cli import main
from hd_plugin.engines.timeloop import find_tools


@pytest.fixture(scope="module")
def cache(registered, tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def test_a_finished_comparison_comes_from_the_cache_and_is_the_same(cache, tmp_path):
    rng = np.random.default_rng(0)
    np.savez(
        tmp_path / "net.npz",
        **{
            "a.weight": rng.normal(size=(8, 12, 1, 1)),
            "a.output_hw": np.array([6, 6]),
            "b.weight": rng.normal(size=(6, 8, 3, 3)),
            "b.output_hw": np.array([3, 3]),
        },
    )
    results, times = [], []
    for number in range(2):
        done = CliRunner().invoke(
            main,
            [
                "compare",
                str(tmp_path / "net.npz"),
                "--engine",
                "timeloop",
                "--cache",
                str(cache / "c"),
                "--json",
                "-o",
                str(tmp_path / f"o{number}"),
            ],
        )
        assert done.exit_code == 0, done.output
        results.append(json.loads(done.stdout))
        times.append({p.name: p.stat().st_mtime_ns for p in (cache / "c").iterdir()})
    assert results[0] == results[1] and times[0] == times[1]
    assert results[0]["provenance"]["engine"]["mapping"] == "paper"
    analytic = hd.compare(hd.load_network(tmp_path / "net.npz"))
    found = [entry for la in results[0]["layers"] for entry in la["methods"].values()]
    for row, entry in zip(analytic.rows, found):
        assert entry["counts"] == asdict(row.counts)
        assert entry["datapath_energy_J"] == pytest.approx(row.energy.datapath_J, rel=2 * ROUNDING)
    kept = tmp_path / "o0" / "timeloop"
    assert (kept / "a.baseline.1" / "inputs.yaml").is_file() or (
        kept / "a.baseline" / "inputs.yaml"
    ).is_file()
    assert (tmp_path / "o0" / "report.html").is_file()


@pytest.mark.parametrize("mapping", ["paper", "mapper"])
def test_a_saved_run_can_be_run_again_by_hand(mapping, cache, tmp_path):
    np.savez(
        tmp_path / "net.npz",
        **{"a.weight": np.random.default_rng(0).normal(size=(8, 8, 1, 1)), "a.output_hw": np.array([8, 8])},
    )
    done = CliRunner().invoke(
        main,
        [
            "compare",
            str(tmp_path / "net.npz"),
            "--engine",
            "timeloop",
            "--mapping",
            mapping,
            "--cache",
            str(cache / "with spaces"),
            "-o",
            str(tmp_path / "o"),
        ],
    )
    assert done.exit_code == 0, done.output
    saved = tmp_path / "o" / "timeloop" / "a.cluster"
    tools = find_tools()
    again = tmp_path / "again"
    again.mkdir()
    subprocess.run(
        [tools.timeloop_model, saved / "parsed-processed-input.yaml", "-o", again],
        env=tools.environment(),
        check=True,
        capture_output=True,
        cwd=again,
    )
    told = [
        next(p.glob("timeloop-model.stats.txt")).read_text().split("Summary Stats")[1] for p in (saved, again)
    ]
    assert told[0] == told[1]
