"""From a cell library or a circuit to a technology: streams, synthesis, files; the command characterize."""

import importlib.util
import json

import numpy as np
import pytest
from click.testing import CliRunner
from gate_cases import LIBRARY, library_in_two, netlist_file, small_networks, some_layer

import hd_plugin as hd
from hd_plugin.characterisation import ArrayEnergy, ArraySimulator, characterise, make_circuit
from hd_plugin.characterisation._workload import network_layers
from hd_plugin.cli import main
from hd_plugin.energy import load_characterisation, load_technology
from hd_plugin.errors import InputError, MissingTool
from hd_plugin.gates import SynthesisError, load_circuit, synthesise
from hd_plugin.hardware import ArraySize, sampled_activations
from hd_plugin.streaming import Jobs, file_order_plan

needs_pyosys = pytest.mark.skipif(
    importlib.util.find_spec("pyosys") is None, reason="pyosys is not installed"
)


@pytest.mark.parametrize("bits, levels", [(8, 200), (4, 14), (3, 7)])
def test_streams_of_any_width_use_its_levels(bits, levels):
    layers = network_layers("resnet20_cifar10_w4_baseline", bits, 0)
    assert len(np.unique(layers[5].values)) >= levels and all(la.bits == bits for la in layers)
    wide = sampled_activations(layers[5], "relu", 16, bits=12).patches
    assert len(np.unique(wide & 15)) == 16 and 0.4 < (wide == 0).mean() < 0.6
    assert sampled_activations(layers[5], "relu", 16, bits=6).patches.max() < 64


def test_ctrl_c_leaves_no_half_characterisation(tmp_path, monkeypatch):
    small_networks(tmp_path, monkeypatch)
    circuit = load_circuit(load_characterisation("hd_generic45").circuit)
    ran = ArraySimulator.run

    def interrupted(self, *arguments):
        if len(seen) == 5:
            raise KeyboardInterrupt
        seen.append(1)
        return ran(self, *arguments)

    seen = []
    monkeypatch.setattr(ArraySimulator, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        characterise(circuit, "mine", tmp_path / "o", glitches=False, jobs=Jobs(1))
    assert not (tmp_path / "o").exists()


def test_broken_characterisations_are_named(tmp_path):
    good = json.loads(load_characterisation("hd_generic45").technology.path.read_text())
    for change, words in (
        ({"schema": "other"}, "schema: 'other' found"),
        ({"models": {"flips": {}}}, "not a whole one .models.flips.coefficients_fJ: missing;"),
        ({"array": None}, "not a whole one"),
    ):
        (tmp_path / "x.json").write_text(json.dumps({**good, **change}))
        with pytest.raises(InputError, match=words):
            load_characterisation(tmp_path / "x.json")
    (tmp_path / "x.json").write_text(json.dumps(good))
    with pytest.raises(InputError, match="hd_generic45.circuit.json.gz: no such file; it belongs to"):
        ArrayEnergy(tmp_path / "x.json").simulated(some_layer(), file_order_plan(some_layer(), 8))
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(InputError, match="x.json: not readable as JSON"):
        load_characterisation(tmp_path / "x.json")


def test_characterise_needs_nothing_but_the_package(tmp_path, monkeypatch):
    small_networks(tmp_path, monkeypatch)
    monkeypatch.setitem(__import__("sys").modules, "pyosys", None)
    done = CliRunner().invoke(main, ["characterize", "-o", str(tmp_path / "out"), "--json", "--no-glitches"])
    assert done.exit_code == 0, done.output
    content = json.loads((tmp_path / "out" / "hd_generic45.json").read_text())
    assert json.loads(done.stdout) == content and content["conditions"]["glitches"].startswith("none")
    again = load_characterisation(tmp_path / "out" / "hd_generic45.json")
    assert again.models["transitions"].test.mean_error < 0.05 and again.models["transitions"].test.r2 > 0.99
    assert set(again.models["transitions"].spread_fJ) == set(again.models["transitions"].coefficients_fJ)
    assert again.circuit.read_bytes() == load_characterisation("hd_generic45").circuit.read_bytes()
    assert load_technology(str(tmp_path / "out" / "hd_generic45.json")).reference.endswith(
        "hd_generic45.json"
    )


@needs_pyosys
def test_an_array_of_another_size_is_synthesised_and_characterised(tmp_path, monkeypatch):
    small_networks(tmp_path, monkeypatch)
    done = CliRunner().invoke(
        main,
        [
            "characterize",
            "--liberty",
            str(LIBRARY),
            "--rows",
            "4",
            "--cols",
            "2",
            "--weight-bits",
            "3",
            "--name",
            "mine",
            "-o",
            str(tmp_path),
        ],
    )
    assert done.exit_code == 0, done.output
    assert "transitions" in done.output and "written:" in done.output
    layer = hd.Layer("l", np.random.default_rng(0).integers(0, 8, (20, 9)), 3, output_hw=(2, 2))
    energies = ArrayEnergy(tmp_path / "mine.json")
    plan = hd.optimize(layer, 4, "segment", minimise=energies.objective(layer))
    assert energies.modelled(layer, plan).datapath_fJ == pytest.approx(
        energies.simulated(layer, plan).datapath_fJ, rel=0.25
    )


@needs_pyosys
def test_the_bundled_circuit_is_what_synthesis_gives(tmp_path):
    made, known = make_circuit(LIBRARY), load_circuit(load_characterisation("hd_generic45").circuit)
    assert made.conditions["array"] == ArraySize().to_dict()
    assert len(made.netlist.instances) == pytest.approx(
        len(known.netlist.instances), rel=0.1
    )  # another version of yosys maps a little differently
    assert made.clock_fJ == pytest.approx(known.clock_fJ, rel=0.05)


@needs_pyosys
def test_a_library_in_two_files_makes_the_same_circuit(tmp_path):
    whole = make_circuit(LIBRARY, ArraySize(rows=2, cols=2))
    found = make_circuit(library_in_two(tmp_path), ArraySize(rows=2, cols=2))
    assert found.area_um2 == whole.area_um2 and found.clock_fJ == whole.clock_fJ
    assert set(found.conditions["digests"]) == {"gates.lib", "flops.lib.gz", "netlist"}
    with pytest.raises(InputError, match="gates.lib: a flip-flop"):
        make_circuit(tmp_path / "gates.lib", ArraySize(rows=2, cols=2))


@needs_pyosys
def test_a_library_that_yosys_cannot_use_is_told_in_its_words(tmp_path):
    text = LIBRARY.read_text()
    start = text.index("  cell (DFF)")
    (tmp_path / "no_flop.lib").write_text(text[:start] + "}\n")
    with pytest.raises((SynthesisError, InputError), match="no_flop.lib|not mapped to the library"):
        make_circuit(tmp_path / "no_flop.lib", ArraySize(rows=2, cols=2))
    with pytest.raises(InputError, match="no blanks in a path"):
        synthesise([], "top", tmp_path / "a b.lib", tmp_path / "x.json")


def test_leaving_fraig_out_is_told_and_is_of_a_synthesis_only(tmp_path):
    done = CliRunner().invoke(
        main, ["characterize", "--no-fraig", "--technology", "sg13g2", "-o", str(tmp_path)]
    )
    assert done.exit_code == 2 and "--no-fraig is for a synthesis" in done.output
    assert not list(tmp_path.iterdir())
    if importlib.util.find_spec("pyosys") is not None:
        made = make_circuit(LIBRARY, ArraySize(rows=2, cols=2), fraig=False)
        assert "abc without fraig" in made.conditions["netlist"]


def test_without_pyosys_synthesis_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingTool, match=r"pip install 'hd-plugin\[synthesis\]'"):
        make_circuit(LIBRARY, ArraySize(rows=2, cols=2))
    done = CliRunner().invoke(main, ["characterize", "--liberty", str(LIBRARY), "-o", str(tmp_path)])
    assert done.exit_code == 2 and "pyosys is not installed" in done.output


def test_a_netlist_that_is_given_is_read_and_checked(tmp_path):
    path = netlist_file(
        tmp_path,
        {"i": ["a", "b"]},
        {"x": ("NAND2", {"A": "a", "B": "q", "Y": "p"}), "y": ("NAND2", {"A": "b", "B": "p", "Y": "q"})},
        {"o": ["q"]},
        None,
    )
    circuit = make_circuit(LIBRARY, netlist=path)
    with pytest.raises(InputError, match="a loop without a register: x, y"):
        characterise(circuit, "mine", tmp_path)
    done = CliRunner().invoke(
        main, ["characterize", "--liberty", str(LIBRARY), "--netlist", str(path), "-o", str(tmp_path)]
    )
    assert (
        done.exit_code == 2
        and "a loop without a register" in done.output
        and not (tmp_path / "hd_generic45.json").exists()
    )
    path = netlist_file(
        tmp_path, {"i": ["a", "b"]}, {"x": ("NAND2", {"A": "a", "B": "b", "Y": "p"})}, {"o": ["p"]}, None
    )
    with pytest.raises(
        InputError, match="netlist.json: not hd_array of 8x8_w4_a8_p16: act_shift 0 bits .1 needed."
    ):
        characterise(make_circuit(LIBRARY, netlist=path), "mine", tmp_path)


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--liberty", "x.lib", "--technology", "sg13g2"], "exclude each other"),
        (["--netlist", "x.json"], "--netlist needs --liberty"),
        (["--rows", "0"], "rows: 0 found; a whole number from 1 to 64"),
        (["--liberty", "none.lib"], "none.lib: no such file"),
        (["--technology", "sg13g2", "--rows", "4"], "4x8_w4_a8_p16 is asked for"),
        (["--technology", "eyeriss45"], "was not characterised"),
        (["--name", "a b"], "a word without blanks"),
        (["--node-nm", "0"], "node-nm: 0.0 found"),
        (["--wire-load", "nan", "--liberty", str(LIBRARY)], "wire-load: nan found"),
        (["--seed", "-1"], "seed: -1 found"),
        (["--node-nm", "nan"], "node-nm: nan"),
    ],
)
def test_bad_arguments_of_characterize(tmp_path, arguments, words):
    done = CliRunner().invoke(main, ["characterize", "-o", str(tmp_path), *arguments])
    assert done.exit_code == 2 and words in done.output
