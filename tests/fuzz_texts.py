"""Plans, reports, YAML of all kinds, for the fuzz: every field of a file is in the answer."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml
from fuzz_case import Case, copy_of, json_of, yaml_of
from gate_cases import some_layer

import hd_plugin as hd
from hd_plugin.energy import find_flip_rate, load_characterisation, load_technology, technology_path
from hd_plugin.engines import load_array
from hd_plugin.engines.timeloop import load_problem, problem_of, shape_of
from hd_plugin.study import Scenario
from hd_plugin.weights import bundled_specs, load_spec

__all__ = ["CASES"]


def _layer():
    return some_layer(K=6, C=5)


def _make_plan(path: Path) -> None:
    hd.optimize(_layer(), rows=2, method="cluster", effort="greedy").save(path)


def _plan(path: Path) -> Any:
    return json.loads(hd.StreamPlan.load(path).to_json())


def _make_report(path: Path) -> None:
    network = hd.Network("n", [_layer()])
    result = hd.compare(network, rows=2, effort="greedy", methods=("segment",), seed=3, studies=False)
    path.write_text(json.dumps(json.loads(result.json_text())))


def _report(path: Path) -> Any:
    return {"provenance": {"scenario": Scenario.load(path).to_dict()}}


def _report_said(path: Path) -> Any:
    return {"provenance": {"scenario": json_of(path)["provenance"]["scenario"]}}


def _make_scenario(path: Path) -> None:
    asked = Scenario(
        network={"source": "resnet20_cifar10_w4"}, rows=4, cols=4, methods=("segment", "cluster"), seed=2
    )
    path.write_text(yaml.safe_dump(asked.to_dict()))


def _scenario(path: Path) -> Any:
    return Scenario.load(path).to_dict()


def _scenario_said(path: Path) -> Any:
    """A network and an engine may be named only, and an array left open."""
    found = {k: v for k, v in yaml_of(path).items() if k != "array" or v is not None}
    short = {"network": "source", "engine": "name"}
    return found | {k: {f: found[k]} for k, f in short.items() if isinstance(found.get(k), str)}


def _rate(path: Path) -> Any:
    attributes = {"flip_rate": str(path), "layer": "l", "method": "segment"}
    return find_flip_rate(attributes).value


def _rate_of_report(path: Path) -> Any:
    [layer] = [la for la in json_of(path)["layers"] if la["name"] == "l"]
    return layer["methods"]["segment"]["nhd"]


def _technology(path: Path) -> Any:
    found = asdict(load_technology(path))
    kept = {k: v for k, v in found.items() if k in ("name", "description", "node_nm")}
    return kept | {k: [found[k], source] for k, source in found["sources"].items() if k in found}


def _technology_said(path: Path) -> Any:
    data = yaml_of(path) if path.suffix != ".json" else json_of(path)
    parts = {**data["coefficients"], **data["flip_model"], **data["size"]}
    kept = {
        "name": str(data["technology"]),
        "description": str(data["description"]),
        "node_nm": data["node_nm"],
    }
    return kept | {k: [v["value"], str(v["source"])] for k, v in parts.items()}


def _characterisation(path: Path) -> Any:
    found = load_characterisation(path)
    models = {name: model.coefficients_fJ for name, model in found.models.items()}
    return {"array": found.array, "clock_fJ": found.clock_fJ, "models": models} | _technology(path)


def _characterisation_said(path: Path) -> Any:
    data = json_of(path)
    models = {name: model["coefficients_fJ"] for name, model in data["models"].items()}
    return {"array": data["array"], "clock_fJ": data["clock_fJ"], "models": models} | _technology_said(path)


def _array(path: Path) -> Any:
    found = (
        load_array(path).to_dict() if hasattr(load_array(path), "to_dict") else load_array(path).model_dump()
    )
    return {**{k: v for k, v in found.items() if k != "variables"}, **load_array(path).variables}


def _spec(path: Path) -> Any:
    return load_spec(path).model_dump(mode="json", exclude_unset=True)


def _spec_said(path: Path) -> Any:
    """A name may be a number without quotes."""
    found = yaml_of(path)
    for layer in found["layers"]:
        layer |= {key: str(layer[key]) for key in ("name", "label") if key in layer}
    return found | {"network": str(found["network"])}


def _problem(path: Path) -> Any:
    return asdict(load_problem(path))


def _make_problem(path: Path) -> None:
    path.write_text(yaml.safe_dump(problem_of(shape_of(_layer()))))


_ARCH = Path(hd.__file__).parent.parent / "arch"
CASES = [
    Case("plan", "p.plan.json", "json", _make_plan, _plan, json_of),
    Case("plan-rate", "r.plan.json", "json", _make_plan, _rate, lambda p: json_of(p)["nhd"]),
    Case("report", "compare.json", "json", _make_report, _report, _report_said),
    Case("report-rate", "compare.json", "json", _make_report, _rate, _rate_of_report),
    Case("scenario", "s.yaml", "yaml", _make_scenario, _scenario, _scenario_said),
    Case(
        "array",
        "a.yaml",
        "yaml",
        copy_of(_ARCH / "input_stationary_8x8.yaml"),
        _array,
        lambda path: yaml_of(path)["variables"],
    ),
    Case("spec", "s.yaml", "yaml", copy_of(bundled_specs()["resnet20_cifar10"]), _spec, _spec_said),
    Case("problem", "p.yaml", "yaml", _make_problem, _problem, lambda p: yaml_of(p)["problem"]["instance"]),
    Case(
        "technology", "t.yaml", "yaml", copy_of(technology_path("eyeriss45")), _technology, _technology_said
    ),
    Case(
        "characterisation",
        "c.json",
        "json",
        copy_of(technology_path("hd_generic45")),
        _characterisation,
        _characterisation_said,
    ),
]
