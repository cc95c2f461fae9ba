"""NumPy archives: NAME or NAME.weight, with NAME.scale, NAME.zero_point and NAME.output_hw beside it."""

from __future__ import annotations

import pickle
import zlib
from pathlib import Path

import numpy as np

from hd_plugin.errors import InputError
from hd_plugin.weights._readers._raw import DAMAGE, RawLayer, from_state
from hd_plugin.weights._told import Unmapped

__all__ = ["read"]

_COMPANIONS = ("scale", "zero_point", "output_hw")
_NOT_WEIGHTS = (*("." + c for c in _COMPANIONS), ".bias", "running_mean", "running_var")


def read(path: Path) -> tuple[list[RawLayer], list[Unmapped]]:
    """Layers in archive order: every numeric array of 2 or 4 dimensions that is no companion of another.

    Never unpickles. Raises InputError when the file is damaged or holds pickled objects.
    """
    try:
        with open(path, "rb") as file:  # numpy itself leaves a damaged file open
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise InputError(f"{path}: a single array found, not an archive; write it with np.savez")
            with archive:
                arrays = {key: archive[key] for key in archive.files}
    except InputError:
        raise
    except (*DAMAGE, pickle.UnpicklingError, zlib.error, NotImplementedError) as error:
        raise InputError(
            f"{path}: not a readable .npz archive ({type(error).__name__}: {error}); write it with "
            "np.savez from plain numeric arrays (pickled objects are refused)"
        ) from error
    entries, companions = [], {}
    for key, array in arrays.items():
        name = key.removesuffix(".weight")
        if array.ndim not in (2, 4) or array.dtype.kind not in "fiu" or key.endswith(_NOT_WEIGHTS):
            continue
        entries.append((name, array))
        companions[name] = {c: arrays[f"{name}.{c}"] for c in _COMPANIONS if f"{name}.{c}" in arrays}
    return from_state(path, entries, companions)
