"""``find_encodings``: small encodings that are nearly exact, beside the base cases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from hd_plugin.encoding_mac import Candidate, SearchSettings, search_encodings
from hd_plugin.streaming import Jobs
from hd_plugin.study._result import Result

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
    """Encodings that no other one found beats. Schema hd-plugin/encode-search/1."""

    schema = "hd-plugin/encode-search/1"
    file = "encode-search.json"
    lines = "front"

    settings: SearchSettings
    front: tuple[Candidate, ...]
    better: tuple[Candidate, ...]
    truncations: tuple[Candidate, ...]
    interrupted: bool = False

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
            "published": [one._asdict() for one in self.published],
            "notes": list(self.notes),
        }


def find_encodings(settings: SearchSettings | None = None, jobs: Jobs | None = None) -> FoundEncodings:
    """Search as ``settings`` say. Raises InputError for a journal of another search."""
    asked = settings or SearchSettings()
    found = search_encodings(asked, jobs)
    return FoundEncodings(asked, found.front, found.better, found.truncations, found.interrupted)
