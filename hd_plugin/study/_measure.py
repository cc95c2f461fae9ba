"""``measure``: flips of every layer as the file has it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hd_plugin.bits import plane_flips
from hd_plugin.streaming import flips, nhd
from hd_plugin.study._result import Result
from hd_plugin.weights import Network, Note, Unmapped

__all__ = ["MeasuredLayer", "Measurement", "measure"]


@dataclass(frozen=True)
class MeasuredLayer:
    """One layer in file order. plane_flips : flips of each bit, the least significant first."""

    name: str
    K: int
    C: int
    taps: int
    bits: int
    number_format: str
    flips: int
    nhd: float
    plane_flips: tuple[int, ...]


@dataclass(frozen=True, repr=False)
class Measurement(Result):
    """Schema hd-plugin/measure/1."""

    schema = "hd-plugin/measure/1"
    file = "measure.json"

    network: str
    digest: str
    layers: tuple[MeasuredLayer, ...]
    unmapped: tuple[Unmapped, ...]
    network_notes: tuple[Note, ...] = ()

    @property
    def mean_nhd(self) -> float:
        """Mean over layers."""
        return float(np.mean([layer.nhd for layer in self.layers]))

    def summary(self) -> dict[str, float]:
        return {"mean_nhd": self.mean_nhd, "flips": sum(layer.flips for layer in self.layers)}

    def to_dict(self) -> dict[str, Any]:
        layers = [{**asdict(layer), "plane_flips": list(layer.plane_flips)} for layer in self.layers]
        return {
            "schema": self.schema,
            "network": self.network,
            "digest": self.digest,
            "layers": layers,
            "mean_nhd": self.mean_nhd,
            "unmapped": [u.to_dict() for u in self.unmapped],
            "network_notes": [n.to_dict() for n in self.network_notes],
        }


def measure(network: Network) -> Measurement:
    """Flips, NHD and flips by bit of every layer of ``network``, in file order."""
    layers = tuple(
        MeasuredLayer(
            layer.name,
            layer.K,
            layer.C,
            layer.taps,
            layer.bits,
            layer.number_format,
            flips(layer),
            nhd(layer),
            tuple(plane_flips(layer.codes, layer.bits).tolist()),
        )
        for layer in network.layers
    )
    return Measurement(network.name, network.digest, layers, tuple(network.unmapped), network.flip_notes)
