"""What the shell completes, asked as the shell asks; and that every offered value is taken."""

from __future__ import annotations

import os
import subprocess
import sys

import click
import pytest

from hd_plugin import load_network
from hd_plugin.cli import main
from hd_plugin.engines import arrays
from hd_plugin.streaming import METHODS
from hd_plugin.study import catalogue
from hd_plugin.weights import bundled_networks

INPUT_STATIONARY = arrays("input_stationary")
RESNETS = [name for name in bundled_networks() if name.startswith("resnet20_")]


def offered(*words: str) -> list[str]:
    """The completions of the last word."""
    asked = {"_HD_PLUGIN_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(("hd-plugin", *words))}
    code = "from hd_plugin.cli import main; main(prog_name='hd-plugin')"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | asked | {"COMP_CWORD": str(len(words))},
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("compare", "--effort", ""), {"plain,greedy", "plain,local", "plain,best"}),
        (("optimize", "x", "--method", ""), {f"plain,{m}" for m in METHODS}),
        (("compare", "--energy", "s"), {"plain,simulated"}),
        (("compare", "--array", "in"), {*(f"plain,{a}" for a in INPUT_STATIONARY), "file,in"}),
        (("compare", "--technology", "sg13g2_e"), {"plain,sg13g2_exact", "file,sg13g2_e"}),
        (("measure", "resnet20_"), {*(f"plain,{n}" for n in RESNETS), "file,resnet20_"}),
        (("measure", "mobilenet_v2_035_cifar10_w4_trellis", "--layer", "hea"), {"plain,head"}),
        (("measure", "no_such_network", "--layer", ""), set()),
    ],
)  # fmt: skip
def test_the_shell_is_offered_the_names(words, expected):
    assert set(offered(*words)) == expected


def test_every_offered_name_is_taken_and_no_option_is_forgotten():
    """A scenario with each offered value is valid; options with a known set of values all complete."""
    from hd_plugin import Scenario
    from hd_plugin.cli._names import _OPTIONS, _names

    fields = {"--method": "methods", "--array": "array", "--engine": "engine"}
    network = ("--number-format", "--spec", "--trained")
    for option, (room, names, _) in _OPTIONS.items():
        values = list(_names(room, names))
        assert values, option
        for value in (v for v in values if option not in network):
            given = {fields.get(option, option[2:]): [value] if option == "--method" else value}
            gates = {"energy": "modelled"} if option == "--activations" else {}
            Scenario(**given, **gates)
    completed = {p.opts[0] for c in main.commands.values() for p in c.params if p._custom_shell_complete}
    assert {*_OPTIONS, "--layer", "source"} <= completed


def test_every_command_calls_its_network_network():
    taken = {
        name: [p for p in c.params if isinstance(p, click.Argument)] for name, c in main.commands.items()
    }
    spelled = {p.metavar for params in taken.values() for p in params if p.name == "source"}
    assert spelled == {"NETWORK", "[NETWORK]"}


def test_networks_lists_all_that_is_known_by_name():
    found = catalogue().to_dict()
    mac = next(c for c in found["components"] if c["name"] == "hd_mac")
    assert mac["attributes"]["flip_rate"] is True and "intmac" in mac["aliases"]
    assert {"eyeriss45", "sg13g2"} <= {t["name"] for t in found["technologies"]}
    assert all(t["description"] and t["node_nm"] > 0 for t in found["technologies"])
    for one in found["networks"]:
        assert load_network(one["name"]).layers[0].bits == one["bits"]
