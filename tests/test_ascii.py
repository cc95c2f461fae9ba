"""A terminal that knows ASCII only: every command says all it has to say, and names can be told apart."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

ASCII = {
    "PYTHONIOENCODING": "ascii",
    "LANG": "C",
    "LC_ALL": "C",
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
}
COMMANDS = [
    "networks",
    "measure {net}",
    "measure {net} --json",
    "optimize {net} --effort greedy -o {out}/plans",
    "compare {net} --effort greedy --method direct",
    "round {net} --mu 0.5 --effort greedy",
    "verify {net} --effort greedy --simulator none",
    "layers {net} -o {out}/problems",
    "doctor",
    "compare --help",
    "measure {out}/k\u00e4se.npz",
    "optimize {net} --layer \u00df",
]
# all in one interpreter: starting is what costs
LOOP = """
import sys, traceback
from hd_plugin.cli import run
for command in sys.argv[1].split("|"):
    sys.argv = ["hd-plugin", *command.split()]
    print("=====", flush=True)
    try:
        run()
    except SystemExit as end:
        print("exit", end.code, flush=True)
    except BaseException:
        traceback.print_exc()
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What each command printed, and stderr."""
    folder = tmp_path_factory.mktemp("ascii")
    net, name = folder / "net.npz", "caf\u00e9 \u2026 \U0001f642"
    weights = np.random.default_rng(0).normal(size=(12, 16, 1, 1))
    np.savez(net, **{f"{name}.weight": weights, f"{name}.output_hw": np.array([2, 2])})
    words = "|".join(COMMANDS).format(net=net, out=folder)
    done = subprocess.run(
        [sys.executable, "-c", LOOP, words],
        capture_output=True,
        env={**os.environ, **ASCII, "HOME": str(folder)},
    )
    told = [part.decode("ascii") for part in done.stdout.split(b"=====\n")[1:]]
    assert len(told) == len(COMMANDS), done.stderr
    # click answers an ASCII stream in UTF-8, which no terminal stumbles over
    return dict(zip(COMMANDS, told)), done.stderr.decode("utf8")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_ends_as_it_would_elsewhere(command, answers):
    wanted = {"doctor": (0, 1, 2), COMMANDS[-2]: (2,), COMMANDS[-1]: (2,)}.get(
        command, (0,)
    )  # as Accelergy is
    assert answers[0][command].splitlines()[-1] in [f"exit {code}" for code in wanted]


def test_names_are_escaped_and_json_is_whole(answers):
    told, errors = answers
    assert "caf\\xe9 ~ \\U0001f642" in told["measure {net}"]
    found = json.loads(told["measure {net} --json"].rpartition("exit")[0])
    assert found["layers"][0]["name"] == "caf\u00e9 \u2026 \U0001f642"
    assert "Traceback" not in errors and "se.npz: no such file" in errors
