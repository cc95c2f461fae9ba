"""The characterised array that a scenario names, checked against the layers and the array that it is used
for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hd_plugin.characterisation import ArrayEnergy
from hd_plugin.errors import InputError
from hd_plugin.hardware import Activations
from hd_plugin.study._scenario import Scenario
from hd_plugin.weights import Layer

__all__ = ["array_energy"]


def array_energy(
    scenario: Scenario,
    layers: Sequence[Layer],
    activations: Mapping[str, Activations] | None = None,
    *,
    rows_only: bool = False,
) -> ArrayEnergy:
    """What prices ``layers`` at gate level; activations : the layers' own, in place of drawn ones.

    rows_only : the rest of the scenario's array does not matter, for plans.

    Raises InputError for a technology that was not characterised, or for another array than the scenario's.
    """
    if activations is not None and scenario.activations:
        raise InputError("activations: a kind to draw and the network's own were given; keep one")
    array = scenario.array
    found = ArrayEnergy(scenario.technology_name(), scenario.activations or "relu", scenario.seed)
    sizes = {"cols": array.cols, "act_bits": array.activation_bits, "psum_bits": array.psum_bits}
    for layer in layers:
        found.check(layer, array.rows, **({} if rows_only else sizes))
    return found if activations is None else replace(found, activations=activations)
