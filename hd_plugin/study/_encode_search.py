"""``find_encodings``: small encodings that are nearly exact, beside the base cases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from hd_plugin.encoding_mac import Candidate, SearchSettings, operand_distribution, search_encodings
from hd_plugin.errors import InputError
from hd_plugin.hardware import sampled_activations
from hd_plugin.streaming import Jobs
from hd_plugin.study._result import Result
from hd_plugin.weights import Network

__all__ = ["PUBLISHED", "FoundEncodings", "PublishedMultiplier", "find_encodings"]


class PublishedMultiplier(NamedTuple):
    """power : in the library's own unit and technology, which the front's areas cannot be compared with.
    mean_error : mean |error| over the range of products.
    """

    name: str
    power: float
    mean_error: float
    source: str


_EVOAPPROX = "EvoApproxLib, EvoApproxLite mul8s (MIT)"
PUBLISHED = (
    PublishedMultiplier("mul8s, exact", 0.425, 0.0, _EVOAPPROX),
    PublishedMultiplier("mul8s, 0.08 %", 0.301, 0.0008, _EVOAPPROX),
    PublishedMultiplier("mul8s, 0.52 %", 0.126, 0.0052, _EVOAPPROX),
)


@dataclass(frozen=True, repr=False)
class FoundEncodings(Result):
    """Encodings that no other one found beats. Schema hd-plugin/encode-search/1.

    on_data : those that no other one beats in area and error over the operands of ``data``.
    """

    schema = "hd-plugin/encode-search/1"
    file = "encode-search.json"
    lines = "front"

    settings: SearchSettings
    front: tuple[Candidate, ...]
    better: tuple[Candidate, ...]
    truncations: tuple[Candidate, ...]
    interrupted: bool = False
    on_data: tuple[Candidate, ...] = ()
    data: str | None = None

    @property
    def published(self) -> tuple[PublishedMultiplier, ...]:
        """Multipliers of others for the same operands."""
        s = self.settings
        return PUBLISHED if (s.a_bits, s.w_bits, s.a_signed, s.w_signed) == (8, 8, True, True) else ()

    def summary(self) -> dict[str, float]:
        """The largest relative error of each encoding of the front, by name."""
        return {one.encoding.name: one.errors.max_relative for one in self.front}

    def to_dict(self) -> dict[str, Any]:
        return {
            "schema": self.schema,
            "settings": self.settings.to_dict(),
            "interrupted": self.interrupted,
            "front": [one.to_dict() for one in self.front],
            "better": [one.to_dict() for one in self.better],
            "truncations": [one.to_dict() for one in self.truncations],
            "data": self.data,
            "on_data": [one.to_dict() for one in self.on_data],
            "published": [one._asdict() for one in self.published],
            "notes": list(self.notes),
        }


def find_encodings(
    settings: SearchSettings | None = None,
    jobs: Jobs | None = None,
    *,
    data: Network | None = None,
    activations: str = "relu",
) -> FoundEncodings:
    """Search as ``settings`` say.

    data : a network, for encodings that err least where its weights meet activations, drawn by
    ``activations`` (``sampled_activations``: relu, linear, uniform). Raises InputError for a journal of
    another search, or for weights of other widths or signed activations with ``data``.
    """
    asked, seen = settings or SearchSettings(), None
    if data is not None:
        if asked.a_signed or not asked.w_signed:
            raise InputError("data: activations are drawn unsigned and weights signed; search for those")
        drawn = {la.name: sampled_activations(la, activations, bits=asked.a_bits) for la in data.layers}
        seen = operand_distribution(data.layers, drawn)
    found = search_encodings(asked, jobs, seen)
    told = None if data is None else f"{data.name}, {activations}"
    return FoundEncodings(
        asked, found.front, found.better, found.truncations, found.interrupted, found.on_data, told
    )
