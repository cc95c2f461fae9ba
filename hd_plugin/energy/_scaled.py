"""A part at the energy that the architecture already has for it, scaled by the flip rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from hd_plugin.energy._components import Component, Rate
from hd_plugin.energy._flip_rate import check_rate

__all__ = ["Scaled"]

Energy = Annotated[float, Field(ge=0, le=1e9)]
Size = Annotated[float, Field(ge=0, le=1e12)]
Share = Annotated[float, Field(ge=0, le=1)]
Divisor = Annotated[float, Field(ge=1e-6, le=1)]


@dataclass(frozen=True)
class Scaled(Component):
    """The energy of an action is its reference energy times ``scale``; leakage and area stay the reference's.

    The reference: what the estimator of ``reference_class`` says of the same action and attributes (asked by
    the host that loads hd_plugin), or numbers, one for each action that the host will ask for.
    reference_rate : the flip rate that the reference energy holds at. fixed_share : the share of it that is
    left when no weight bit flips. Both are the technology's unless given.
    """

    actions = ("compute", "read", "write", "update")

    flip_rate: Rate
    reference_class: str | None = None
    compute_pJ: Energy | None = None
    read_pJ: Energy | None = None
    write_pJ: Energy | None = None
    update_pJ: Energy | None = None
    # numbers where every other component works them out
    area_um2: Size = 0.0
    leakage_nW: Size = 0.0
    reference_rate: Divisor | None = None
    fixed_share: Share | None = None

    @property
    def scale(self) -> float:
        """Energy against the reference: fixed_share + (1 - fixed_share) * flip_rate / reference_rate."""
        reference, fixed = self._model
        return fixed + (1 - fixed) * check_rate(self.flip_rate, "flip_rate") / reference

    @property
    def told(self) -> str:
        reference, fixed = self._model
        return f" x {self.scale:.6g} (reference rate {reference:g}, fixed share {fixed:g})"

    @property
    def _model(self) -> tuple[float, float]:
        t = self.technology
        return (
            t.reference_rate if self.reference_rate is None else self.reference_rate,
            t.floor if self.fixed_share is None else self.fixed_share,
        )

    @property
    def asks(self) -> str | None:
        return self.reference_class

    def actions_pJ(self) -> dict[str, float]:
        """Of the actions that were given a number; none when a class is asked."""
        return {action: self.scaled_pJ(pJ) for action, pJ in self._given().items()}

    def scaled_pJ(self, reference_pJ: float) -> float:
        return reference_pJ * self.scale

    def _given(self) -> dict[str, float]:
        numbers = {action: getattr(self, f"{action}_pJ") for action in self.actions}
        return {action: pJ for action, pJ in numbers.items() if pJ is not None}

    def problems(self) -> list[str]:
        given = [f"{action}_pJ" for action in self._given()]
        given += [name for name in ("area_um2", "leakage_nW") if getattr(self, name)]
        if self.reference_class is None and not self._given():
            return [
                "no reference: give reference_class, the class whose estimator is to be asked, or numbers: "
                + ", ".join(f"{action}_pJ" for action in self.actions)
            ]
        if self.reference_class is not None and given:
            return [f"reference_class and {', '.join(given)}: two answers to one question; keep one"]
        if self.reference_class is not None and self.reference_class.startswith("hd_"):
            return [
                f"reference_class: {self.reference_class!r} is hd_plugin's own; use that class, or name one "
                "that another estimator serves"
            ]
        return []
