"""What is measured on: groups of real layers where HD_PLUGIN_DATA has them, else of the bundled network."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

import hd_plugin as hd
from hd_plugin.streaming._clusters import group_distances
from hd_plugin.streaming._distances import NEVER
from hd_plugin.streaming._paper import HAMMING

SEED = 0


def network() -> hd.Network:
    folder = os.environ.get("HD_PLUGIN_DATA")
    file = Path(folder) / "mobilenet_v2_1.0_224_quant.tflite" if folder else None
    if file and file.exists():
        return hd.load_network(file, spec="mobilenet_v2_table5")
    return hd.load_network("resnet20_cifar10_w4")


def distances(layer: hd.Layer, rows: int, count: int) -> list[np.ndarray]:
    """Distance matrices int32[K, K] of the first ``count`` groups of the layer's first tap."""
    codes = layer.tap_codes((0, 0))
    return [
        group_distances(codes, np.arange(s, min(s + rows, layer.C)), layer.bits, HAMMING, NEVER)
        for s in range(0, layer.C, rows)
    ][:count]


def random_codes(K: int, C: int) -> np.ndarray:
    return np.random.default_rng(SEED).integers(0, 16, (K, C)).astype(np.uint16)
