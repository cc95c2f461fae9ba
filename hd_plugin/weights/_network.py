"""A network, and the choice that it was read by: each leads to the other."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol, TypedDict, cast

from pydantic import BeforeValidator, Field

from hd_plugin._checked import Checked, Listed, Whole, check
from hd_plugin._notebook import notebook_table
from hd_plugin.bits import NumberFormat, check_bits
from hd_plugin.errors import InputError, did_you_mean
from hd_plugin.weights._layer import Layer
from hd_plugin.weights._load import Asked, Conversion, locate, read_file, read_weights
from hd_plugin.weights._readers import in_memory
from hd_plugin.weights._sizes import image_size
from hd_plugin.weights._told import Note, Unmapped

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["Network", "NetworkChoice", "load_network"]


class NetworkChoice(Checked):
    """A network by name or file, and how its weights become bit patterns, as ``load_network`` takes it.

    source : one of ``bundled_networks()``, or a path. layers : names of the layers to read; None reads all
    that stream. model, input_size : the PyTorch network that the weights belong to ("resnet20", or
    "package.module:function") and the size of its input, (H, W) or (C, H, W), which trace output sizes,
    strides and paddings. Raises InputError that lists all problems.
    """

    source: str
    bits: Annotated[Whole, Field(ge=2, le=16)] = 4
    number_format: NumberFormat = "twos_complement"
    per_channel: bool = False
    keep_integers: bool | None = None
    spec: str | None = None
    layers: Listed[str] | None = None
    tokens: Annotated[Whole, Field(ge=1)] | None = None
    model: str | None = None
    input_size: Annotated[tuple[int, ...], BeforeValidator(image_size)] | None = None

    @classmethod
    def read(cls, data: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Two answers to how large outputs are, and half of one, are problems."""
        problems = []
        if (data.get("model") is None) != (data.get("input_size") is None):
            problems.append("model, input_size: they go together: a network, and the size of its input")
        if data.get("model") is not None and data.get("tokens") is not None:
            problems.append("model, tokens: two answers to how large outputs are; keep one")
        return data, problems

    def load(self) -> Network:
        """The network. Raises what ``load_network`` raises; InputError where ``model`` has to be traced."""
        if self.model is not None:
            raise InputError(f"model: {self.model!r} is traced by hd_plugin.study.read_network; call that")
        unread = ("source", "model", "input_size")
        fields: Any = {name: getattr(self, name) for name in type(self).model_fields if name not in unread}
        return load_network(self.source, **fields)


@dataclass(frozen=True, eq=False, repr=False)
class Network:
    """Layers in network order: ``net["conv1"]``, ``net[0]``, ``for layer in net``, ``len(net)``.

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

    def __getitem__(self, key: str | int) -> Layer:
        """A layer by name (InputError with the nearest names when there is none) or by place."""
        return self.layer(key) if isinstance(key, str) else self.layers[key]

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    def __contains__(self, key: object) -> bool:
        """Whether there is such a layer, or one of that name."""
        return any(key is layer or key == layer.name for layer in self.layers)

    def __repr__(self) -> str:
        weights = sum(layer.codes.size for layer in self.layers)
        widths = "/".join(str(b) for b in sorted({layer.bits for layer in self.layers}))
        beside = f", {len(self.unmapped)} unmapped" if self.unmapped else ""
        return f"Network({self.name!r}, {len(self)} layers, {weights:,} weights of {widths} bits{beside})"

    def _repr_html_(self) -> str:
        """A line a layer, for notebooks."""
        rows = [
            (la.name, la.K, la.C, la.taps, la.bits, "{} x {}".format(*la.output_hw) if la.output_hw else "")
            for la in self.layers
        ]
        return notebook_table(repr(self), ("layer", "K", "C", "taps", "bits", "P x Q"), rows)

    @property
    def flip_notes(self) -> tuple[Note, ...]:
        """The notes that matter where no output size does."""
        return tuple(note for note in self.notes if not note.assumes_size)

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


class Module(Protocol):
    """What of a ``torch.nn.Module`` is read."""

    def state_dict(self) -> Mapping[str, Any]: ...

    def named_modules(self) -> Any: ...


class Reading(TypedDict, total=False):
    """The options of ``load_network``: the fields of a NetworkChoice."""

    bits: int
    number_format: NumberFormat
    per_channel: bool
    keep_integers: bool | None
    spec: str | Path | None
    layers: Sequence[str] | None
    tokens: int | None


def load_network(source: str | Path | Mapping[str, Any] | Module, **options: Unpack[Reading]) -> Network:
    """Read the weights of a network as ``bits``-wide bit patterns, layers in network order.

    source : a .npz, .safetensors, .pt, .pth, .th, .tflite or .onnx file, the index of a network in several
    .safetensors files, a folder with one of these, or one of ``bundled_networks()``; or the weights
    themselves: arrays or tensors by name, a ``torch.nn.Module``.
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
    file = None if in_memory(source) else cast("str | Path", source)
    named = type(source).__name__ if file is None else _file_or_name(file)
    choice = {**options, "source": named, "spec": spec and _file_or_name(spec), "layers": layers or None}
    asked = check(NetworkChoice, choice, named)
    conversion = Conversion(
        check_bits(asked.bits), asked.number_format, asked.per_channel, asked.keep_integers
    )
    wanted = Asked(asked.spec, asked.layers, asked.tokens)
    if file is None:
        found = read_weights(source, conversion, wanted)
        return Network(found.name, found.layers, found.unmapped, "", found.digest, None, found.notes)
    path = locate(file)
    found = read_file(path, conversion, wanted)
    if asked.layers is not None:  # in network order
        asked = asked.model_copy(update={"layers": tuple(layer.name for layer in found.layers)})
    return Network(found.name, found.layers, found.unmapped, str(path), found.digest, asked, found.notes)


def _file_or_name(given: str | Path) -> str:
    """A file or folder as a path that is good anywhere; all else is a name of what comes with the package."""
    return os.path.abspath(given) if Path(given).exists() else str(given)
