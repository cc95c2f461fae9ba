"""``doctor`` with the installed Accelergy, alone and with the front end; skipped where they are missing."""

import json
import os
import re

import pytest
from click.testing import CliRunner
from doctor_cases import (
    COMPONENTS_OF_ONES_OWN,
    COMPUTE_PJ,
    NATIVE,
    NODES,
    PASSED_ON,
    PROBLEM,
    VARIABLES,
    from_page,
    multiplier,
    written,
)

from hd_plugin.cli import main
from hd_plugin.energy import COMPONENTS
from hd_plugin.engines.timeloop import RunError, examine
from hd_plugin.errors import InputError, MissingTool


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """An installed Accelergy with the plug-in registered in a home of its own; else skipped."""
    from hd_plugin.hosts.accelergy import register

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        try:
            register()
        except MissingTool:
            pytest.skip("Accelergy is not installed; hd-plugin doctor says what is missing")
        yield


@pytest.fixture
def accelergy_alone(home, tmp_path, monkeypatch):
    """A PATH with accelergy and without Timeloop, and no Python that has pytimeloop."""
    from hd_plugin.engines.timeloop._tools import find_accelergy

    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "accelergy").symlink_to(find_accelergy())
    monkeypatch.setenv("PATH", os.pathsep.join([str(programs), "/usr/bin", "/bin"]))
    monkeypatch.setenv("HD_PLUGIN_TIMELOOP_PYTHON", "/bin/false")


def test_accelergy_alone_is_enough(accelergy_alone, tmp_path):
    found = examine()
    assert found.healthy and {row.class_name for row in found.rows} == set(COMPONENTS)
    assert any("accelergy_only.yaml" in note and "pytimeloop" in note for note in found.notes)
    assert set(found.programs) == {"accelergy"}
    with pytest.raises(MissingTool, match="pytimeloop is missing"):
        examine(*written(tmp_path / "nodes", a=NODES, v=VARIABLES))
    own = NATIVE.read_text().replace("8, psum_bits: 16}", "8}").replace("{width: 8}", "{}")
    with pytest.raises(RunError, match="row.pe.mac: component of class hd_mac: psum_bits: missing") as error:
        examine(*written(tmp_path, a=own))
    assert "row.pe.input_register: component of class hd_stationary_register: width" in str(error.value)


def test_the_page_about_architectures_of_ones_own_shows_what_runs(accelergy_alone, tmp_path):
    array, variables, components, _ = from_page(tmp_path)
    found = examine(components, array, variables)
    assert found.healthy and not found.notes
    rows = {(row.component, row.action): row for row in found.rows}
    assert rows["pe.mac", "compute"].value == pytest.approx(rows["pe.scaled_mac.multiplier", "compute"].value)
    assert rows["weight_buffer", "read"].estimator == rows["pe.scaled_mac", "leak"].estimator == "hd_plugin"
    assert ("weight_buffer", "update") not in rows  # not among its required_actions
    text, said = array.read_text(), variables.read_text()
    unquoted, untold = said.replace('"', ""), said.replace("technology", "node")
    for wrong, told in ((unquoted, "eyeriss45"), (untold, "technology")):
        variables.write_text(wrong)
        with pytest.raises(RunError, match=f"Error: .*{told}"):
            examine(components, array, variables)
    variables.write_text(said)
    array.write_text(text.replace("2**14", '"2**14"'))
    with pytest.raises(RunError, match="weight_buffer: component of class hd_sram: depth: '2..14'"):
        examine(components, array, variables)
    array.write_text(re.sub("required_actions: .*", "", text))
    found = examine(components, array, variables)
    assert {row.action for row in found.rows if row.component == "pe.mac"} == {"area"}


def test_another_problem_components_and_variables_come_as_files_of_their_own(registered, tmp_path):
    a, c, v, p = written(tmp_path / "all", a=NODES, c=COMPONENTS_OF_ONES_OWN, v=VARIABLES, p=PROBLEM)
    (m,) = written(tmp_path, m=multiplier("hd_mac", PASSED_ON))
    found = examine(v, c, a, m)
    rows = {(row.component, row.action): row for row in found.rows}
    assert rows["mac.multiplier", "compute"].value == pytest.approx(COMPUTE_PJ)
    assert rows["mac", "compute"].value == pytest.approx(COMPUTE_PJ, rel=1e-5)
    assert rows["sums.cells", "read"].estimator == rows["sums", "read"].estimator == "hd_plugin"
    wrong = {row.component for row in found.rows if row.problem}
    assert wrong == {"offchip"} and rows["offchip", "read"].problem == "no plug-in answers for class DRAM"
    assert any("offchip: has no depth" in n for n in found.notes)
    assert any("no problem among the files" in n for n in found.notes)
    same = examine(tmp_path / "all", m)
    assert same.rows == found.rows and not any("no problem" in n for n in same.notes)
    (tmp_path / "t.yaml").write_text("architecture: {{include(which + '.yaml', 'architecture')}}\n")
    a.rename(tmp_path / "arch.yaml")
    files = [str(path) for path in (tmp_path / "t.yaml", v, c, m, p)]
    done = CliRunner().invoke(main, ["doctor", *files, "--define", "which=arch", "--json"])
    assert done.exit_code == 1, done.output
    assert json.loads(done.stdout)["rows"] == [vars(row) for row in found.rows]


def test_variables_that_are_missing_are_said(registered, tmp_path):
    with pytest.raises(InputError, match="a.yaml: no variables among the files; .*global_cycle_seconds"):
        examine(*written(tmp_path, a=NODES))
