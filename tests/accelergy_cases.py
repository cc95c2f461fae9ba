"""Accelergy's interface as the plug-in sees it, where Accelergy is not installed."""

import importlib
import logging
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any


class AccelergyPlugIn:
    logger = logging.getLogger("accelergy")


@dataclass
class AccelergyQuery:
    class_name: str
    class_attrs: dict[str, Any]
    action_name: str | None = None
    action_args: dict[str, Any] | None = field(default_factory=lambda: {"global_cycle_seconds": 1e-9})


@dataclass
class AccuracyEstimation:
    value: float

    @property
    def success(self):
        return self.value > 0


@dataclass
class Estimation:
    value: float
    unit: str
    success: bool = True

    def get_value(self):
        return self.value * {"p": 1e-12, "u^2": 1e-12}[self.unit]


@dataclass
class PrintableCall:
    name: str
    arguments: list[str] = field(default_factory=list)
    defaults: dict[str, Any] = field(default_factory=dict)


@dataclass
class SupportedComponent:
    names: list[str]
    init: PrintableCall
    actions: list[PrintableCall]


@dataclass
class Table(AccelergyPlugIn):
    """An estimator of one class: energies by action, 10 um2. ``fails``: it claims to know, and does not.

    An energy grows with ``width``, and leakage with ``n_instances`` as Accelergy itself makes it grow.
    """

    name: str
    accuracy: float
    serves: str
    energies: dict[str, float]
    fails: bool = False
    asked: list[AccelergyQuery] = field(default_factory=list)

    def get_name(self):
        return self.name

    def primitive_action_supported(self, query):
        self.asked.append(query)
        known = query.class_name == self.serves and query.action_name in self.energies
        return AccuracyEstimation(self.accuracy if known else 0)

    def primitive_area_supported(self, query):
        return AccuracyEstimation(self.accuracy if query.class_name == self.serves else 0)

    def estimate_energy(self, query):
        each = query.class_attrs.get("n_instances", 1) if query.action_name == "leak" else 1
        width = query.class_attrs["width"]
        return Estimation(self.energies[query.action_name] * width * each, "p", not self.fails)

    def estimate_area(self, query):
        return Estimation(10.0 * query.class_attrs.get("n_instances", 1), "u^2", not self.fails)


class _SystemState:
    def add_plug_ins(self, plug_ins):
        self.plug_ins = plug_ins


def _named(name, **contents):
    module = ModuleType(name)
    vars(module).update(contents)
    return name, module


@contextmanager
def accelergy(monkeypatch, others=()):
    """The plug-in object, made as Accelergy makes it; ``others``: the user's other estimators."""
    query = _named(
        "accelergy.plug_in_interface.query_plug_ins",
        plugin2name=lambda plug_in: plug_in.get_name(),
        primitive_energy_supported=lambda plug_in, query: plug_in.primitive_action_supported(query),
        primitive_area_supported=lambda plug_in, query: plug_in.primitive_area_supported(query),
        get_energy_estimation=lambda plug_in, query: plug_in.estimate_energy(query),
        get_area_estimation=lambda plug_in, query: plug_in.estimate_area(query),
    )
    own = "hd_plugin.hosts.accelergy._plug_in", "hd_plugin.hosts.accelergy._estimators"
    made: list[Any] = []

    def load(folders, files):
        assert folders == ["/plug-ins"] and files == ["/more.py", "/extra.py"]
        return [*made, *others]  # ours is among those that Accelergy loads

    modules = dict(
        [
            _named("accelergy"),
            _named("accelergy.utils"),
            _named("accelergy.plug_in_interface", query_plug_ins=query[1]),
            query,
            _named(
                "accelergy.plug_in_interface.interface",
                AccelergyPlugIn=AccelergyPlugIn,
                AccelergyQuery=AccelergyQuery,
                AccuracyEstimation=AccuracyEstimation,
                Estimation=Estimation,
            ),
            _named(
                "accelergy.plug_in_interface.estimator_wrapper",
                PrintableCall=PrintableCall,
                SupportedComponent=SupportedComponent,
            ),
            _named("accelergy.input_output", parse_commandline_args=None),
            _named("accelergy.plug_in_path_to_obj", plug_in_path_to_obj=load),
            _named("accelergy.system_state", SystemState=_SystemState),
            _named("accelergy.utils.utils", get_config_file_path=lambda: "accelergy_config.yaml"),
            _named(
                "accelergy.utils.yaml",
                load_yaml=lambda path: {"estimator_plug_ins": ["/plug-ins"], "python_plug_ins": ["/more.py"]},
                EXTRA_PLUG_IN_PATHS=["/extra.py"],
            ),
        ]
    )
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    for name in own:
        monkeypatch.delitem(sys.modules, name, raising=False)
    try:
        made.append(importlib.import_module(own[0]).HdPlugIn())
        yield made[0]
    finally:
        for name in own:
            sys.modules.pop(name, None)
