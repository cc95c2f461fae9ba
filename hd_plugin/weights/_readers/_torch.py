"""PyTorch state dicts (.pt, .pth, .th), read without running anything that the pickle asks for."""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hd_plugin._guard import why
from hd_plugin._wording import shown
from hd_plugin.errors import InputError
from hd_plugin.weights._readers._plain_torch import check_archive, check_tensors, opened
from hd_plugin.weights._readers._raw import DAMAGE, RawFile, need
from hd_plugin.weights._readers._state import Tensor, from_state
from hd_plugin.weights._told import Note, Unmapped

__all__ = ["from_tensors", "read"]

_NESTED = ("state_dict", "model_state_dict", "model", "net")
_SAVE = "torch.save(model.state_dict(), path)"


def read(path: Path) -> RawFile:
    """Layers in file order: keys ending in ``.weight`` with 2 or 4 dimensions; ``module.`` is stripped.

    The state dict may lie under ``state_dict``, ``model_state_dict``, ``model`` or ``net``. bfloat16, float16
    and quantised tensors become float32. Raises InputError for a damaged file, a whole pickled Module or a
    pickle that asks for code; MissingTool without PyTorch.
    """
    torch = need("torch", "hd_plugin[torch]")
    check_archive(path, f"save it with {_SAVE}")
    state, notes = _state_dict(path, _load(path, torch), torch)
    check_tensors(path, state, f"save it with {_SAVE}")
    read = from_tensors(path, state, torch)
    return RawFile(read.layers, read.unmapped, notes + read.notes)


def from_tensors(path: Path, state: Mapping, torch: Any) -> RawFile:
    """The layers of a state dict; ``path`` is what errors name."""
    found = {str(k): v for k, v in state.items()}
    if len(found) < len(state):
        raise InputError(f"{path}: two keys of one name; save it with {_SAVE}")
    tensors = {k: v for k, v in found.items() if isinstance(v, torch.Tensor)}
    prefix = "module." if tensors and all(k.startswith("module.") for k in tensors) else ""
    read = from_state(path, {k[len(prefix) :]: _tensor(path, v, torch) for k, v in tensors.items()})
    rest = [Unmapped(k, f"no tensor but a {type(v).__name__}") for k, v in found.items() if k not in tensors]
    return RawFile(read.layers, read.unmapped + rest, read.notes)


def _tensor(path: Path, tensor: Any, torch: Any) -> Tensor:
    plain = tensor.layout == torch.strided and tensor.device.type != "meta" and not tensor.is_complex()
    real = tensor.is_floating_point() or tensor.is_quantized
    kind = "f" if real else "u" if tensor.dtype == torch.uint8 else "i"
    odd = tensor.dtype == torch.bool or not plain

    def load() -> np.ndarray:
        values = tensor.dequantize() if tensor.is_quantized else tensor
        if values.is_floating_point() and values.dtype != torch.float64:
            values = values.float()
        return values.detach().cpu().numpy()

    told = f"{tensor.dtype} ({tensor.layout}, {tensor.device})"
    return Tensor(tuple(tensor.shape), told if odd else kind, lambda: _guarded(path, load))


def _guarded(path: Path, load: Callable[[], np.ndarray]) -> np.ndarray:
    try:
        return load()
    except DAMAGE as error:
        raise InputError(f"{path}: a tensor cannot be read ({why(error)})") from error


def _load(path: Path, torch) -> object:
    try:
        # what a zip archive holds is read when it is used
        if zipfile.is_zipfile(path):
            return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        with opened(path) as file:
            return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        # The library's own text advises weights_only=False, which runs the pickle: never pass that advice on.
        asked = re.search(r"GLOBAL ([\w.]+)|(?:class|function|method) ([\w.]+)", str(error))
        if "nsupported" in str(error) or (asked and asked[1]):
            name = (asked[1] or asked[2]) if asked else "something else than tensors"
            raise InputError(
                f"{path}: refused: the pickle asks to run or build {name}, and only tensors are read; if it "
                f"is a whole model, save its weights alone: {_SAVE}"
            ) from None
        raise InputError(
            f"{path}: not a readable PyTorch file (damaged pickle, or one that is refused); "
            f"save the weights with {_SAVE}"
        ) from None
    except DAMAGE as error:
        if "TorchScript" in str(error):
            raise InputError(
                f"{path}: refused: a TorchScript archive holds code; save the weights alone: {_SAVE}"
            ) from None
        raise InputError(
            f"{path}: not a readable PyTorch file ({why(error)}); save the weights with {_SAVE}"
        ) from error


def _state_dict(path: Path, found: object, torch: Any) -> tuple[Mapping, list[Note]]:
    """The state dict, and what is told where it lies within something larger."""
    if isinstance(found, Mapping):
        for key in _NESTED:
            if isinstance(found.get(key), Mapping):
                others = ", ".join(str(k) for k in list(found)[:9] if k != key)
                told = f"the state dict under {key!r} is read; beside it in the file: {others}"
                return found[key], [Note(told)] if others else []
        if any(isinstance(v, torch.Tensor) for v in found.values()):
            return found, []
        raise InputError(
            f"{path}: no state dict found; keys {shown([str(k) for k in found])}; it is looked for at the "
            f"top and under {', '.join(_NESTED)}; save it with {_SAVE}"
        )
    raise InputError(f"{path}: a {type(found).__name__} found, not a state dict; save it with {_SAVE}")
