"""Coefficients at a node between those that have their own: a published rule, told with its range."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from hd_plugin._checked import Checked, check, read_mapping

__all__ = ["NodeScale", "node_scale", "scaled_nodes"]

_Polynomial = Annotated[list[float], Field(min_length=3, max_length=3)]


class _Rule(Checked):
    """node_scaling.yaml."""

    source: str
    energy: dict[int, dict[str, _Polynomial]]
    area_against_45: dict[int, float]
    base: Annotated[str, Field(alias="from")]
    supply_V: float
    highest_supply_V: float


@dataclass(frozen=True)
class NodeScale:
    """Energy and area of logic at ``node_nm`` against technology ``base``. low, high : the energy's range."""

    base: str
    node_nm: float
    energy: float
    low: float
    high: float
    area: float
    source: str

    def __str__(self) -> str:
        return f"{self.base} x {self.energy:.3g} (range {self.low:.3g} to {self.high:.3g}, {self.source})"


@functools.cache
def _rule() -> _Rule:
    path = Path(__file__).with_name("node_scaling.yaml")
    return check(_Rule, read_mapping(path), path)


def scaled_nodes() -> list[int]:
    """The nodes that coefficients are scaled to, in nm."""
    return sorted(_rule().area_against_45)


def node_scale(node_nm: float) -> NodeScale:
    """What scaling to ``node_nm``, one of ``scaled_nodes()``, does to energy and area.

    Energy: the paper's equation 6, both nodes at the supply that the base's coefficients hold at and with
    high-performance devices at 45 nm. The range's ends take low-power devices instead, and the highest supply
    that the target node is run at.
    """
    rule = _rule()
    (target,), here = rule.energy[int(node_nm)].values(), rule.energy[45]

    def against(devices: str, supply_V: float) -> float:
        return _factor(target, supply_V) / _factor(here[devices], rule.supply_V)

    return NodeScale(
        rule.base,
        node_nm,
        against("high_performance", rule.supply_V),
        against("low_power", rule.supply_V),
        against("high_performance", rule.highest_supply_V),
        rule.area_against_45[int(node_nm)],
        rule.source,
    )


def _factor(polynomial: list[float], supply_V: float) -> float:
    a2, a1, a0 = polynomial
    return a2 * supply_V**2 + a1 * supply_V + a0
