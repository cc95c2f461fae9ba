"""A new method, engine, component, objective or source of energy is one class and one registration."""

import csv
import json
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import pytest
from click.testing import CliRunner

import hd_plugin as hd
from hd_plugin.cli import main
from hd_plugin.energy import COMPONENTS, Component, build_component
from hd_plugin.engines import ENGINES, AnalyticEngine
from hd_plugin.report import write_report
from hd_plugin.streaming import METHODS, Group, Method
from hd_plugin.study import OBJECTIVES, SOURCES, Objective, Source


@contextmanager
def registered(registry, name, entry):
    registry.register(name, entry)
    try:
        yield
    finally:
        registry.unregister(name)


@pytest.fixture
def network():
    return hd.load_network("resnet20_cifar10_w4", layers=["layer1.0.conv1", "linear"])


class Backwards(Method):
    """Segments in reverse file order: the same flips as the file order, needs no table."""

    searched = True

    def groups(self, layer, search):
        from hd_plugin.streaming import file_order_plan

        return [
            Group(g.tap, g.channels, g.order[::-1].copy()) for g in file_order_plan(layer, search.rows).groups
        ]


def test_a_method_is_everywhere_at_once(network, tmp_path):
    with registered(METHODS, "backwards", Backwards()):
        plan = hd.optimize(network.layers[0], method="backwards")
        assert plan.method == "backwards" and hd.flips(network.layers[0], plan) == hd.flips(network.layers[0])
        assert hd.verify(network.layers[0], plan, options=hd.VerifyOptions(simulator="none")).ok
        found = hd.compare(network, methods=["backwards", "direct"], effort="greedy", rows=8)
        assert found.methods == ("baseline", "direct", "backwards")
        assert all(r.hd_reduction == 1 and r.energy.lut_J == 0 for r in found.of("backwards"))
        write_report(found, tmp_path)
        assert "backwards" in (tmp_path / "report.html").read_text(encoding="utf8")
        with open(tmp_path / "compare.csv", encoding="utf8") as file:
            assert {row["method"] for row in csv.DictReader(file)} == {"baseline", "direct", "backwards"}
        done = CliRunner().invoke(
            main, ["optimize", "resnet20_cifar10_w4", "--layer", "linear", "--method", "backwards"]
        )
        assert done.exit_code == 0 and "backwards" in done.output
    with pytest.raises(hd.InputError, match="'backwards' is unknown"):
        hd.optimize(network.layers[0], method="backwards")


class Impatient(Backwards):
    """Somebody presses Ctrl-C while it searches."""

    def groups(self, layer, search):
        search.jobs.stop()
        return super().groups(layer, search)


@pytest.mark.parametrize("command", ["compare", "optimize"])
def test_an_interrupted_command_says_so_and_exits_with_130(command):
    words = [command, "resnet20_cifar10_w4", "--layer", "linear", "--method", "impatient", "--json"]
    with registered(METHODS, "impatient", Impatient()):
        done = CliRunner().invoke(main, words)
    told = json.loads(done.stdout)
    assert done.exit_code == 130 and "interrupted" in done.stderr
    assert told.get("interrupted", told["provenance"].get("interrupted")) is True


class Double(AnalyticEngine):
    """The analytic engine with every energy times ``factor``."""

    name = "double"

    def __init__(self, factor: float = 2.0) -> None:
        self.factor = factor

    def evaluate(self, requests, array, technology, jobs):
        found = super().evaluate(requests, array, technology, jobs)
        return [replace(e, energy=self._scaled(e.energy)) for e in found]

    def _scaled(self, energy):
        return replace(energy, **{k: v * self.factor for k, v in vars(energy).items() if v is not None})

    def provenance(self):
        return {"factor": str(self.factor)}


def test_an_engine_with_options_of_its_own(network):
    plain = hd.compare(network, effort="greedy", methods=["direct"])
    with registered(ENGINES, "double", Double):
        found = hd.compare(
            network, effort="greedy", methods=["direct"], engine={"name": "double", "factor": 3}
        )
        assert found.to_dict()["provenance"]["engine"] == {"factor": "3.0"}
        for one, other in zip(found.rows, plain.rows):
            assert one.energy.datapath_J == pytest.approx(3 * other.energy.datapath_J)
        done = CliRunner().invoke(
            main, ["compare", "resnet20_cifar10_w4", "--layer", "linear", "--engine", "double", "--json"]
        )
        assert done.exit_code == 0 and json.loads(done.stdout)["engine"] == "double"
        with pytest.raises(hd.InputError, match="no option fctor"):
            hd.Scenario(engine={"name": "double", "fctor": 2})


@dataclass(frozen=True)
class Repeater(Component):
    """A buffer in a long wire."""

    width: int

    def actions_pJ(self):
        return {"read": 0.0, "write": self.technology.hop_pJ_per_bit * self.width, "update": 0.0}

    @property
    def area_um2(self):
        return 0.5 * self.width


def test_a_component_is_served_by_name():
    with registered(COMPONENTS, "hd_repeater", Repeater):
        part, rate = build_component("hd_repeater", {"technology": "eyeriss45", "width": 16.0, "depth": 3})
        assert isinstance(part, Repeater) and part.area_um2 == 8 and rate is None
        with pytest.raises(hd.InputError, match="width: missing"):
            build_component("hd_repeater", {"technology": "eyeriss45"})
    with pytest.raises(hd.InputError, match="hd_repeater"):
        build_component("hd_repeater", {"technology": "eyeriss45", "width": 16})


class Free(Source):
    """Energy from nowhere."""

    def price(self, runs, evaluated, energies, jobs):
        return [replace(e, energy=replace(e.energy, mac_J=1.0)) for e in evaluated]


def test_a_source_of_energy(network):
    with registered(SOURCES, "free", Free()):
        found = hd.compare(network, effort="greedy", methods=["direct"], energy="free")
        assert all(r.energy.mac_J == 1.0 for r in found.rows)


class FewerOnes(Objective):
    """Costs a transition by the ones of the word that comes: a table of its own."""

    def of(self, layer, energies):
        ones = np.array([c.bit_count() for c in range(1 << layer.bits)], float)
        energies = np.broadcast_to(ones, (len(ones), len(ones))).copy()
        np.fill_diagonal(energies, 0)
        return hd.TransitionTable.from_energies(energies, layer.bits, "ones")


def test_an_objective(network):
    with registered(OBJECTIVES, "ones", FewerOnes()):
        found = hd.plan(network, methods=["direct"], objective="ones")
        plain = hd.plan(network, methods=["direct"])
        assert {k: p.groups[0].order.tolist() for k, p in found.plans.items()} != {
            k: p.groups[0].order.tolist() for k, p in plain.plans.items()
        }


@pytest.mark.parametrize(
    "registry", [METHODS, ENGINES, COMPONENTS, SOURCES, OBJECTIVES], ids=lambda r: r.kind
)
def test_a_name_that_is_taken_is_refused(registry):
    name = next(iter(registry))
    with pytest.raises(hd.InputError, match="registered already"):
        registry.register(name, registry[name])
