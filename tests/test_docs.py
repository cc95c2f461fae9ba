"""What README and docs show is spelled right, and runs: on a small network in place of the reader's own."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from hd_plugin.cli import main

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES += sorted((ROOT / "hd_plugin" / "networks").glob("*.md"))
# not run here, only read: they need tools, images or minutes that other tests have
READ_ONLY = {"characterize", "doctor", "register", "rewrite", "train"}
UNSPELLED = ("MU", "DIR", "NETWORK", "PLAN", "...")  # a line with these is a form to fill in


def blocks(page, language):
    text = page.read_text(encoding="utf8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def commands(page):
    """Every hd-plugin command of a page: lines of code blocks, and code between backticks."""
    text = page.read_text(encoding="utf8").replace("\\\n", " ")
    inside = re.sub(r"^```.*?^```", lambda m: m[0].replace("`", "\n"), text, flags=re.MULTILINE | re.DOTALL)
    found = re.findall(r"(?:^|`)(hd-plugin [^`\n]*)", inside, re.MULTILINE)
    for line in found:
        words = shlex.split(line.partition(" &&")[0], comments=True)
        if len(words) > 1 and not any(u in words or f"{u}/" in words for u in UNSPELLED):
            yield words[1:]


LINES = [(page.name, words) for page in PAGES for words in commands(page)]


@pytest.mark.parametrize(("page", "words"), LINES, ids=[f"{p}: {' '.join(w)[:60]}" for p, w in LINES])
def test_every_command_in_the_documents_is_spelled_right(page, words):
    done = CliRunner().invoke(main, [*words, "--help"])  # options are read before help is shown
    assert done.exit_code == 0, f"{page}: hd-plugin {' '.join(words)}: {done.output}"


@pytest.fixture
def own_network(tmp_path, monkeypatch):
    """A small network under the name that the documents use, in a folder of its own."""
    rng = np.random.default_rng(0)
    weights = {
        "first.weight": rng.normal(size=(12, 16, 1, 1)),
        "first.output_hw": np.array([4, 4]),
        "last.weight": rng.normal(size=(10, 12)),
        "last.output_hw": np.array([1, 1]),
    }
    np.savez(tmp_path / "model.npz", **weights)
    monkeypatch.chdir(tmp_path)
    return "model.npz"


def as_here(text, network):
    return re.sub(r"\b(model|resnet20)\.(tflite|pt|th)\b", network, text).replace(
        "examples/study.yaml", "study.yaml"
    )


def test_the_commands_of_the_readme_run_one_after_another(own_network):
    study = (ROOT / "examples" / "study.yaml").read_text(encoding="utf8")
    Path("study.yaml").write_text(
        re.sub(r"network: \S+|trained: .*", "", study) + f"\nnetwork: {own_network}\n"
    )
    lines = [words for words in commands(ROOT / "README.md") if words[0] not in READ_ONLY]
    ran = []
    for words in lines:
        words = [as_here(word, own_network) for word in words]
        if "timeloop" in words or any("mobilenet_v2_1.0" in word for word in words):
            continue  # other programs; and a network that `make numbers` runs
        done = CliRunner().invoke(main, words)
        assert done.exit_code == 0, f"hd-plugin {' '.join(words)}: {done.output}"
        ran.append(words[0])
    assert {"networks", "measure", "optimize", "compare", "round", "verify", "layers"} <= set(ran)


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "python")], ids=lambda p: p.name)
def test_the_python_of_the_documents_runs(page, own_network):
    for code in blocks(page, "python"):
        exec(compile(as_here(code, own_network), page.name, "exec"), {"__name__": "documents"})


def test_make_compare_ends_with_the_next_step(tmp_path):
    """On the screen and in the README: how the command is run from here on."""
    if not shutil.which("make"):
        pytest.skip("make is not installed")
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    command = venv / "bin" / "hd-plugin"
    command.write_text("#!/bin/sh\necho ran: hd-plugin $*\n")
    command.chmod(0o755)
    (venv / ".core").touch()  # set up already
    done = subprocess.run(
        ["make", "--no-print-directory", "compare", f"VENV={venv}", f"OUT={tmp_path}/out"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    ran, told = done.stdout.split("Next:")
    assert f"ran: hd-plugin compare -o {tmp_path}/out" in ran.splitlines()
    for step in (f"{tmp_path}/out/report.html", f". {venv}/bin/activate", "hd-plugin compare YOUR_WEIGHTS"):
        assert step in told
    readme = (ROOT / "README.md").read_text(encoding="utf8")
    for installed in ("pipx install '.[standard]'", "uv tool install '.[standard]'"):
        assert installed in told and installed in readme
    assert ". .venv/bin/activate" in readme
