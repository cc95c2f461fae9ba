"""What every result offers in Python: one short line, a flat table, a data frame, notes."""

from __future__ import annotations

import csv
import html
import importlib
import json
import pkgutil
import re
import subprocess
import sys

import numpy as np
import pytest

import hd_plugin as hd
import hd_plugin.study
from hd_plugin.errors import MissingTool
from hd_plugin.study import Catalogue, Result, catalogue, problems


@pytest.fixture(scope="module")
def network():
    return hd.load_network("resnet20_cifar10_w4", layers=["layer1.0.conv1", "linear"])


@pytest.fixture(scope="module")
def results(network) -> dict[str, Result]:
    asked = hd.Scenario(methods=("segment",), effort="greedy")
    return {
        "compare": hd.compare(network, asked),
        "measure": hd.measure(network),
        "plan": hd.plan(network, asked),
        "round": hd.round_weights(network, [0.0, 0.5], asked),
        "verify": hd.verify_network(network, asked, options=hd.VerifyOptions(simulator="none")),
        "catalogue": catalogue(),
        "problems": problems(network),
    }


def kinds() -> list[type[Result]]:
    """Every kind of result in the package."""
    for module in pkgutil.iter_modules(hd_plugin.study.__path__, "hd_plugin.study."):
        importlib.import_module(module.name)
    return [k for k in Result.__subclasses__() if k.__module__.startswith("hd_plugin.")]


def test_no_kind_of_result_shows_all_that_it_holds():
    assert len(kinds()) > 10 and Catalogue in kinds()
    assert [k.__name__ for k in kinds() if k.__repr__ is not Result.__repr__] == []


def test_a_result_is_one_short_line(results):
    for name, result in results.items():
        told = repr(result)
        assert told.startswith(type(result).__name__) and "\n" not in told and len(told) <= 250, name


def test_layers_plans_and_networks_are_one_short_line(network):
    layer = network.layers[0]
    plan = hd.optimize(layer, effort="greedy")
    for one in (plan, plan.groups[0]):
        assert len(repr(one)) < 200 and "array(" not in repr(one)
    assert all(told in repr(plan) for told in (layer.name, "cluster", f"{plan.nhd:.4g}"))


def test_records_are_flat_and_hold_what_the_json_holds(results):
    for name, result in results.items():
        lines = result.to_records()
        assert lines, name
        assert not any(isinstance(value, dict) for line in lines for value in line.values()), name
    told = json.loads(results["plan"].json_text())["layers"]
    for line, held in zip(results["plan"].to_records(), told, strict=True):
        assert line == held
    flips = [r["flips"] for r in results["compare"].to_records()]
    assert flips == [r.flips for r in results["compare"].rows]


def test_the_csv_is_the_records(results, tmp_path):
    results["compare"].to_csv(tmp_path / "c.csv")
    with open(tmp_path / "c.csv", encoding="utf8") as file:
        read = list(csv.DictReader(file))
    made = [{k: "" if v is None else str(v) for k, v in r.items()} for r in results["compare"].to_records()]
    assert read == made


def test_a_notebook_shows_the_table_with_names_made_harmless(results):
    evil = "<script>alert(1)</script>"
    layer = hd.Layer.from_values(evil, np.arange(16).reshape(4, 4) % 8, 4)
    page = hd.measure(hd.Network(evil, [layer]))._repr_html_()
    assert "<script" not in page and html.escape(evil) in page
    page = results["measure"]._repr_html_()
    cells = [re.findall(r"<td>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", page)]
    assert [row[0] for row in cells if row] == [layer.name for layer in results["measure"].layers]


def test_a_long_table_is_cut_and_says_so():
    layers = [hd.Layer.from_values(f"layer{i}", np.eye(4, dtype=int), 4) for i in range(50)]
    page = hd.measure(hd.Network("many", layers))._repr_html_()
    assert page.count("<tr>") == 31 and "20 more lines" in page


def test_a_data_frame_has_a_line_each(results):
    pytest.importorskip("pandas", reason="a data frame needs pandas")
    frame = results["compare"].to_frame()
    assert list(frame["flips"]) == [r.flips for r in results["compare"].rows]
    assert frame["hd_reduction"].dtype == float


def test_without_pandas_the_error_says_how_to_get_it(results, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingTool, match="pip install pandas"):
        results["compare"].to_frame()


def test_rounding_that_no_image_judged_says_so(results, network):
    (note,) = results["round"].notes
    assert "accuracy not measured: mu 0.5 changed weights" in note and "--calibrate" in note
    assert json.loads(results["round"].json_text())["notes"] == [note]
    assert hd.round_weights(network, 0.0, effort="greedy").notes == ()
    assert results["plan"].notes == ()


def test_the_command_line_shows_the_note(tmp_path):
    asked = ["round", "resnet20_cifar10_w4", "--mu", "0.8", "--layer", "linear", "--effort", "greedy"]
    ran = subprocess.run(
        [sys.executable, "-m", "hd_plugin.cli", *asked, "-o", tmp_path], capture_output=True, text=True
    )
    assert ran.returncode == 0 and "note: accuracy not measured: mu 0.8" in ran.stderr
    assert "accuracy not measured" in (tmp_path / "round.json").read_text(encoding="utf8")
