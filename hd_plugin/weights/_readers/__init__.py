"""One reader per file format; each imports its library only when it is called."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hd_plugin.errors import InputError, did_you_mean
from hd_plugin.weights._readers import _npz, _onnx, _safetensors, _tflite, _torch
from hd_plugin.weights._readers._memory import in_memory, read_memory
from hd_plugin.weights._readers._raw import RawFile, RawLayer, Stored

__all__ = ["INDEX", "READERS", "RawFile", "RawLayer", "Stored", "in_memory", "read_memory", "reader_for"]

INDEX = _safetensors.INDEX

Reader = Callable[[Path], RawFile]

READERS: dict[str, Reader] = {
    ".npz": _npz.read,
    ".safetensors": _safetensors.read,
    ".pt": _torch.read,
    ".pth": _torch.read,
    ".th": _torch.read,
    ".tflite": _tflite.read,
    ".onnx": _onnx.read,
}


def reader_for(path: Path) -> Reader:
    """The reader that the name of ``path`` asks for; InputError names the known suffixes otherwise."""
    if path.name.endswith(INDEX):
        return _safetensors.read_index
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        hint = did_you_mean(path.suffix, READERS) if path.suffix else "it has no suffix"
        raise InputError(
            f"{path}: no reader for this kind of file ({hint}); known suffixes: {', '.join(READERS)}, {INDEX}"
        )
    return reader
