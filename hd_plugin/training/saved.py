"""Networks on disk: integers, steps, output sizes and everything else that a network needs to run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import nn

from hd_plugin._npz import open_npz
from hd_plugin._wording import shown
from hd_plugin.errors import InputError
from hd_plugin.training.quantised import quantised_layers
from hd_plugin.weights import Layer, load_plain, save_layers

__all__ = ["load_into", "load_layers", "save_network"]


def save_network(
    path: Path,
    model: nn.Module,
    layers: Iterable[Layer],
    output_hw: Mapping[str, tuple[int, int]] | None = None,
) -> None:
    """One .npz with the integers, steps and output sizes of ``layers`` and all other parameters and buffers.

    output_hw : by module, for those that are no layer (grouped convolutions).
    """
    extra = {
        key: value.cpu().numpy()
        for key, value in model.state_dict().items()
        if not key.endswith("num_batches_tracked") and ".parametrizations." not in f".{key}"
    }
    layers, sizes = list(layers), dict(output_hw or {})
    for layer in layers:
        extra.pop(f"{layer.name}.weight", None)
        sizes.pop(layer.name, None)
    extra |= {f"{name}.output_hw": np.array(size, np.int32) for name, size in sizes.items()}
    save_layers(path, layers, extra)


def load_into(model: nn.Module, path: str | Path) -> nn.Module:
    """``model`` with the weights of a file of ``save_network`` (integers * step), or of a PyTorch state file.

    A state file may hold the state under "state_dict" or "model_state_dict", and names may start with
    "module.". Raises InputError when the file does not hold this network.
    """
    state = _torch_state(Path(path)) if Path(path).suffix != ".npz" else _numpy_state(Path(path))
    shapes = {
        key: value.shape for key, value in model.state_dict().items() if isinstance(value, torch.Tensor)
    }
    # layers are saved with four dimensions, linear ones too
    state = {
        k: v.flatten(1) if v.dim() == 4 and k in shapes and len(shapes[k]) == 2 else v
        for k, v in state.items()
    }
    wrong = [
        f"{k}: {list(v.shape)} found, {list(shapes[k])} needed"
        for k, v in state.items()
        if k in shapes and v.shape != shapes[k]
    ]
    wrong += [f"{k}: not in the network" for k in state if k not in shapes]
    wrong += [f"{k}: missing" for k in shapes if k not in state and not k.endswith("num_batches_tracked")]
    if wrong:
        raise InputError(
            f"{path}: does not hold this network: {'; '.join(wrong[:5])}{' ...' if len(wrong) > 5 else ''}"
        )
    model.load_state_dict(state, strict=False)
    return model.eval()


@torch.no_grad()
def load_layers(model: nn.Module, layers: Iterable[Layer]) -> nn.Module:
    """``model`` (unquantised) with the rounded weights of ``layers``.

    Raises InputError for a layer that the model lacks.
    """
    modules = quantised_layers(model)
    for layer in layers:
        shape = modules[layer.name].weight.shape if layer.name in modules else ()
        if (*shape, 1, 1)[:4] != layer.codes.shape:
            raise InputError(f"layer {layer.name!r}: the model has no such layer, or one of another size")
        weight = torch.from_numpy(np.asarray(layer.values * layer.steps, np.float32))
        modules[layer.name].weight.copy_(weight.reshape(shape))
    return model


def _numpy_state(path: Path) -> dict[str, torch.Tensor]:
    state = {}
    with open_npz(path) as archive:
        if archive.foreign:
            raise InputError(f"{path}: member {shown(archive.foreign[0])}: no array; a network has none such")
        arrays = dict(archive)
    for key in arrays:
        name, _, kind = key.rpartition(".")
        if kind in ("scale", "output_hw"):
            continue
        if arrays[key].dtype.kind not in "biuf":
            raise InputError(f"{path}: {shown(key)}: {arrays[key].dtype} found; numbers are needed")
        value = np.asarray(arrays[key], np.float32)
        if kind == "weight" and f"{name}.scale" in arrays:
            step = arrays[f"{name}.scale"]
            if not value.ndim or step.dtype.kind not in "iuf" or step.shape not in ((), value.shape[:1]):
                raise InputError(
                    f"{path}: {shown(name)}: scale {step.dtype}{list(step.shape)} found; one number, or one "
                    "for each output channel, is needed"
                )
            value = value * (step.reshape((-1,) + (1,) * (value.ndim - 1)) if step.ndim else step)
        state[key] = torch.from_numpy(np.asarray(value, np.float32))
    return state


def _torch_state(path: Path) -> dict[str, torch.Tensor]:
    data = load_plain(path, "save it with torch.save(model.state_dict(), path)")
    for key in ("state_dict", "model_state_dict"):
        data = data.get(key, data) if isinstance(data, dict) else data
    if not isinstance(data, dict) or not all(isinstance(v, torch.Tensor) for v in data.values()):
        raise InputError(f"{path}: holds no state of tensors by name")
    return {key.removeprefix("module."): value for key, value in data.items()}
