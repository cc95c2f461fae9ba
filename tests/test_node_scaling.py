"""Nodes between those that have coefficients: a published rule with its range, or the nearest named."""

import json

import pytest
from click.testing import CliRunner

from hd_plugin.cli import main
from hd_plugin.energy import build_component, load_technology
from hd_plugin.errors import InputError

# Stillmaker and Baas 2017, Table 5, energy: a2 V^2 + a1 V + a0
HP_45, LP_45, BULK_65, BULK_90 = (
    (1.018, -0.3107, 0.1539),
    (1.103, -0.362, 0.2767),
    (3.755, -4.398, 1.975),
    (4.762, -4.781, 2.092),
)
ENERGIES = (
    "multiplier_pJ_per_bit2",
    "adder_pJ_per_bit",
    "hop_pJ_per_bit",
    "sram_pJ_per_bit",
    "lut_pJ_per_bit",
)
AREAS = ("multiplier_um2_per_bit2", "adder_um2_per_bit", "register_um2_per_bit", "sram_um2_per_bit")
KEPT = ("clock_fraction", "reference_rate", "floor", "leakage_nW_per_um2", "sram_leakage_nW_per_bit")


def at(polynomial, volt):
    a2, a1, a0 = polynomial
    return a2 * volt * volt + a1 * volt + a0


def test_the_authors_erratum_gives_the_same_numbers():
    """Their corrected example: 65 nm at 1.3 V has factor 2.604."""
    assert at(BULK_65, 1.3) == pytest.approx(2.604, abs=5e-4)


@pytest.mark.parametrize("name, node, area", [("65nm", BULK_65, 1.5), ("90 nm", BULK_90, 2.8)])
def test_energies_and_areas_follow_the_papers_tables_and_the_rest_stays(name, node, area):
    base, found = load_technology("eyeriss45"), load_technology(name)
    scale = found.scaled
    assert scale.energy == pytest.approx(at(node, 0.9) / at(HP_45, 0.9), rel=1e-12)
    assert scale.low == pytest.approx(at(node, 0.9) / at(LP_45, 0.9), rel=1e-12)
    assert scale.high == pytest.approx(at(node, 1.2) / at(HP_45, 0.9), rel=1e-12)
    assert 1 < scale.low < scale.energy < scale.high
    for field in ENERGIES:
        assert getattr(found, field) == pytest.approx(getattr(base, field) * scale.energy, rel=1e-12)
    for field in AREAS:
        assert getattr(found, field) == pytest.approx(getattr(base, field) * area, rel=1e-12)
    for field in KEPT:
        assert getattr(found, field) == getattr(base, field)
    assert found.node_nm == float(name[:2])


def test_between_the_bundled_nodes_energies_and_areas_lie_between_theirs():
    nodes = [load_technology(name) for name in ("eyeriss45", "65nm", "90nm", "sg13g2")]
    for field in ("multiplier_pJ_per_bit2", "adder_pJ_per_bit", *AREAS):
        values = [getattr(t, field) for t in nodes]
        assert values == sorted(values), field


def test_what_was_scaled_is_told_wherever_the_technology_is_named():
    found = load_technology("65nm")
    for text in (str(found), found.description, *(found.sources[name] for name in ENERGIES)):
        assert "Stillmaker and Baas" in text and "1.25 to 3.01" in text
    assert "memory and wire" in found.sources["sram_pJ_per_bit"]
    assert "not scaled" in found.sources["leakage_nW_per_um2"]
    assert load_technology(found.reference) == found
    assert str(load_technology("45nm")) == "eyeriss45"


def test_a_comparison_at_a_scaled_node_says_so_in_its_report():
    asked = ["compare", "--technology", "65nm", "--layer", "conv1", "--method", "segment", "--json"]
    done = CliRunner().invoke(main, asked)
    if done.exit_code:
        pytest.fail(done.output)
    told = json.loads(done.stdout)["provenance"]["technology"]
    assert "Stillmaker and Baas" in told["description"] and "1.25 to 3.01" in told["description"]


@pytest.mark.parametrize(
    "name, near", [("28nm", "eyeriss45"), ("70nm", "65nm"), ("0nm", "eyeriss45"), ("180nm", "sg13g2")]
)
def test_another_node_is_refused_with_the_nearest(name, near):
    with pytest.raises(InputError, match=f"nearest: [^;]*{near}") as error:
        load_technology(name)
    assert "65nm, 90nm" in str(error.value)


def test_a_component_at_a_scaled_node_is_built():
    attributes = {"flip_rate": 0.5, "weight_bits": 8, "activation_bits": 8, "psum_bits": 16}
    here, _ = build_component("hd_mac", {**attributes, "technology": "45nm"})
    there, _ = build_component("hd_mac", {**attributes, "technology": "65nm"})
    ratio = there.actions_pJ()["compute"] / here.actions_pJ()["compute"]
    assert ratio == pytest.approx(load_technology("65nm").scaled.energy, rel=1e-12)
