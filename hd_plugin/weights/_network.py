"""A network, and the choice that it was read by: each leads to the other."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypedDict

from pydantic import Field

from hd_plugin._checked import Checked, Listed, Whole, check
from hd_plugin.bits import NumberFormat, check_bits
from hd_plugin.errors import InputError, did_you_mean
from hd_plugin.weights._layer import Layer
from hd_plugin.weights._load import Asked, Conversion, locate, read_file
from hd_plugin.weights._told import Note, Unmapped

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["Network", "NetworkChoice", "load_network"]


class NetworkChoice(Checked):
    """A network by name or file, and how its weights become bit patterns, as ``load_network`` takes it.

    source : one of ``bundled_networks()``, or a path. layers : names of the layers to read; None reads all
    that stream. Raises InputError that lists all problems.
    """

    source: str
    bits: Annotated[Whole, Field(ge=2, le=16)] = 4
    number_format: NumberFormat = "twos_complement"
    per_channel: bool = False
    keep_integers: bool | None = None
    spec: str | None = None
    layers: Listed[str] | None = None
    tokens: Annotated[Whole, Field(ge=1)] | None = None

    def load(self) -> Network:
        """The network. Raises what ``load_network`` raises."""
        fields: Any = {name: getattr(self, name) for name in type(self).model_fields if name != "source"}
        return load_network(self.source, **fields)


@dataclass(frozen=True, eq=False)
class Network:
    """Layers in network order.

    source : names the file. digest : the SHA-256 of its bytes. asked : the choice that reads these very
    layers from the file again; None for a network that was made otherwise. unmapped, notes : what of the file
    does not go to the array; what was assumed or replaced.
    """

    name: str
    layers: list[Layer]
    unmapped: list[Unmapped] = field(default_factory=list)
    source: str = ""
    digest: str = ""
    asked: NetworkChoice | None = None
    notes: list[Note] = field(default_factory=list)

    def layer(self, name: str) -> Layer:
        """The layer called ``name``; raises InputError with the nearest names when there is none."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        names = [la.name for la in self.layers]
        raise InputError(f"{self.source or self.name}: no layer {name!r}; {did_you_mean(name, names)}")

    def select(self, names: list[str] | None) -> Network:
        """This network with only the named layers, in network order; all of them for None."""
        if not names:
            return self
        wanted = {self.layer(n).name for n in names}
        kept = [la for la in self.layers if la.name in wanted]
        asked = self.asked and self.asked.model_copy(update={"layers": tuple(la.name for la in kept)})
        notes = [n for note in self.notes if (n := note.among(wanted))]
        return replace(self, layers=kept, asked=asked, notes=notes)


class Reading(TypedDict, total=False):
    """The options of ``load_network``: the fields of a NetworkChoice."""

    bits: int
    number_format: NumberFormat
    per_channel: bool
    keep_integers: bool | None
    spec: str | Path | None
    layers: Sequence[str] | None
    tokens: int | None


def load_network(source: str | Path, **options: Unpack[Reading]) -> Network:
    """Read the weights of a network as ``bits``-wide bit patterns, layers in network order.

    source : a .npz, .safetensors, .pt, .pth, .th, .tflite or .onnx file, the index of a network in several
    .safetensors files, a folder with one of these, or one of ``bundled_networks()``.
    per_channel : one scale for each output channel where weights are (re)quantised, not one per tensor.
    keep_integers : True takes a file's integers (less their zero point) as they are, and they must fit
    ``bits``; False dequantises and requantises them; None keeps them, layer by layer, where they fit. spec :
    a YAML network spec or the name of one in ``layers/``; None reads the file as it is. layers : names of the
    layers to read (embeddings, too, where they are named); None reads all that stream. tokens : input vectors
    of each linear layer; None takes what the file tells, else one.

    Raises InputError for a file or an argument that cannot be used, MissingTool when the file's kind needs a
    library that is not installed.
    """
    spec, layers = options.get("spec"), options.get("layers")
    choice = {**options, "source": _file_or_name(source), "spec": spec and _file_or_name(spec)}
    asked = check(NetworkChoice, {**choice, "layers": layers or None}, source)
    conversion = Conversion(
        check_bits(asked.bits), asked.number_format, asked.per_channel, asked.keep_integers
    )
    path = locate(source)
    found = read_file(path, conversion, Asked(asked.spec, asked.layers, asked.tokens))
    if asked.layers is not None:  # in network order
        asked = asked.model_copy(update={"layers": tuple(layer.name for layer in found.layers)})
    return Network(found.name, found.layers, found.unmapped, str(path), found.digest, asked, found.notes)


def _file_or_name(given: str | Path) -> str:
    """A file or folder as a path that is good anywhere; all else is a name of what comes with the package."""
    return os.path.abspath(given) if Path(given).exists() else str(given)
