"""The plug-in as Accelergy calls it. Accelergy has a Python of its own; here its interface is replaced."""

import importlib.util
import logging
import subprocess
import sys
from dataclasses import dataclass
from typing import Annotated

import pytest
from accelergy_cases import AccelergyQuery, Estimation, PrintableCall, accelergy
from pydantic import Field

from hd_plugin.energy import ALIASES, COMPONENTS, Component, attributes_of, build_component
from hd_plugin.errors import InputError

MAC = {"technology": "eyeriss45", "flip_rate": 0.25, "weight_bits": 4, "activation_bits": 8, "psum_bits": 16}


@pytest.fixture
def plug_in(monkeypatch):
    """The plug-in object, made as Accelergy makes it."""
    with accelergy(monkeypatch) as made:
        yield made


@dataclass(frozen=True)
class Repeater(Component):
    """A buffer in a long wire."""

    actions = ("drive",)

    stages: Annotated[int, Field(ge=1, le=8)]
    load: Annotated[float, Field(ge=0, le=1)] = 0.5

    def actions_pJ(self):
        return {"drive": self.technology.hop_pJ_per_bit * self.stages * self.load}

    @property
    def area_um2(self):
        return 2.0 * self.stages


@pytest.fixture
def repeater():
    COMPONENTS.register("hd_repeater", Repeater)
    yield {"technology": "eyeriss45", "stages": 4.0, "rows": 8}
    COMPONENTS.unregister("hd_repeater")


def test_a_registered_component_is_built_and_its_bounds_are_checked(repeater):
    part, rate = build_component("hd_repeater", repeater)
    assert rate is None and part.stages == 4 and part.load == 0.5 and part.area_um2 == 8
    assert attributes_of("hd_repeater") == {"stages": True, "load": False}
    with pytest.raises(InputError) as error:
        build_component("hd_repeater", {"stages": 9, "load": -1})
    for told in (
        "component of class hd_repeater",
        "stages: 9 found; a whole number from 1 to 8",
        "load: -1 found; a number from 0 to 1",
        "technology: missing",
    ):
        assert told in str(error.value)


def test_a_registered_component_is_served_to_accelergy(repeater, plug_in):
    query = AccelergyQuery("hd_repeater", repeater, "drive")
    assert plug_in.primitive_action_supported(query).value == 98
    assert plug_in.primitive_area_supported(query).value == 98
    part, _ = build_component("hd_repeater", repeater)
    assert plug_in.estimate_energy(query) == Estimation(part.actions_pJ()["drive"], "p")
    assert plug_in.estimate_area(query) == Estimation(8.0, "u^2")
    (listed,) = [c for c in plug_in.get_supported_components() if c.names[0] == "hd_repeater"]
    assert listed.init == PrintableCall("", ["stages"], {"load": 0.5})
    assert [action.name for action in listed.actions] == ["drive", "leak"]


def test_what_is_no_class_of_ours_is_left_to_others(plug_in):
    for name, attributes in (("hd_repeater", {}), ("SRAM", MAC), ("intmac", {**MAC, "flip_rate": None})):
        query = AccelergyQuery(name, attributes, "read")
        assert plug_in.primitive_action_supported(query).value == 0
        assert plug_in.primitive_area_supported(query).value == 0


@pytest.mark.parametrize("name", ["hd_mac", "intmac"])
def test_a_mac_and_its_leakage_are_the_components(name, plug_in, caplog):
    part, _ = build_component(name, MAC)
    with caplog.at_level(logging.INFO):
        assert (
            plug_in.estimate_energy(AccelergyQuery(name, MAC, "compute")).value
            == part.actions_pJ()["compute"]
        )
    assert "eyeriss45; flip_rate 0.25 from the architecture file" in caplog.text
    leak = plug_in.estimate_energy(AccelergyQuery(name, MAC, "leak"))
    assert leak.value == part.cycle_pJ() + part.leak_pJ(1e-9)


def test_an_action_that_a_class_has_not_is_refused_with_those_that_it_has(plug_in, caplog):
    assert plug_in.primitive_action_supported(AccelergyQuery("hd_mac", MAC, "read")).value == 0
    assert "it knows compute and leak" in caplog.text


def test_wrong_attributes_stop_accelergy_with_the_reason(plug_in):
    """An exception would be swallowed, and the next plug-in would answer."""
    query = AccelergyQuery("hd_mac", {**MAC, "weight_bits": 0, "name": "mac"}, "compute")
    with pytest.raises(SystemExit, match="hd_plugin cannot estimate mac: .*weight_bits: 0 found"):
        plug_in.primitive_action_supported(query)


def test_every_class_and_alias_is_listed(plug_in):
    names = {name.split(" ")[0] for c in plug_in.get_supported_components() for name in c.names}
    assert names == {*COMPONENTS, *ALIASES}


@pytest.mark.parametrize(("missing", "package"), [("pydantic", "pydantic"), ("yaml", "pyyaml")])
def test_a_python_without_what_the_estimators_need_stops_with_what_to_install(monkeypatch, missing, package):
    from hd_plugin.hosts.accelergy import plug_in_folder

    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == missing else find(name))
    path = plug_in_folder() / "hd_plugin_estimator.py"
    with pytest.raises(SystemExit, match=f"no {package}; run: .* -m pip install {package}$"):
        exec(compile(path.read_text(encoding="utf8"), path, "exec"), {"__file__": str(path)})


def test_the_estimators_load_nothing_but_what_they_say():
    heavy = ("numpy", "numba", "scipy", "torch", "matplotlib", "rich", "click")
    code = f"import sys, hd_plugin.energy; print([m for m in {heavy} if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
