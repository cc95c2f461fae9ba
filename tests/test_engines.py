"""Engines by name: another one is a class and a line of registration."""

from dataclasses import asdict

import numpy as np
import pytest

import hd_plugin as hd
from hd_plugin.energy import load_technology
from hd_plugin.engines import (
    ENGINES,
    Accesses,
    AnalyticEngine,
    Array,
    ComponentResult,
    Evaluation,
    Request,
    engine_options,
    get_engine,
)
from hd_plugin.errors import InputError
from hd_plugin.streaming import Jobs

LAYER = hd.Layer("one", np.zeros((4, 8, 1, 1), np.uint8), 4, output_hw=(4, 4))
BUFFER = ComponentResult(0, 0.0, 1.5, {"Weights": Accesses(32, 8, 0, 2.5)})


class Folded(AnalyticEngine):
    """The analytic engine, with a component and the folder of a run to tell."""

    name = "folded"

    def __init__(self, folder, factor=2):
        self.folder, self.factor = folder, factor

    def evaluate(self, requests, array, technology, jobs):
        found = super().evaluate(requests, array, technology, jobs)
        return [Evaluation(e.counts, e.energy, {"buffer": BUFFER}, (self.folder,)) for e in found]

    def provenance(self):
        return {"factor": str(self.factor)}


@pytest.fixture
def folded():
    ENGINES.register("folded", Folded)
    yield
    ENGINES.unregister("folded")


def evaluated(engine):
    technology = load_technology("eyeriss45")
    return engine.evaluate([Request(LAYER, 1, 0.5)], Array(rows=8, cols=8), technology, Jobs(1))[0]


def test_a_registered_engine_works_by_its_name(folded):
    engine = get_engine("folded", folder="/runs/1", factor=3)
    assert engine.provenance() == {"factor": "3"} and list(ENGINES) == ["analytic", "timeloop", "folded"]
    found = evaluated(engine)
    assert found.counts == evaluated(get_engine("analytic")).counts
    assert found.to_dict() == {"components": {"buffer": asdict(BUFFER)}, "folders": ["/runs/1"]}
    assert ComponentResult.from_dict(found.to_dict()["components"]["buffer"]) == BUFFER


def test_an_engines_options_are_what_its_class_takes(folded):
    assert engine_options("folded") == {"folder": True, "factor": False}
    assert engine_options("timeloop") == {
        "mapping": False,
        "cache": False,
        "architecture": False,
        "parts": False,
    }
    assert engine_options("analytic") == {}
    with pytest.raises(InputError, match="engine 'folded' has no option folders; it takes folder, factor"):
        get_engine("folded", folders="x")
    with pytest.raises(InputError, match="engine 'folded' needs folder"):
        get_engine("folded", factor=3)
    with pytest.raises(InputError, match="engine 'analytic' has no option factor; it takes none"):
        get_engine("analytic", factor=3)


def test_a_name_is_taken_once_and_gone_after_it_is_unregistered(folded):
    with pytest.raises(InputError, match="'folded' is registered already"):
        ENGINES.register("folded", AnalyticEngine)
    ENGINES.unregister("folded")
    with pytest.raises(InputError, match="engine: 'folded' is unknown"):
        get_engine("folded")
    ENGINES.register("folded", Folded)


def test_the_analytic_engine_has_no_components_and_no_runs_to_tell():
    found = evaluated(get_engine("analytic"))
    assert found.to_dict() == {} and not found.components and found.folders == ()
