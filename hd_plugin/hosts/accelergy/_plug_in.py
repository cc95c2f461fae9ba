"""The plug-in object: answers Accelergy's questions from the catalogue of the energy room."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from accelergy.plug_in_interface.estimator_wrapper import PrintableCall, SupportedComponent
from accelergy.plug_in_interface.interface import (
    AccelergyPlugIn,
    AccelergyQuery,
    AccuracyEstimation,
    Estimation,
)

from hd_plugin.energy import (
    ALIASES,
    COMPONENTS,
    Component,
    FlipRate,
    attributes_of,
    build_component,
    served_class,
)
from hd_plugin.errors import HdPluginError

if TYPE_CHECKING:
    from hd_plugin.hosts.accelergy._estimators import Answer, Estimators

__all__ = ["ACCURACY_PERCENT", "HdPlugIn"]

# Accelergy asks the plug-in with the highest accuracy first. Nothing but hd_plugin knows these classes, and
# who gives flip_rate to an intmac asks for a value-aware model; so this is a priority, not an error bar.
ACCURACY_PERCENT = 98


class HdPlugIn(AccelergyPlugIn):
    """Serves the classes of the catalogue, and the aliases when they give a flip_rate.

    A component of ours with wrong attributes stops Accelergy with the reason: an exception would be
    swallowed, and a later plug-in (a dummy of 1 pJ, say) would answer in our place.
    """

    @functools.cached_property
    def _others(self) -> Estimators:
        # on demand: it takes more of Accelergy's insides than all other classes need
        from hd_plugin.hosts.accelergy._estimators import Estimators

        return Estimators(self.get_name())

    def get_name(self) -> str:
        return "hd_plugin"

    def primitive_action_supported(self, query: AccelergyQuery) -> AccuracyEstimation:
        if served_class(query.class_name, query.class_attrs) is None:
            return AccuracyEstimation(0)
        component, _ = self._build(query)
        if component.asks:
            self._reference(query, component)
            return AccuracyEstimation(ACCURACY_PERCENT)
        known = query.action_name == "leak" or query.action_name in component.actions_pJ()
        if not known:
            self.logger.error(
                f"{query.class_name} has no action {query.action_name!r}; it knows "
                f"{', '.join(component.actions_pJ())} and leak"
            )
        return AccuracyEstimation(ACCURACY_PERCENT if known else 0)

    def estimate_energy(self, query: AccelergyQuery) -> Estimation:
        component, rate = self._build(query)
        leaks, how = query.action_name == "leak", ""
        if component.asks:
            answer = self._reference(query, component)
            value_pJ = answer.value if leaks else component.scaled_pJ(answer.value)
            how = f" = {answer.value:.6g} pJ of {answer.estimator}"
        elif leaks:
            seconds = float(query.action_args["global_cycle_seconds"])
            value_pJ = component.cycle_pJ() + component.leak_pJ(seconds)
        else:
            value_pJ = component.actions_pJ()[query.action_name]
        how += "" if leaks else component.told
        self._tell(f"{query.class_name}.{query.action_name}: {value_pJ:.6g} pJ{how}", component, rate)
        return Estimation(value_pJ, "p")

    def primitive_area_supported(self, query: AccelergyQuery) -> AccuracyEstimation:
        if served_class(query.class_name, query.class_attrs) is None:
            return AccuracyEstimation(0)
        self._build(query)
        return AccuracyEstimation(ACCURACY_PERCENT)

    def estimate_area(self, query: AccelergyQuery) -> Estimation:
        component, rate = self._build(query)
        area_um2, how = component.area_um2, ""
        if component.asks:
            answer = self._reference(query, component, area=True)
            area_um2, how = answer.value, f" of {answer.estimator}"
        self._tell(f"{query.class_name}: area {area_um2:.6g} um2{how}", component, rate)
        return Estimation(area_um2, "u^2")

    def get_supported_components(self) -> list[SupportedComponent]:
        """What ``accelergy -l`` lists: classes with their attributes and actions."""
        listed = []
        for name, cls in COMPONENTS.items():
            names = [name, *(f"{a} (with flip_rate)" for a, of in ALIASES.items() if of == name)]
            required = [a for a, needed in attributes_of(name).items() if needed]
            optional = {a: getattr(cls, a, None) for a, needed in attributes_of(name).items() if not needed}
            actions = [PrintableCall(action) for action in (*cls.actions, "leak")]
            listed.append(SupportedComponent(names, PrintableCall("", required, optional), actions))
        return listed

    def _build(self, query: AccelergyQuery) -> tuple[Component, FlipRate | None]:
        with _no_exceptions(query):
            return build_component(query.class_name, query.class_attrs)

    def _reference(self, query: AccelergyQuery, component: Component, area: bool = False) -> Answer:
        with _no_exceptions(query):
            return (self._others.area if area else self._others.energy)(query, component)

    def _tell(self, what: str, component: Component, rate: FlipRate | None) -> None:
        flips = f"; flip_rate {rate.value:.6g} from {rate.source}" if rate else ""
        self.logger.info(f"{what} by hd_plugin, technology {component.technology}{flips}")


@contextlib.contextmanager
def _no_exceptions(query: AccelergyQuery) -> Iterator[None]:
    """Stops Accelergy with what went wrong: it would swallow an exception and ask the next plug-in."""
    try:
        yield
    except Exception as error:
        name = query.class_attrs.get("name", query.class_name)
        told = error if isinstance(error, HdPluginError) else repr(error)
        sys.exit(f"hd_plugin cannot estimate {name}: {told}")
