"""What was asked, as sentences: the part of a report's provenance that a person reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hd_plugin.report._text import percent
from hd_plugin.streaming import METHODS

if TYPE_CHECKING:
    from hd_plugin.study import Comparison

__all__ = ["in_words"]

_SOURCES = {
    "flips": "datapath energy is a straight line of the flips",
    "modelled": "datapath energy by the activity model of the array's gates",
    "simulated": "datapath energy by simulating every gate of the array",
}
_OBJECTIVES = {"flips": "fewest flips", "energy": "least modelled energy"}


def in_words(result: Comparison) -> list[tuple[str, str]]:
    """(what, in words) of the scenario that ``result`` answers."""
    asked, told = result.scenario, [("network", _network(result))]
    trained = dict.fromkeys(c.network for c in result.trained if c.network != result.network)
    if trained:
        told.append(("trained networks", ", ".join(trained)))
    told.append(("array", _array(result)))
    searched = [m for m in result.methods if METHODS[m].searched]
    aim = _OBJECTIVES.get(asked.objective, asked.objective)
    how = f"searched for {aim}, effort {asked.effort}, seed {asked.seed}"
    told.append(("plans", f"{', '.join(searched)}: {how}" if searched else "file order only"))
    source = _SOURCES.get(asked.energy, f"datapath energy: {asked.energy}")
    clock = "the clock counts in totals" if asked.clock else "no clock in totals"
    drawn = f", activations drawn as {asked.activations}" if asked.activations else ""
    told.append(("energy", f"{source}{drawn}; technology {result.provenance.technology.name}; {clock}"))
    if model := result.provenance.energy_model:
        most = f"95 % of layers are within {percent(model.p95_error)} of simulation"
        told.append(
            ("its error", f"on another network {most}, the worst within {percent(model.worst_error)}")
        )
    options = ", ".join(f"{k} {v}" for k, v in asked.engine.options.items())
    told.append(("action counts", f"engine {asked.engine.name}{f' ({options})' if options else ''}"))
    return told


def _array(result: Comparison) -> str:
    array = result.scenario.array
    sizes = f"{array.rows} rows (input channels) x {array.cols} columns (output pixels)"
    bits = f"activations of {array.activation_bits} bits, partial sums of {array.psum_bits}"
    kind = array.dataflow.replace("_", " ")
    return f"{sizes}, {kind}; {bits}, accumulators of {array.accumulator_bits}"


def _network(result: Comparison) -> str:
    choice = result.scenario.network
    form = result.number_format.replace("twos_", "two's ").replace("_", " ")
    layers = len(result.of("baseline"))
    words = f"{result.network}: {layers} layers of {result.bits}-bit {form} weights"
    if choice is None:
        return f"{words}, handed over from Python"
    if choice.source != result.network:
        words += f", from {choice.source}"
    if choice.per_channel:
        words += ", one step per output channel"
    if choice.spec:
        words += f", layers and output sizes of the network spec {choice.spec}"
    return words + (", only the layers asked for" if choice.layers else "")
