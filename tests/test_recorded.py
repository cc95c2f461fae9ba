"""Commands answer with the numbers that they gave when they were recorded (tests/recorded/commands.json).

The record was made before the upper rooms were rebuilt (`pays_from` after it was put right); a change of
these numbers is a change of results, and belongs into the changelog.
"""

import hashlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from hd_plugin.cli import main

CASES = json.loads((Path(__file__).parent / "recorded" / "commands.json").read_text(encoding="utf8"))


def close(found, wanted, where):
    """Equal, but for the last digits of floats, which libraries of linear algebra may round differently."""
    if isinstance(wanted, dict):
        assert set(wanted) <= set(found), f"{where}: {sorted(set(wanted) - set(found))} missing"
        for key, value in wanted.items():
            close(found[key], value, f"{where}.{key}")
    elif isinstance(wanted, list):
        assert len(found) == len(wanted), where
        for i, (one, value) in enumerate(zip(found, wanted)):
            close(one, value, f"{where}[{i}]")
    elif isinstance(wanted, float):
        assert found == pytest.approx(wanted, rel=1e-9), where
    else:
        assert found == wanted, where


def plan_digests(folder):
    """Of every plan file under ``folder``: which channels stream where, and in which order."""
    found = {}
    for path in sorted(folder.rglob("*.plan.json")):
        groups = json.dumps(json.loads(path.read_text(encoding="utf8"))["groups"], separators=(",", ":"))
        found[path.name.removesuffix(".plan.json")] = hashlib.sha256(groups.encode()).hexdigest()[:16]
    return found


def answered(name, told, folder):
    """The parts of a command's JSON that the record holds."""
    if told["schema"].startswith("hd-plugin/compare/"):
        keys = ("flips", "flips_hardware", "flips_hardware_alternate", "datapath_energy_J", "total_energy_J")
        rows = {
            la["name"]: {m: [v[k] for k in keys] for m, v in la["methods"].items()} for la in told["layers"]
        }
        studies = dict(told["studies"])
        if studies:
            # the record has no iteration 0
            studies["convergence"] = [sum(curve[1:]) for curve in studies["convergence"]["curves"]]
        found = {**told, "layers": rows, "studies": studies}
    else:
        found = {**told, "rows": told.get("layers")}
    return {**found, "plans": plan_digests(folder)}


@pytest.mark.parametrize("name", CASES)
def test_a_command_answers_as_recorded(name, tmp_path, request):
    command = [str(part) for part in CASES[name]["command"]]
    if command[1].endswith(".tflite"):
        command[1] = str(request.getfixturevalue("data") / command[1])
    if command[0] == "rewrite":
        pytest.importorskip("torch", reason="torch is not installed: PyTorch networks cannot be rewritten")
    folder = tmp_path / "out"
    written = [] if command[0] == "rewrite" else ["-o", str(folder)]
    done = CliRunner().invoke(main, [*command, "--json", *written])
    assert done.exit_code == 0, done.output
    close(answered(name, json.loads(done.stdout), folder), CASES[name]["values"], name)
