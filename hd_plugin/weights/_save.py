"""Networks with chosen integers, written so that ``load_network`` reads the same codes again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from hd_plugin._atomic import atomic_path
from hd_plugin.weights._layer import Layer

__all__ = ["save_layers"]


def save_layers(
    path: str | Path, layers: Iterable[Layer], extra: Mapping[str, np.ndarray] | None = None
) -> None:
    """Write NAME.weight (integers), NAME.scale and, where known, NAME.output_hw of each layer as one .npz.

    extra : arrays to write beside them. Whole or not at all. Raises InputError for a place that cannot be
    written.
    """
    arrays: dict[str, np.ndarray] = {}
    for layer in layers:
        arrays[f"{layer.name}.weight"] = layer.values.astype(np.int8 if layer.bits <= 8 else np.int16)
        arrays[f"{layer.name}.scale"] = np.asarray(layer.scale, np.float64)
        if layer.output_hw is not None:
            arrays[f"{layer.name}.output_hw"] = np.array(layer.output_hw, np.int32)
    arrays.update(extra or {})
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # no array is called allow_pickle
