"""MACs side by side: the same plans on arrays of other PEs, each priced as that array alone is."""

import csv
import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

import hd_plugin as hd
from hd_plugin import encoding_mac as em
from hd_plugin.characterisation import ArrayEnergy
from hd_plugin.cli import main
from hd_plugin.energy import load_characterisation, load_technology, technologies
from hd_plugin.errors import InputError
from hd_plugin.study import MacComparison

LAYERS = ["layer1.0.conv1", "layer3.0.downsample.0"]
NETWORK = "resnet20_cifar10_w4"
ASKED = {"methods": ("segment",), "effort": "greedy"}


@pytest.fixture(scope="module")
def network():
    net = hd.load_network(NETWORK)
    names = [layer.name for layer in net.layers]
    return hd.load_network(NETWORK, layers=[names[1], names[-1]])


@pytest.fixture(scope="module")
def found(network) -> MacComparison:
    return hd.compare(network, macs=("binary", "exact"), technology="sg13g2", **ASKED)


def test_macs_are_simulated_unless_models_are_asked_for(network, found):
    assert isinstance(found, MacComparison) and found.scenario.energy == "simulated"
    made = hd.compare(network, macs=("exact",), energy="modelled", technology="sg13g2", **ASKED)
    assert made.scenario.energy == "modelled"


def test_every_array_is_priced_as_it_is_alone(network, found):
    for mac, technology in (("binary", "sg13g2"), ("exact", "sg13g2_exact")):
        array = ArrayEnergy(technology)
        for plans, method in (("file order", "baseline"), ("segment", "segment")):
            for layer, row in zip(network.layers, found.of(mac, plans)):
                plan = hd.optimize(layer, 8, method, "greedy")
                one, (P, Q) = array.simulated(layer, plan), layer.output_hw
                assert row.layer == layer.name and row.flips == hd.flips(layer, plan)
                joules = 1e-15 * -(-P * Q // 8) / one.tiles
                table = row.datapath_J - joules * one.datapath_fJ
                assert row.clocked_J - row.datapath_J == pytest.approx(joules * one.clock_fJ)
                assert (table > 1e-12) == (method == "segment") and table >= -1e-15


def test_summaries_are_against_the_first_array_in_file_order(found):
    base = found.of("binary", "file order")
    for one in found.summaries():
        rows = found.of(one.mac, one.plans)
        each = [b.datapath_J / r.datapath_J for b, r in zip(base, rows)]
        assert one.mean_energy_reduction == pytest.approx(sum(each) / len(each))
        each = [b.clocked_J / r.clocked_J for b, r in zip(base, rows)]
        assert one.mean_clocked_reduction == pytest.approx(sum(each) / len(each))
        assert one.datapath_J == pytest.approx(sum(r.datapath_J for r in rows))
    assert found.summaries()[0].mean_energy_reduction == 1 and found.summaries()[0].area_less == 0
    assert found.arrays[1].area_um2 < found.arrays[0].area_um2 and found.arrays[1].outputs == 32


def test_plans_for_least_energy_are_of_each_array(network):
    one = hd.load_network(NETWORK, layers=[network.layers[1].name])
    made = hd.compare(one, macs=("binary", "exact"), objective="energy", technology="sg13g2", **ASKED)
    assert made.plans == ("file order", "segment", "segment, least energy")
    orders = [
        made.comparisons[mac, "energy"].plans[one.layers[0].name, "segment"] for mac in ("binary", "exact")
    ]
    assert orders[0].to_json() != orders[1].to_json()
    assert len(made.of("exact", "segment, least energy")) == 1


def test_a_run_is_repeated_from_its_json(tmp_path, network, found):
    found.to_json(tmp_path / "compare-macs.json")
    again = hd.Scenario.load(tmp_path / "compare-macs.json")
    assert again.macs == ("binary", "exact") and again.technology == "sg13g2"
    assert hd.compare(network, again.but(network=None)).to_dict()["rows"] == found.to_dict()["rows"]


def test_the_command_writes_all_of_it(tmp_path, network):
    names = [word for layer in network.layers for word in ("--layer", layer.name)]
    options = {
        "mac": "binary, exact",
        "technology": "sg13g2",
        "effort": "greedy",
        "method": "segment",
        "output": tmp_path,
    }
    given = [f"--{name}={value}" for name, value in options.items()]
    done = CliRunner().invoke(main, ["compare", NETWORK, *names, *given])
    assert done.exit_code == 0, done.output
    assert "MACs on 8 x 8 PEs" in done.output
    told = json.loads((tmp_path / "compare-macs.json").read_text())
    assert told["schema"] == "hd-plugin/compare-macs/1" and [a["mac"] for a in told["arrays"]] == [
        "binary",
        "exact",
    ]
    lines = list(csv.DictReader((tmp_path / "compare-macs.csv").read_text().splitlines()))
    assert len(lines) == len(told["rows"]) == 8
    assert (tmp_path / "plots" / "macs.png").stat().st_size > 5000 and list(
        tmp_path.glob("plans/*.plan.json")
    )


@pytest.mark.parametrize(
    "fields, told",
    [
        ({"macs": ("binry",)}, "did you mean 'binary'"),
        ({"macs": ("nowhere.json",)}, "no such file"),
        ({"macs": ("binary", "binary")}, "name each once"),
        ({"macs": ("exact", "exact@8"), "technology": "sg13g2"}, "characterize --mac exact@8 --liberty FILE"),
        (
            {"macs": (f"{load_characterisation('sg13g2_exact').technology.path}@8",)},
            "is characterised, with the registers that it has",
        ),
        ({"macs": ("tree",), "energy": "flips"}, "macs: they differ in their gates"),
        ({"macs": ("tree",), "engine": {"name": "timeloop"}}, "engine 'analytic' is needed"),
        ({"macs": ("tree",), "studies": True}, "studies cannot be asked for"),
        ({"macs": ("tree",), "rows": 4, "technology": "sg13g2"}, "characterize --mac tree --liberty FILE"),
    ],
)
def test_what_does_not_go_with_macs_is_one_error(network, fields, told):
    with pytest.raises(InputError) as error:
        hd.compare(network, **{**ASKED, **fields})
    assert told in str(error.value)


def test_an_encoding_needs_cells_and_the_error_says_how(tmp_path, network):
    em.truncated(8, 4, 24, a_signed=False).save(tmp_path / "mine.json")
    with pytest.raises(InputError, match="characterize --mac .*mine.json --liberty FILE"):
        hd.compare(network, macs=(str(tmp_path / "mine.json"),), technology="sg13g2", **ASKED)


@pytest.mark.parametrize("name", [n for n in technologies() if "_exact" in n or "_tree" in n])
def test_bundled_arrays_that_count_have_no_partial_sums_to_pass_on(name):
    made, base = load_characterisation(name), load_technology(name.rpartition("_")[0])
    assert made.mac == name.rpartition("_")[2] and made.technology.node_nm == base.node_nm
    assert made.technology.psum_pJ_per_bit == 0 < made.technology.hop_pJ_per_bit
    assert (
        em.Encoding.from_dict(made.encoding).table().tolist()
        == em.exact(8, 4, a_signed=False).table().tolist()
    )
    assert made.model().test.mean_error < 0.1


def test_names_of_anyones_encodings_stay_apart_and_within_the_folder(tmp_path, network):
    """Two files of one name are no answer, and no name leaves the folder that was asked for."""
    asked = {"technology": "sg13g2", "energy": "modelled", **ASKED}
    found = hd.compare(network, macs=("binary", "exact"), objective="energy", **asked)
    odd = replace(found.arrays[1], mac="/../../../out: of it")
    comparisons = {(odd.mac if m == "exact" else m, o): c for (m, o), c in found.comparisons.items()}
    rows = tuple(replace(r, mac=odd.mac) if r.mac == "exact" else r for r in found.rows)
    folder = tmp_path / "a" / "b"
    arrays = (found.arrays[0], odd)
    hd.write_report(replace(found, arrays=arrays, rows=rows, comparisons=comparisons), folder)
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["b"]
    assert len(list(folder.glob("plans.*/*.plan.json"))) == 2 * len(network.layers)
    copy = tmp_path / "copy.json"
    copy.write_text(load_characterisation("sg13g2_exact").technology.path.read_text())
    with pytest.raises(InputError, match="called the same"):
        hd.compare(network, macs=("exact", str(copy)), **asked)


def test_macs_beside_a_scenario_are_found_with_an_at_in_their_names_and_behind_them(tmp_path):
    for name in ("mine.json", "my@lab.json"):
        em.truncated(8, 4, 24, a_signed=False).save(tmp_path / name)
    (tmp_path / "study.yaml").write_text("macs: [exact@8, mine.json@8, my@lab.json, my@lab.json@8]\n")
    found = hd.Scenario.load(tmp_path / "study.yaml")
    mine, odd = tmp_path / "mine.json", tmp_path / "my@lab.json"
    assert found.macs == ("exact@8", f"{mine}@8", str(odd), f"{odd}@8")
