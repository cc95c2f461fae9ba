"""A weights file, or a network that comes with the package -> layers of bit patterns."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from hd_plugin.bits import NumberFormat
from hd_plugin.errors import InputError, did_you_mean
from hd_plugin.weights._layer import Layer
from hd_plugin.weights._quantise import quantise
from hd_plugin.weights._readers import RawLayer, reader_for
from hd_plugin.weights._spec import apply_spec, load_spec, spec_for
from hd_plugin.weights._told import Note, Unmapped

__all__ = ["Contents", "Conversion", "bundled_networks", "locate", "read_file"]


def bundled_networks() -> list[str]:
    """Names that ``load_network`` takes beside paths: the files hd_plugin/networks/NAME.npz, sorted."""
    return sorted(_bundled())


@dataclass(frozen=True)
class Conversion:
    """How numbers of a file become bit patterns: the arguments of ``load_network`` of the same names."""

    bits: int
    number_format: NumberFormat
    per_channel: bool
    keep_integers: bool | None


@dataclass(frozen=True, eq=False)
class Contents:
    """A weights file: layers in network order, what is told beside them, and the SHA-256 of its bytes."""

    name: str
    layers: list[Layer]
    unmapped: list[Unmapped]
    notes: list[Note]
    digest: str


def read_file(path: Path, conversion: Conversion, spec: str | Path | None) -> Contents:
    """What is in a weights file, under a spec where one is asked for. Raises what ``load_network`` raises."""
    raw, unmapped = reader_for(path)(path)
    digest, notes, name = hashlib.sha256(path.read_bytes()).hexdigest(), list[Note](), path.stem
    if not raw:
        found = "; ".join(f"{u.name}: {u.reason}" for u in unmapped[:5])
        raise InputError(
            f"{path}: no convolution or linear layer that can be mapped"
            + (f" ({len(unmapped)} unmapped: {found})" if found else "; is it a weights file?")
        )
    names = [r.name for r in raw]
    if len(set(names)) < len(names):
        twice = sorted({n for n in names if names.count(n) > 1})
        raise InputError(f"{path}: layer {twice[0]!r} is found twice; give each layer its own name")
    if spec is not None:
        chosen = load_spec(spec)
        raw, unmapped, notes = apply_spec(chosen, raw, unmapped, path)
        name = chosen.network
        if not raw:
            raise InputError(f"{chosen.source}: every layer of {path} is skipped; leave one in")
    elif made_for := spec_for(digest):
        notes.append(Note(f"read as it is; a network spec was made for this file: --spec {made_for}"))
    layers = [_layer(f"{path}: layer {r.name!r}", r, conversion) for r in raw]
    return Contents(name, layers, unmapped, notes, digest)


def _bundled() -> dict[str, Path]:
    folder = resources.files("hd_plugin") / "networks"
    if not folder.is_dir():
        return {}
    return {p.name[:-4]: Path(str(p)) for p in folder.iterdir() if p.name.endswith(".npz")}


def locate(source: str | Path) -> Path:
    """The file that ``source`` means: an existing path first, then a bundled name. InputError for neither."""
    path = Path(source)
    if path.is_file():
        return path
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name a weights file in it")
    bundled = _bundled()
    if str(source) in bundled:
        return bundled[str(source)]
    if path.suffix or len(path.parts) > 1 or isinstance(source, Path):
        raise InputError(f"{path}: no such file")
    raise InputError(
        f"network {str(source)!r}: neither a file nor a bundled network; {did_you_mean(str(source), bundled)}"
    )


def _layer(where: str, raw: RawLayer, conversion: Conversion) -> Layer:
    values, bits, number_format = raw.values, conversion.bits, conversion.number_format
    if values.size == 0:
        raise InputError(f"{where}: weights of shape {list(values.shape)} found; every size must be above 0")
    if values.dtype.kind == "f":
        if conversion.keep_integers:
            raise InputError(
                f"{where}: keep_integers=True, but the file holds {values.dtype}; use keep_integers=False"
            )
    else:
        integers = values.astype(np.int64) - _along_k(raw.zero_point, values.ndim)
        half = 1 << (bits - 1)
        low = -half + (number_format == "sign_magnitude")
        fits = integers.min() >= low and integers.max() < half
        if conversion.keep_integers and not fits:
            raise InputError(
                f"{where}: integers from {integers.min()} to {integers.max()} do not fit {bits}-bit "
                f"{number_format} ({low} to {half - 1}); use keep_integers=False or more bits"
            )
        if fits and conversion.keep_integers is not False:
            return Layer.from_values(
                raw.name, integers, bits, number_format, scale=raw.scale, output_hw=raw.output_hw
            )
        assert raw.scale is not None  # integers come with one
        values = integers * _along_k(raw.scale, values.ndim)
    integers, scale = quantise(values, bits, per_channel=conversion.per_channel, where=where)
    return Layer.from_values(
        raw.name, integers, bits, number_format, scale=scale, output_hw=raw.output_hw, weights=values
    )


def _along_k(numbers: np.ndarray | int, ndim: int) -> np.ndarray:
    """[] or [K] -> an array that broadcasts along the first of ``ndim`` axes."""
    numbers = np.asarray(numbers)
    return numbers.reshape((-1,) + (1,) * (ndim - 1)) if numbers.ndim else numbers
