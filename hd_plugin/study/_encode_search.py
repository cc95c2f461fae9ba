"""``find_encodings``: small encodings that are nearly exact, beside the base cases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hd_plugin.encoding_mac import Candidate, SearchSettings, search_encodings
from hd_plugin.streaming import Jobs
from hd_plugin.study._result import Result

__all__ = ["FoundEncodings", "find_encodings"]


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
            "notes": list(self.notes),
        }


def find_encodings(settings: SearchSettings | None = None, jobs: Jobs | None = None) -> FoundEncodings:
    """Search as ``settings`` say. Raises InputError for a journal of another search."""
    asked = settings or SearchSettings()
    found = search_encodings(asked, jobs)
    return FoundEncodings(asked, found.front, found.better, found.truncations, found.interrupted)
