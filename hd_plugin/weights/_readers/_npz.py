"""NumPy archives: NAME or NAME.weight, with NAME.scale, NAME.zero_point and NAME.output_hw beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hd_plugin._npz import open_npz
from hd_plugin.weights._readers._raw import RawFile
from hd_plugin.weights._readers._state import Tensor, from_state
from hd_plugin.weights._told import Unmapped

__all__ = ["read"]


def read(path: Path) -> RawFile:
    """Layers in archive order: every numeric array of 2 or 4 dimensions that is no companion of another.

    Headers are read now, numbers when they are asked for. Never unpickles. Raises InputError when the file is
    damaged or holds pickled objects.
    """
    tensors = {}
    with open_npz(path) as archive:
        for key in archive:
            shape, dtype = archive.header(key)
            kind = dtype.kind if dtype.kind in "fiu" else str(dtype)
            tensors[key] = Tensor(shape, kind, lambda key=key: _array(path, key))  # type: ignore[misc]
        foreign = archive.foreign
    found = from_state(path, tensors, bare=True)
    found.unmapped.extend(Unmapped(name, "no NumPy array (NAME.npy)") for name in foreign)
    return found


def _array(path: Path, key: str) -> np.ndarray:
    with open_npz(path) as archive:
        return archive[key]
