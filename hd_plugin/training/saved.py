"""Networks on disk: integers, steps, output sizes and everything else that a network needs to run."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from hd_plugin._atomic import atomic_path
from hd_plugin.errors import InputError
from hd_plugin.training.quantised import fake_of, quantised_layers

__all__ = ["load_into", "save_network"]


def save_network(path: Path, model: nn.Module, output_hw: dict[str, tuple[int, int]]) -> None:
    """Integers, steps and output sizes of the quantised layers, and all other parameters and buffers, as one .npz."""
    arrays: dict[str, np.ndarray] = {}
    layers = quantised_layers(model)
    for name, module in layers.items():
        fake = fake_of(module)
        arrays[f"{name}.weight"] = fake.integers(module.parametrizations.weight.original).detach().cpu().numpy().astype(np.int8)
        arrays[f"{name}.scale"] = fake.scale.cpu().numpy().astype(np.float64).reshape(-1) if fake.per_channel else np.float64(fake.scale.item())
        arrays[f"{name}.output_hw"] = np.array(output_hw[name], np.int32)
    for key, value in model.state_dict().items():
        if ".parametrizations." not in f".{key}" and not key.endswith("num_batches_tracked"):
            arrays[key] = value.cpu().numpy()
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, **arrays)


def load_into(model: nn.Module, path: str | Path) -> nn.Module:
    """``model`` with the weights of a file that ``save_network`` wrote (integers * step), or of a PyTorch state file.

    A state file may hold the state under "state_dict" or "model_state_dict", and names may start with "module.". Raises
    InputError when the file does not hold this network.
    """
    state = _torch_state(Path(path)) if Path(path).suffix != ".npz" else _numpy_state(Path(path))
    missing, unexpected = model.load_state_dict(state, strict=False)
    wrong = [k for k in missing if not k.endswith("num_batches_tracked")] + list(unexpected)
    if wrong:
        raise InputError(f"{path}: does not hold this network; missing or unexpected: {', '.join(wrong[:5])}")
    return model.eval()


def _numpy_state(path: Path) -> dict[str, torch.Tensor]:
    state = {}
    with np.load(path, allow_pickle=False) as arrays:
        for key in arrays.files:
            name, _, kind = key.rpartition(".")
            if kind in ("scale", "output_hw"):
                continue
            value = arrays[key].astype(np.float32)
            if kind == "weight" and f"{name}.scale" in arrays.files:
                step = arrays[f"{name}.scale"]
                value = value * (step.reshape((-1,) + (1,) * (value.ndim - 1)) if step.ndim else step)
            state[key] = torch.from_numpy(np.asarray(value, np.float32))
    return state


def _torch_state(path: Path) -> dict[str, torch.Tensor]:
    try:
        data = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:                      # torch raises many kinds for a file that is none
        raise InputError(f"{path}: not a PyTorch state file ({error})") from error
    for key in ("state_dict", "model_state_dict"):
        data = data.get(key, data) if isinstance(data, dict) else data
    if not isinstance(data, dict) or not all(isinstance(v, torch.Tensor) for v in data.values()):
        raise InputError(f"{path}: holds no state of tensors by name")
    return {key.removeprefix("module."): value for key, value in data.items()}
