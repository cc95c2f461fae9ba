"""``load_network``: a weights file, or a network that comes with the package -> a Network of Layers."""

from __future__ import annotations

import hashlib
from importlib import resources
from pathlib import Path

import numpy as np

from hd_plugin.bits import NUMBER_FORMATS, NumberFormat, check_bits
from hd_plugin.errors import InputError, did_you_mean
from hd_plugin.weights._quantise import quantise
from hd_plugin.weights._readers import RawLayer, reader_for
from hd_plugin.weights._spec import apply_spec, find_spec, load_spec
from hd_plugin.weights.network import Layer, Network

__all__ = ["bundled_networks", "load_network", "locate"]


def bundled_networks() -> list[str]:
    """Names that ``load_network`` takes beside paths: the files hd_plugin/networks/NAME.npz, sorted."""
    return sorted(_bundled())


def load_network(
    source: str | Path,
    *,
    bits: int = 4,
    number_format: NumberFormat = "twos_complement",
    per_channel: bool = False,
    keep_integers: bool | None = None,
    spec: str | Path | None = None,
    layers: list[str] | None = None,
) -> Network:
    """Read the weights of a network as ``bits``-wide bit patterns, layers in network order.

    source : a .npz, .safetensors, .pt, .pth, .th, .tflite or .onnx file, or one of ``bundled_networks()``.
    per_channel : one scale for each output channel where weights are (re)quantised, not one per tensor.
    keep_integers : True takes a file's integers (less their zero point) as they are, and they must fit ``bits``;
        False dequantises and requantises them; None keeps them, layer by layer, where they fit.
    spec : a YAML network spec or the name of one in ``layers/``; None applies a bundled spec only when it was made
        for this very file (by SHA-256); "none" applies none.
    layers : names of the layers to keep; None keeps all.

    Raises InputError for a file or an argument that cannot be used, MissingTool when the file's kind needs a
    library that is not installed.
    """
    check_bits(bits)
    if number_format not in NUMBER_FORMATS:
        raise InputError(
            f"number_format: {number_format!r} is unknown; {did_you_mean(number_format, NUMBER_FORMATS)}"
        )
    path = locate(source)
    raw, unmapped = reader_for(path)(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
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
    chosen = None if spec == "none" else find_spec(digest) if spec is None else load_spec(spec)
    if chosen is not None:
        raw, unmapped = apply_spec(chosen, raw, unmapped, str(path))
        if not raw:
            raise InputError(f"{chosen.source}: every layer of {path} is skipped; leave one in")
    done = [_layer(path, r, bits, number_format, per_channel, keep_integers) for r in raw]
    network = Network(chosen.network if chosen else path.stem, done, unmapped, str(path), digest)
    return network.select(layers)


def _bundled() -> dict[str, Path]:
    folder = resources.files("hd_plugin") / "networks"
    if not folder.is_dir():
        return {}
    return {p.name[:-4]: Path(str(p)) for p in folder.iterdir() if p.name.endswith(".npz")}


def locate(source: str | Path) -> Path:
    """The file that ``source`` means: an existing path first, then a bundled name. Raises InputError when it is neither."""
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


def _layer(
    path: Path, raw: RawLayer, bits: int, number_format: NumberFormat, per_channel: bool, keep: bool | None
) -> Layer:
    where = f"{path}: layer {raw.name!r}"
    values = raw.values
    if values.size == 0:
        raise InputError(f"{where}: weights of shape {list(values.shape)} found; every size must be above 0")
    if values.dtype.kind == "f":
        if keep:
            raise InputError(
                f"{where}: keep_integers=True, but the file holds {values.dtype}; use keep_integers=False"
            )
    else:
        integers = values.astype(np.int64) - _along_k(raw.zero_point, values.ndim)
        half = 1 << (bits - 1)
        low = -half + (number_format == "sign_magnitude")
        fits = integers.min() >= low and integers.max() < half
        if keep and not fits:
            raise InputError(
                f"{where}: integers from {integers.min()} to {integers.max()} do not fit {bits}-bit "
                f"{number_format} ({low} to {half - 1}); use keep_integers=False or more bits"
            )
        if fits and keep is not False:
            return Layer.from_values(
                raw.name, integers, bits, number_format, scale=raw.scale, output_hw=raw.output_hw
            )
        values = integers * _along_k(raw.scale, values.ndim)
    integers, scale = quantise(values, bits, per_channel=per_channel, where=where)
    return Layer.from_values(
        raw.name, integers, bits, number_format, scale=scale, output_hw=raw.output_hw, weights=values
    )


def _along_k(numbers: np.ndarray | int, ndim: int) -> np.ndarray:
    """[] or [K] -> an array that broadcasts along the first of ``ndim`` axes."""
    numbers = np.asarray(numbers)
    return numbers.reshape((-1,) + (1,) * (ndim - 1)) if numbers.ndim else numbers
