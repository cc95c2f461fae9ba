"""Weights that are in memory already: arrays by name, a state dict, a PyTorch module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hd_plugin.weights._layer import Window
from hd_plugin.weights._readers import _torch
from hd_plugin.weights._readers._raw import DEPTHWISE, RawFile, RawLayer, need
from hd_plugin.weights._readers._state import Tensor, from_state
from hd_plugin.weights._told import Unmapped

__all__ = ["in_memory", "read_memory"]


def in_memory(source: object) -> bool:
    """Whether ``source`` holds weights itself: a mapping of arrays or tensors by name, or a module."""
    return isinstance(source, Mapping) or hasattr(source, "state_dict")


def read_memory(source: Any, where: Path) -> RawFile:
    """Layers in the order of the mapping, or of the module's state dict; ``where`` is what errors name.

    Arrays may have NAME.scale, NAME.zero_point and NAME.output_hw beside them, as in a .npz file. A module
    tells stride, padding and dilation of its convolutions, and which are grouped.
    """
    if hasattr(source, "state_dict"):
        found = _torch.from_tensors(where, source.state_dict(), need("torch", "hd_plugin[torch]"))
        return _with_windows(found, dict(source.named_modules()))
    if any(type(value).__module__.startswith("torch") for value in source.values()):
        return _torch.from_tensors(where, source, need("torch", "hd_plugin[torch]"))
    arrays = {str(k): np.asarray(v) for k, v in source.items()}
    return from_state(where, {name: _tensor(values) for name, values in arrays.items()}, bare=True)


def _tensor(values: np.ndarray) -> Tensor:
    kind = values.dtype.kind if values.dtype.kind in "fiu" else str(values.dtype)
    return Tensor(values.shape, kind, lambda: values)


def _with_windows(found: RawFile, modules: Mapping[str, Any]) -> RawFile:
    """The layers with what their modules tell; grouped convolutions are no layers."""
    layers: list[RawLayer] = []
    unmapped = list(found.unmapped)
    for la in found.layers:
        module = modules.get(la.name)
        groups = getattr(module, "groups", 1)
        if len(la.shape) == 4 and groups > 1:
            each = f"grouped convolution: {groups} groups of {la.shape[1]} input channels"
            unmapped.append(Unmapped(la.name, DEPTHWISE if la.shape[1] == 1 else each, la.shape))
        else:
            layers.append(replace(la, window=_window(module)) if len(la.shape) == 4 else la)
    return RawFile(layers, unmapped, found.notes)


def _window(module: Any) -> Window | None:
    """Of a torch.nn.Conv2d; None where the module is another or says its padding in words."""
    if not all(hasattr(module, name) for name in ("stride", "padding", "dilation")):
        return None
    vertical, horizontal = module.padding if isinstance(module.padding, tuple) else (None, None)
    padding = None if vertical is None else (vertical, horizontal, vertical, horizontal)
    return Window(tuple(module.stride), padding, tuple(module.dilation))
