"""The network that a choice names, its sizes traced where the choice names a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from hd_plugin.errors import InputError, did_you_mean
from hd_plugin.weights import Layer, Network, NetworkChoice, Note, load_spec, locate

if TYPE_CHECKING:
    from hd_plugin.training.sizes import TracedLayer

__all__ = ["read_network"]


def read_network(choice: NetworkChoice) -> Network:
    """The network; with ``choice.model``, every layer has the output size, stride and padding of a run.

    Raises what ``load_network`` raises; InputError for weights that do not belong to the model, and for a
    spec that has output sizes of its own; MissingTool without PyTorch.
    """
    if choice.model is None or choice.input_size is None:
        return choice.load()
    if choice.spec is not None and any(la.output_hw for la in load_spec(choice.spec).layers):
        raise InputError(f"model, spec: both tell output sizes ({choice.spec} has some); keep one of them")
    network = choice.model_copy(update={"model": None, "input_size": None}).load()
    found = _traced(choice, network)
    sized = [_sized(layer, found, choice) for layer in network.layers]
    left = {layer.name for layer in network.layers} - set(found)
    notes = [n for note in network.notes if (n := note.among(left) if note.assumes_size else note)]
    asked = network.asked and network.asked.model_copy(
        update={"model": choice.model, "input_size": choice.input_size}
    )
    return replace(network, layers=sized, asked=asked, notes=notes + _told(choice, network, found))


def _traced(choice: NetworkChoice, network: Network) -> dict[str, TracedLayer]:
    """Layers of the model, which is made for as many classes as the last linear layer has outputs."""
    path = locate(choice.source)
    if path.suffix in (".onnx", ".tflite"):
        raise InputError(f"{path}: has its own network, which tells sizes; leave out model and input_size")
    from hd_plugin.training.sizes import trace_model

    linear = [la.K for la in network.layers if la.taps == 1 and la.window is not None]  # convolutions lack it
    found = trace_model(str(choice.model), choice.input_size or (), linear[-1] if linear else 10)
    names = [layer.name for layer in network.layers]
    if not set(names) & set(found):
        near = did_you_mean(names[0], found)
        raise InputError(f"{path}: none of its layers is in {choice.model}: {names[0]!r} is not; {near}")
    return found


def _sized(layer: Layer, found: Mapping[str, TracedLayer], choice: NetworkChoice) -> Layer:
    if layer.name not in found:
        return layer
    one = found[layer.name]
    if (*one.shape, 1, 1)[:4] != layer.codes.shape:
        raise InputError(
            f"{choice.source}: layer {layer.name!r} is {list(layer.codes.shape)}, and {list(one.shape)} in "
            f"{choice.model}; name the network that these weights belong to"
        )
    return replace(layer, output_hw=one.output_hw, window=one.window)


def _told(choice: NetworkChoice, before: Network, found: Mapping[str, TracedLayer]) -> list[Note]:
    """What the trace told, what it replaced, and what it did not reach."""
    size = "x".join(map(str, choice.input_size or ()))
    assumed = {name for note in before.notes if note.assumes_size for name in note.layers}
    told: dict[str, list[str]] = {}
    for layer in before.layers:
        text = f"output size, stride and padding of {choice.model} on an input of {size}"
        if layer.name not in found:
            text = f"not reached by a run of {choice.model}: output size as the file tells"
        elif found[layer.name].calls > 1:
            text += f", which calls it {found[layer.name].calls} times: of the first"
        elif layer.name not in assumed and layer.output_hw not in (None, found[layer.name].output_hw):
            text += ", not {} x {} as the file has".format(*layer.output_hw)
        told.setdefault(text, []).append(layer.name)
    return [Note(text, tuple(names)) for text, names in told.items()]
