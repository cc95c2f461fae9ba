"""``catalogue``: everything that goes by a name: networks, specs, arrays."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Any

from hd_plugin.engines import arrays
from hd_plugin.study._result import Result
from hd_plugin.weights import bundled_networks, bundled_specs, load_network

__all__ = ["BundledNetwork", "Catalogue", "catalogue"]


@dataclass(frozen=True)
class BundledNetwork:
    """A network that comes with the package; card : its text in Markdown."""

    name: str
    layers: int
    bits: int
    weights: int
    card: str


@dataclass(frozen=True, repr=False)
class Catalogue(Result):
    """What comes with the package. Schema hd-plugin/networks/1."""

    schema = "hd-plugin/networks/1"
    file = "networks.json"
    lines = "networks"

    networks: tuple[BundledNetwork, ...]
    specs: tuple[str, ...]
    arrays: tuple[str, ...]

    def summary(self) -> dict[str, int]:
        return {"networks": len(self.networks), "specs": len(self.specs), "arrays": len(self.arrays)}

    def to_dict(self) -> dict[str, Any]:
        return {
            "schema": self.schema,
            "networks": [asdict(n) for n in self.networks],
            "specs": list(self.specs),
            "arrays": list(self.arrays),
        }


def catalogue() -> Catalogue:
    """The bundled networks, network specs and arrays."""
    networks = []
    for name in bundled_networks():
        network = load_network(name)
        weights = sum(layer.codes.size for layer in network.layers)
        networks.append(
            BundledNetwork(name, len(network.layers), network.layers[0].bits, weights, _card(name))
        )
    return Catalogue(
        tuple(networks), tuple(str(s) for s in bundled_specs()), tuple(arrays("input_stationary"))
    )


def _card(name: str) -> str:
    """The card's text, or nothing."""
    card = files("hd_plugin.networks") / f"{name}.md"
    return card.read_text(encoding="utf8") if card.is_file() else ""
