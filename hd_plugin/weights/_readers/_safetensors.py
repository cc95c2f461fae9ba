"""safetensors files: keys NAME.weight, in the order of the header."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from hd_plugin.errors import InputError
from hd_plugin.weights._readers._raw import DAMAGE, RawLayer, from_state, need
from hd_plugin.weights._told import Unmapped

__all__ = ["read"]

_DTYPES = ("F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8")


def read(path: Path) -> tuple[list[RawLayer], list[Unmapped]]:
    """Layers in header order: keys ending in ``.weight`` with 2 or 4 dimensions; bfloat16 becomes float32.

    Raises InputError on a damaged file or a type without a NumPy equivalent; MissingTool without safetensors.
    """
    library = need("safetensors", "safetensors")
    try:
        with library.safe_open(path, framework="numpy") as file:  # checks the header, offsets and sizes
            header, start = _header(path)
            entries = []
            for key, about in header.items():
                if not key.endswith(".weight") or len(about["shape"]) not in (2, 4):
                    continue
                if about["dtype"] not in _DTYPES:
                    raise InputError(
                        f"{path}: {key} has type {about['dtype']}; known: {', '.join(_DTYPES)}; "
                        "convert it to float32"
                    )
                values = _bfloat16(path, start, about) if about["dtype"] == "BF16" else file.get_tensor(key)
                entries.append((key.removesuffix(".weight"), values))
    except InputError:
        raise
    except (*DAMAGE, library.SafetensorError) as error:
        raise InputError(
            f"{path}: not a readable safetensors file ({type(error).__name__}: {error}); "
            "is the download complete?"
        ) from error
    return from_state(path, entries)


def _header(path: Path) -> tuple[dict[str, dict], int]:
    """The header in file order, which the library does not keep, and where the data starts (bytes)."""
    with open(path, "rb") as stream:
        size = int.from_bytes(stream.read(8), "little")
        header = json.loads(stream.read(size))
    header.pop("__metadata__", None)
    return header, 8 + size


def _bfloat16(path: Path, start: int, about: dict) -> np.ndarray:
    """bfloat16 is the upper half of a float32; NumPy has no such type, so the library cannot load it."""
    first, last = about["data_offsets"]
    with open(path, "rb") as stream:
        stream.seek(start + first)
        half = np.frombuffer(stream.read(last - first), dtype="<u2")
    return (half.astype(np.uint32) << 16).view(np.float32).reshape(about["shape"])
