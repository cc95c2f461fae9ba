"""safetensors files: keys NAME.weight, in the order of the header; a network in several by its index."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import numpy as np

from hd_plugin._guard import read_bytes, why
from hd_plugin._parsed import parse_json
from hd_plugin._wording import shown
from hd_plugin.errors import InputError
from hd_plugin.weights._readers._raw import DAMAGE, RawFile, need
from hd_plugin.weights._readers._state import Tensor, from_state

__all__ = ["INDEX", "read", "read_index"]

INDEX = ".safetensors.index.json"
_KINDS = {"F64": "f", "F32": "f", "F16": "f", "BF16": "f"} | {
    f"{sign}{bits}": kind for sign, kind in (("I", "i"), ("U", "u")) for bits in (8, 16, 32, 64)
}
_SHARD = re.compile(r"(.*)-(\d+)-of-(\d+)\.safetensors")


def read(path: Path) -> RawFile:
    """Layers in header order: keys ending in ``.weight`` with 2 or 4 dimensions; bfloat16 becomes float32.

    Only the header is read now. Raises InputError on a damaged file, and for one part of several (the index
    tells the whole); MissingTool without safetensors.
    """
    part = _SHARD.fullmatch(path.name)
    if part and int(part[3]) > 1:
        index = path.with_name(part[1] + INDEX)
        whole = (
            f"name {index}" if index.is_file() else f"{index.name}, which names all parts, is not beside it"
        )
        raise InputError(f"{path}: is part {int(part[2])} of {int(part[3])} of a network; {whole}")
    return from_state(path, _tensors(path, need("safetensors", "safetensors")))


def read_index(path: Path) -> RawFile:
    """The network whose tensors lie in several files beside an index ``NAME.safetensors.index.json``.

    Raises InputError when a file or a tensor that the index names is missing; MissingTool without
    safetensors.
    """
    library, parts = need("safetensors", "safetensors"), _parts(path)
    files = [path.with_name(name) for name in sorted(set(parts.values()))]
    if missing := [file.name for file in files if not file.is_file()]:
        raise InputError(f"{path}: {_some(missing)} of {len(files)} files missing beside it; fetch them")
    tensors: dict[str, Tensor] = {}
    for file in files:
        found = _tensors(file, library)
        if twice := sorted(set(found) & set(tensors)):
            raise InputError(f"{file}: {_some(twice)} found in another part too")
        tensors |= found
    if absent := sorted(set(parts) - set(tensors)):
        raise InputError(f"{path}: {_some(absent)} named, but found in no part")
    whole = from_state(path, tensors)
    return RawFile(whole.layers, whole.unmapped, whole.notes, (path, *files))


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _parts(path: Path) -> dict[str, str]:
    """File name by tensor, as the index has it."""
    told = parse_json(read_bytes(path), path, "an index of safetensors files is needed")
    parts = told.get("weight_map") if isinstance(told, dict) else None
    if not isinstance(parts, dict) or not parts:
        raise InputError(f"{path}: weight_map: missing; it names a file for every tensor")
    for key, name in parts.items():
        plain = isinstance(name, str) and Path(name).name == name and name.endswith(".safetensors")
        if not plain:
            raise InputError(
                f"{path}: weight_map: {shown(key)}: {shown(name)} found; a .safetensors file beside it is "
                "needed"
            )
    return parts


def _tensors(path: Path, library: ModuleType) -> dict[str, Tensor]:
    try:
        with library.safe_open(path, framework="numpy"):  # checks the header, offsets and sizes
            header, start = _header(path)
        return {key: _tensor(path, library, key, about, start) for key, about in header.items()}
    except InputError:
        raise
    except (*DAMAGE, library.SafetensorError) as error:
        raise InputError(
            f"{path}: not a readable safetensors file ({why(error)}); is the download complete?"
        ) from error


def _tensor(path: Path, library: ModuleType, key: str, about: dict, start: int) -> Tensor:
    def load() -> np.ndarray:
        if about["dtype"] == "BF16":
            return _bfloat16(path, start, about)
        with library.safe_open(path, framework="numpy") as file:
            return file.get_tensor(key)

    return Tensor(tuple(about["shape"]), _KINDS.get(about["dtype"], about["dtype"]), load)


def _header(path: Path) -> tuple[dict[str, dict], int]:
    """The header in file order, which the library does not keep, and where the data starts (bytes)."""
    with open(path, "rb") as stream:
        size = int.from_bytes(stream.read(8), "little")
        header = parse_json(stream.read(size), path, "is the download complete?")
    header.pop("__metadata__", None)
    return header, 8 + size


def _bfloat16(path: Path, start: int, about: dict) -> np.ndarray:
    """bfloat16 is the upper half of a float32; NumPy has no such type, so the library cannot load it."""
    first, last = about["data_offsets"]
    with open(path, "rb") as stream:
        stream.seek(start + first)
        half = np.frombuffer(stream.read(last - first), dtype="<u2")
    return (half.astype(np.uint32) << 16).view(np.float32).reshape(about["shape"])
