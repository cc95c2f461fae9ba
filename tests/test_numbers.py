"""What the README and docs/ say in numbers is what was recorded (docs/numbers.json, made by make numbers)."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # benchmarks/ is no part of the package

from benchmarks.numbers._claims import PAGES, RECORD, Page, load_claims, load_record, plain, shown  # noqa: E402
from benchmarks.numbers._runs import PICTURES, RUNS  # noqa: E402
from benchmarks.numbers._values import values  # noqa: E402

TOLD = json.loads(RECORD.read_text(encoding="utf8"))
KNOWN = load_record()
PAGES_WITH_CLAIMS = load_claims()


@pytest.mark.parametrize("page", PAGES_WITH_CLAIMS, ids=lambda p: p.name)
def test_every_quoted_number_is_the_recorded_one(page):
    """Where this fails the record changed (then change the text), or the text did (then claims.yaml)."""
    text = page.text()
    assert [c for c in page.claims if plain(shown(c, KNOWN)) not in text] == []
    assert [d for d in page.definitions if plain(d) not in text] == []  # no list of things that are gone


@pytest.mark.parametrize("page", PAGES_WITH_CLAIMS, ids=lambda p: p.name)
def test_no_page_has_a_result_that_was_not_recorded(page):
    """Record it and quote it in benchmarks/numbers/claims.yaml; or list it there, where it is no result."""
    assert page.uncovered(KNOWN) == []


def test_every_page_is_looked_at():
    assert {"README.md", "docs/energy.md", "docs/training.md", "docs/numbers.md"} <= set(PAGES)
    assert [p.name for p in PAGES_WITH_CLAIMS] == list(PAGES)


def test_a_record_says_where_it_comes_from():
    quoted = {
        match[1].partition(".")[0]
        for page in PAGES_WITH_CLAIMS
        for claim in page.claims
        for match in re.finditer(r"\{([\w.\-/]+):", claim)
    }
    makers = {name for run in RUNS.values() for name in run.after}  # of files that other runs read
    assert quoted <= set(TOLD["runs"]) <= set(RUNS) == quoted | makers
    for name, told in TOLD["runs"].items():
        assert told["command"] == RUNS[name].command, name
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", told["date"]) and re.fullmatch(
            r"[0-9a-f]{7,}\+?", told["commit"]
        )
        assert told["machine"] and told["values"], name


def test_the_pictures_are_those_that_their_commands_drew():
    assert set(TOLD["pictures"]) == set(PICTURES)
    for picture, told in TOLD["pictures"].items():
        assert hashlib.sha256((ROOT / picture).read_bytes()).hexdigest() == told["sha256"], picture
        assert told["command"] == RUNS[PICTURES[picture][0]].command
    readme = (ROOT / "README.md").read_text(encoding="utf8")
    assert f"`{TOLD['pictures']['docs/images/reduction.png']['command']}`" in readme


def test_a_stale_number_and_a_new_one_are_both_found(monkeypatch):
    """A page that says 2.30x where 2.31x was recorded, and 7.5 % that nobody recorded."""
    page = Page("page.md", ("`cluster` flips {run.flips:x} less",), ("at 0.5 by definition",))
    text = "`cluster` flips 2.30x less, at 0.5 by definition, or 7.5 % of 33 layers; code: `9.9x`."
    monkeypatch.setattr(Page, "text", lambda self: plain(text))
    record = {"run.flips": 2.3096}
    assert plain(shown(page.claims[0], record)) not in page.text()
    assert [u.split("'")[1] for u in page.uncovered(record)] == ["2.30x", "7.5 %"]
    text = text.replace("2.30x", "2.31x")
    assert plain(shown(page.claims[0], record)) in page.text()
    assert [u.split("'")[1] for u in page.uncovered(record)] == ["7.5 %"]


def test_numbers_are_shown_as_texts_have_them():
    record = {"r.a": 0.12425, "r.b": 147.0, "r.c": 1.7e10, "r.d": 83079.0, "r.e": 2.31}
    for claim, wanted in (
        ("{r.a:%}", "12.4 %"),
        ("{r.a:.0p} to", "12 to"),
        ("{r.b:t}", "2 min 27 s"),
        ("{r.c:e1}", "1.7e10"),
        ("{r.d:,.0f}", "83,079"),
        ("{r.e:x}, {r.e:x1}", "2.31x, 2.3x"),
    ):
        assert shown(claim, record) == wanted


def test_the_script_takes_an_answers_numbers_and_says_what_it_leaves_out(tmp_path):
    """A run of the script on a small answer, with nothing that it needs."""
    from hd_plugin import compare, load_network

    net = load_network("resnet20_cifar10_w4", layers=["linear"])
    result = compare(net, effort="greedy", methods=["segment"])
    found = values(result.to_dict())
    summary = result.summary()["segment"]
    assert found["segment.flips"] == summary.mean_hd_reduction
    assert found["segment.datapath"] == summary.mean_energy_reduction
    [base, row] = result.rows
    pes = [r.energy.total("pes") for r in (base, row)]
    assert found["segment.pes"] == pytest.approx(pes[0] / pes[1])
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.numbers", "train_resnet20", "--work", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and "left out: train_resnet20: needs hours" in done.stdout, done.stderr
