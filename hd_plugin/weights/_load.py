"""A weights file, or a network that comes with the package -> layers of bit patterns."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from hd_plugin._guard import check_unpacked
from hd_plugin._wording import printable
from hd_plugin.bits import NumberFormat, check_bits
from hd_plugin.errors import InputError, did_you_mean
from hd_plugin.weights._layer import Layer
from hd_plugin.weights._quantise import quantise
from hd_plugin.weights._readers import INDEX, READERS, RawFile, RawLayer, Stored, read_memory, reader_for
from hd_plugin.weights._sizes import with_sizes
from hd_plugin.weights._spec import NetworkSpec, apply_spec, load_spec, spec_for
from hd_plugin.weights._told import Note, Unmapped

__all__ = [
    "Asked",
    "Contents",
    "Conversion",
    "as_layer",
    "bundled_networks",
    "locate",
    "read_file",
    "read_weights",
]


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


@dataclass(frozen=True)
class Asked:
    """What of a file is read, and how large it is taken: arguments of ``load_network`` of the same names."""

    spec: str | Path | None = None
    layers: tuple[str, ...] | None = None
    tokens: int | None = None


@dataclass(frozen=True, eq=False)
class Contents:
    """A weights file: layers in network order, what is told beside them, and the SHA-256 of its bytes."""

    name: str
    layers: list[Layer]
    unmapped: list[Unmapped]
    notes: list[Note]
    digest: str


def read_file(path: Path, conversion: Conversion, asked: Asked) -> Contents:
    """What is asked for of a weights file: only those layers are read, rounded and held.

    Raises what ``load_network`` raises.
    """
    found = reader_for(path)(path).printable()
    files = found.files or (path,)
    name = printable(path.parent.resolve().name if len(files) > 1 else path.stem)
    packed = sum(file.stat().st_size for file in files)
    return _contents(path, found, conversion, asked, name=name, digest=_digest(files), packed=packed)


def read_weights(source: Any, conversion: Conversion, asked: Asked) -> Contents:
    """The same of weights in memory; their digest is of names, shapes and numbers.

    Raises what ``load_network`` raises.
    """
    name = type(source).__name__ if hasattr(source, "state_dict") else "arrays"
    found = read_memory(source, Path(name))
    return _contents(Path(name), found, conversion, asked, name=name, digest=_digest_of(name, found.layers))


def _contents(
    where: Path,
    found: RawFile,
    conversion: Conversion,
    asked: Asked,
    *,
    name: str,
    digest: str,
    packed: int = 0,
) -> Contents:
    """What is asked for of all that was found; ``where`` is what errors name.

    packed : bytes of its files, where it is from files.

    Raises what ``load_network`` raises.
    """
    raw, unmapped, notes = _checked(where, found), list(found.unmapped), list(found.notes)
    named = set(asked.layers or ())
    if asked.spec is not None:
        spec = load_spec(asked.spec)
        raw, unmapped, told = apply_spec(spec, raw, unmapped, where)
        turned = {la.name for la in spec.layers if la.transposed is not None}
        notes = [n for note in notes if (n := note.among({la.name for la in raw} - turned))] + told
        named, name = named | {la.name for la in spec.layers}, spec.network
        _check_tokens(spec, raw, asked.tokens)
        if not raw:
            raise InputError(f"{spec.source}: every layer of {where} is skipped; leave one in")
    elif made_for := spec_for(digest):
        notes.append(Note(f"read as it is; a network spec was made for this file: --spec {made_for}"))
    streamed = [la for la in raw if not la.aside or la.name in named]
    unmapped += [Unmapped(la.name, la.aside, la.shape) for la in raw if la.aside and la.name not in named]
    for one in asked.layers or ():
        _check_name(where, one, raw, unmapped)
    chosen = [la for la in streamed if asked.layers is None or la.name in named & set(asked.layers)]
    if not chosen:
        raise InputError(f"{where}: no convolution or linear layer that can be mapped{_why(unmapped)}")
    chosen, sized = with_sizes(chosen, asked.tokens)
    if packed:
        elements = sum(math.prod(la.shape) for la in chosen)  # several layers may share their numbers
        check_unpacked(where, packed, elements)
    layers = [_layer(f"{where}: layer {la.name!r}", la, conversion) for la in chosen]
    kept = {la.name for la in layers}
    notes = [n for note in notes + sized if (n := note.among(kept))]
    return Contents(name, layers, unmapped, notes, digest)


def _checked(path: Path, found: RawFile) -> list[RawLayer]:
    names = [la.name for la in found.layers]
    if len(set(names)) < len(names):
        twice = sorted({n for n in names if names.count(n) > 1})
        raise InputError(f"{path}: layer {twice[0]!r} is found twice; give each layer its own name")
    if not names:
        raise InputError(f"{path}: no convolution or linear layer that can be mapped{_why(found.unmapped)}")
    return found.layers


def _check_tokens(spec: NetworkSpec, raw: list[RawLayer], tokens: int | None) -> None:
    """Raises InputError where the spec and ``tokens`` both give the size of a linear layer."""
    linear = {la.name for la in raw if len(la.shape) == 2}
    twice = [la.name for la in spec.layers if la.output_hw and la.name in linear]
    if tokens is not None and twice:
        raise InputError(f"tokens: {tokens} given, and {spec.source} has a size for {twice[0]!r}; keep one")


def _why(unmapped: list[Unmapped]) -> str:
    found = "; ".join(f"{u.name}: {u.reason}" for u in unmapped[:3])
    return f" ({len(unmapped)} unmapped: {found})" if found else "; is it a weights file?"


def _check_name(path: Path, name: str, raw: list[RawLayer], unmapped: list[Unmapped]) -> None:
    """Raises InputError for a layer that is not there, or not mapped, with its reason."""
    names = [la.name for la in raw]
    if name not in names:
        reason = next((u.reason for u in unmapped if u.name == name), None)
        why = f"layer {name!r} is not mapped: {reason}" if reason else f"no layer {name!r}"
        raise InputError(f"{path}: {why}; {did_you_mean(name, names)}")


def _digest(files: tuple[Path, ...]) -> str:
    """SHA-256 of a file's bytes; of several files, of their names and digests."""
    digests = {}
    for path in files:
        found = hashlib.sha256()
        with open(path, "rb") as file:
            while part := file.read(1 << 20):
                found.update(part)
        digests[path.name] = found.hexdigest()
    if len(files) == 1:
        return digests[files[0].name]
    lines = "".join(f"{name} {digest}\n" for name, digest in digests.items())
    return hashlib.sha256(lines.encode()).hexdigest()


def _digest_of(name: str, layers: list[RawLayer]) -> str:
    found = hashlib.sha256()
    for la in layers:
        values = np.ascontiguousarray(la.stored(f"{name}: layer {la.name!r}").values)
        found.update(f"{la.name}|{values.shape}|{values.dtype.str}|".encode())
        found.update(values.tobytes())
    return found.hexdigest()


def _bundled() -> dict[str, Path]:
    folder = resources.files("hd_plugin") / "networks"
    if not folder.is_dir():
        return {}
    return {p.name[:-4]: Path(str(p)) for p in folder.iterdir() if p.name.endswith(".npz")}


def locate(source: str | Path) -> Path:
    """The file that ``source`` means: an existing path first, then a bundled name.

    A folder means its one weights file, or the index of a network in several. InputError for neither.
    """
    path = Path(source)
    if path.is_file():
        return path
    if path.is_dir():
        return _within(path)
    bundled = _bundled()
    if str(source) in bundled:
        return bundled[str(source)]
    if path.suffix or len(path.parts) > 1 or isinstance(source, Path):
        raise InputError(f"{path}: no such file")
    raise InputError(
        f"network {str(source)!r}: neither a file nor a bundled network; {did_you_mean(str(source), bundled)}"
    )


def _within(folder: Path) -> Path:
    """The weights file of a folder. Raises InputError where there is none, or not one."""
    files = sorted(p for p in folder.iterdir() if p.is_file())
    found = [p for p in files if p.name.endswith(INDEX)] or [p for p in files if p.suffix.lower() in READERS]
    if len(found) == 1:
        return found[0]
    names = ", ".join(p.name for p in found[:4]) + (" ..." if len(found) > 4 else "")
    told = f"{len(found)} weights files ({names})" if found else "no weights file"
    raise InputError(f"{folder}: is a folder with {told}; name one file or an index")


def as_layer(
    weights: Layer | np.ndarray,
    *,
    name: str = "array",
    bits: int = 4,
    number_format: NumberFormat = "twos_complement",
    per_channel: bool = False,
) -> Layer:
    """One layer from an array of weights [K, C, Fy, Fx] or [K, C]; a Layer as it is.

    Floats are quantised to ``bits``, with one step per tensor or per output channel. Integers stream as they
    are. Raises InputError when integers do not fit ``bits``, and for an array of another shape or type, or
    with numbers that are not finite.
    """
    if isinstance(weights, Layer):
        return weights
    values = np.asarray(weights)
    if values.dtype.kind not in "fiu" or values.ndim not in (2, 4):
        raise InputError(
            f"{name}: an array of {values.dtype} and shape {list(values.shape)} found; real numbers of shape "
            "[K, C, Fy, Fx] or [K, C] are needed"
        )
    size = (1, 1) if values.ndim == 2 else None
    raw = RawLayer(name, values.shape, lambda: Stored(values), size)
    keep = None if values.dtype.kind == "f" else True
    try:
        return _layer(name, raw, Conversion(check_bits(bits), number_format, per_channel, keep))
    except InputError as error:
        told = str(error).replace("use keep_integers=False or more bits", "as_layer(weights, bits=8), say")
        raise InputError(told) from error


def _layer(where: str, raw: RawLayer, conversion: Conversion) -> Layer:
    stored = raw.stored(where)
    values, bits, number_format = stored.values, conversion.bits, conversion.number_format
    rest = {"output_hw": raw.output_hw, "window": raw.window}
    if values.dtype.kind == "f":
        if conversion.keep_integers:
            raise InputError(
                f"{where}: keep_integers=True, but the file holds {values.dtype}; use keep_integers=False"
            )
    else:
        integers = values.astype(np.int64) - _along_k(stored.zero_point, values.ndim)
        half = 1 << (bits - 1)
        low = -half + (number_format == "sign_magnitude")
        fits = integers.min() >= low and integers.max() < half
        if conversion.keep_integers and not fits:
            raise InputError(
                f"{where}: integers from {integers.min()} to {integers.max()} do not fit {bits}-bit "
                f"{number_format} ({low} to {half - 1}); use keep_integers=False or more bits"
            )
        if fits and conversion.keep_integers is not False:
            return Layer.from_values(raw.name, integers, bits, number_format, scale=stored.scale, **rest)
        values = integers * _along_k(stored.scale, values.ndim)
    integers, scale = quantise(values, bits, per_channel=conversion.per_channel, where=where)
    return Layer.from_values(raw.name, integers, bits, number_format, scale=scale, weights=values, **rest)


def _along_k(numbers: object, ndim: int) -> np.ndarray:
    """[] or [K] -> an array that broadcasts along the first of ``ndim`` axes."""
    found = np.asarray(numbers)
    return found.reshape((-1,) + (1,) * (ndim - 1)) if found.ndim else found
