"""PyTorch state dicts (.pt, .pth, .th), read without running anything that the pickle asks for."""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from pathlib import Path

from hd_plugin.errors import InputError
from hd_plugin.weights._readers._raw import DAMAGE, RawLayer, from_state, need
from hd_plugin.weights._told import Unmapped

__all__ = ["read"]

_NESTED = ("state_dict", "model_state_dict", "model", "net")
_SAVE = "torch.save(model.state_dict(), path)"


def read(path: Path) -> tuple[list[RawLayer], list[Unmapped]]:
    """Layers in file order: keys ending in ``.weight`` with 2 or 4 dimensions; ``module.`` is stripped.

    The state dict may lie under ``state_dict``, ``model_state_dict``, ``model`` or ``net``. bfloat16, float16
    and quantised tensors become float32. Raises InputError for a damaged file, a whole pickled Module or a
    pickle that asks for code; MissingTool without PyTorch.
    """
    torch = need("torch", "hd_plugin[torch]")
    state = _state_dict(path, _load(path, torch), torch)
    tensors = {k: v for k, v in state.items() if isinstance(k, str) and isinstance(v, torch.Tensor)}
    prefix = "module." if tensors and all(k.startswith("module.") for k in tensors) else ""
    entries = []
    for key, tensor in tensors.items():
        name = key[len(prefix) :].removesuffix(".weight")
        if not key.endswith(".weight") or tensor.ndim not in (2, 4):
            continue
        if tensor.is_complex() or tensor.layout != torch.strided or tensor.device.type == "meta":
            raise InputError(
                f"{path}: {key} is {tensor.dtype} ({tensor.layout}, {tensor.device}); a dense real tensor "
                "is needed"
            )
        if tensor.is_quantized:
            tensor = tensor.dequantize()
        elif tensor.is_floating_point() and tensor.dtype != torch.float64:
            tensor = tensor.float()
        entries.append((name, tensor.detach().numpy()))
    return from_state(path, entries)


def _load(path: Path, torch) -> object:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
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
            f"{path}: not a readable PyTorch file ({type(error).__name__}: {str(error)[:200]}); "
            f"save the weights with {_SAVE}"
        ) from error


def _state_dict(path: Path, found: object, torch) -> Mapping:
    if isinstance(found, Mapping):
        for key in _NESTED:
            if isinstance(found.get(key), Mapping):
                return found[key]
        if any(isinstance(v, torch.Tensor) for v in found.values()):
            return found
        raise InputError(
            f"{path}: no state dict found; keys {list(found)[:8]}; it is looked for at the top and under "
            f"{', '.join(_NESTED)}; save it with {_SAVE}"
        )
    raise InputError(f"{path}: a {type(found).__name__} found, not a state dict; save it with {_SAVE}")
