"""Accelergy's other estimators, asked as Accelergy asks them: the most accurate that answers is heard."""

from __future__ import annotations

import copy
import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from accelergy.input_output import parse_commandline_args
from accelergy.plug_in_interface import query_plug_ins as ask
from accelergy.plug_in_interface.interface import AccelergyQuery
from accelergy.plug_in_path_to_obj import plug_in_path_to_obj
from accelergy.system_state import SystemState
from accelergy.utils.utils import get_config_file_path
from accelergy.utils.yaml import EXTRA_PLUG_IN_PATHS, load_yaml

from hd_plugin.energy import Component
from hd_plugin.errors import InputError

__all__ = ["Answer", "Estimators"]

# ours alone; ``flip_rate`` would make an alias ours again
_WITNESS = "nobody"  # of hd-plugin doctor: it answers what no estimator does
_OURS = ("flip_rate", "reference_class", "reference_rate", "fixed_share", "layer", "method", "number_format")


@dataclass(frozen=True)
class Answer:
    """``value`` in pJ or um2, and the estimator that gave it, with its accuracy."""

    value: float
    estimator: str


class Estimators:
    """The estimators of the user's configuration and command line, ours left out; loaded when first asked."""

    def __init__(self, ours: str) -> None:
        self._ours = ours

    @functools.cached_property
    def _plug_ins(self) -> list[Any]:
        # Accelergy shows its own to nobody, so these are others, made by the same functions
        config = load_yaml(get_config_file_path())
        files = [*config.get("python_plug_ins", []), *EXTRA_PLUG_IN_PATHS]
        if {"-e", "--extra_plugins"} & set(sys.argv):
            files += parse_commandline_args().extra_plugins
        state = SystemState()
        state.add_plug_ins(plug_in_path_to_obj([*config["estimator_plug_ins"]], files))
        left_out = (self._ours, _WITNESS)
        return [plug_in for plug_in in state.plug_ins if ask.plugin2name(plug_in) not in left_out]

    def energy(self, query: AccelergyQuery, component: Component) -> Answer:
        """The reference energy of the query's action, in pJ. Raises InputError: nobody answers."""
        reference = _reference(query, component)
        return self._best(reference, ask.primitive_energy_supported, ask.get_energy_estimation, 1e12)

    def area(self, query: AccelergyQuery, component: Component) -> Answer:
        """The reference area, in um2. Raises InputError: nobody answers."""
        reference = _reference(query, component)
        return self._best(reference, ask.primitive_area_supported, ask.get_area_estimation, 1e12)

    def _best(
        self, query: AccelergyQuery, accuracy: Callable[..., Any], estimate: Callable[..., Any], unit: float
    ) -> Answer:
        rated = [(accuracy(plug_in, query), plug_in) for plug_in in self._plug_ins]
        rated.sort(key=lambda pair: pair[0].value, reverse=True)
        for rating, plug_in in rated:
            if rating.success and rating.value:
                found = estimate(plug_in, copy.deepcopy(query))
                if found.success:
                    name = f"{ask.plugin2name(plug_in)}, accuracy {rating.value:g} %"
                    return Answer(found.get_value() * unit, name)
        action = f".{query.action_name}" if query.action_name else "'s area"
        asked = ", ".join(ask.plugin2name(p) for p in self._plug_ins) or "none, there are no others"
        raise InputError(
            f"reference_class: no other estimator answers {query.class_name}{action} (asked: {asked}); name "
            "a primitive class that one of them serves (accelergy -l), scale a compound class inside of it, "
            "part by part, or give the reference energy as a number"
        )


def _reference(query: AccelergyQuery, component: Component) -> AccelergyQuery:
    """``query`` of the reference class. One instance: Accelergy multiplies our own answer by their number."""
    attributes = {name: value for name, value in query.class_attrs.items() if name not in _OURS}
    attributes["n_instances"] = 1
    arguments = getattr(query, "action_args", None)  # a query for an area has none
    return AccelergyQuery(component.asks, attributes, query.action_name, arguments)
