"""``catalogue``: everything that goes by a name: networks, specs, arrays, technologies, component classes."""

from __future__ import annotations

import inspect
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Any

from hd_plugin.energy import ALIASES, COMPONENTS, attributes_of, load_technology, technologies
from hd_plugin.engines import arrays
from hd_plugin.study._result import Result
from hd_plugin.weights import bundled_networks, bundled_specs, load_network

__all__ = ["BundledNetwork", "Catalogue", "KnownComponent", "KnownTechnology", "catalogue"]


@dataclass(frozen=True)
class BundledNetwork:
    """A network that comes with the package; card : its text in Markdown."""

    name: str
    layers: int
    bits: int
    weights: int
    card: str


@dataclass(frozen=True)
class KnownTechnology:
    """Energy coefficients that come with the package."""

    name: str
    node_nm: float
    description: str


@dataclass(frozen=True)
class KnownComponent:
    """A component class that Accelergy is served. attributes : name -> whether it is required; ``technology``
    is, for every class. aliases : classes of other plug-ins that are taken for it when they give a flip_rate.
    """

    name: str
    told: str
    actions: tuple[str, ...]
    attributes: dict[str, bool]
    aliases: tuple[str, ...]


@dataclass(frozen=True, repr=False)
class Catalogue(Result):
    """What comes with the package. Schema hd-plugin/networks/1."""

    schema = "hd-plugin/networks/1"
    file = "networks.json"
    lines = "networks"

    networks: tuple[BundledNetwork, ...]
    specs: tuple[str, ...]
    arrays: tuple[str, ...]
    technologies: tuple[KnownTechnology, ...]
    components: tuple[KnownComponent, ...]

    def summary(self) -> dict[str, int]:
        kinds = ("networks", "specs", "arrays", "technologies", "components")
        return {kind: len(getattr(self, kind)) for kind in kinds}

    def to_dict(self) -> dict[str, Any]:
        return {
            "schema": self.schema,
            "networks": [asdict(n) for n in self.networks],
            "specs": list(self.specs),
            "arrays": list(self.arrays),
            "technologies": [asdict(t) for t in self.technologies],
            "components": [asdict(c) for c in self.components],
        }


def catalogue() -> Catalogue:
    """All that the package knows by name, and what is registered besides."""
    networks = []
    for name in bundled_networks():
        network = load_network(name)
        weights = sum(layer.codes.size for layer in network.layers)
        networks.append(
            BundledNetwork(name, len(network.layers), network.layers[0].bits, weights, _card(name))
        )
    return Catalogue(
        tuple(networks),
        tuple(str(s) for s in bundled_specs()),
        tuple(arrays("input_stationary")),
        tuple(_technology(name) for name in technologies()),
        tuple(_component(name) for name in COMPONENTS),
    )


def _technology(name: str) -> KnownTechnology:
    found = load_technology(name)
    return KnownTechnology(name, found.node_nm, found.description)


def _component(name: str) -> KnownComponent:
    cls = COMPONENTS[name]
    told = (inspect.getdoc(cls) or "").split("\n\n")[0].replace("\n", " ")
    aliases = tuple(sorted(alias for alias, ours in ALIASES.items() if ours == name))
    return KnownComponent(name, told, cls.actions, attributes_of(name), aliases)


def _card(name: str) -> str:
    """The card's text, or nothing."""
    card = files("hd_plugin.networks") / f"{name}.md"
    return card.read_text(encoding="utf8") if card.is_file() else ""
