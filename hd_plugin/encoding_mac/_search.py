"""Search for encodings that are small and nearly exact."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

from hd_plugin.encoding_mac._cases import exact, truncated
from hd_plugin.encoding_mac._encoding import Encoding
from hd_plugin.encoding_mac._front import Candidate, front
from hd_plugin.encoding_mac._leave_out import leave_out
from hd_plugin.errors import InputError
from hd_plugin.streaming import Jobs

__all__ = ["EncodingSearch", "SearchSettings", "search_encodings"]


@dataclass(frozen=True)
class SearchSettings:
    """What is searched for. fewest : outputs of the smallest encodings; rows : of the column that is priced.

    Raises InputError for what cannot be searched.
    """

    a_bits: int = 8
    w_bits: int = 8
    a_signed: bool = True
    w_signed: bool = True
    fewest: int = 16
    rows: int = 32
    seed: int = 0

    def __post_init__(self) -> None:
        most = exact(self.a_bits, self.w_bits).bits
        if not 1 <= self.fewest < most:
            raise InputError(f"fewest: {self.fewest} found; 1 to {most - 1} outputs are possible")
        if self.rows < 1 or self.seed < 0:
            raise InputError(f"rows, seed: {self.rows}, {self.seed} found; at least 1 and 0 are needed")

    @property
    def signs(self) -> dict[str, bool]:
        """As ``exact`` takes them."""
        return {"a_signed": self.a_signed, "w_signed": self.w_signed}

    def to_dict(self) -> dict[str, int | bool]:
        return asdict(self)


@dataclass(frozen=True)
class EncodingSearch:
    """What a search found. front : ascending area; truncations : the base cases, of ever more outputs."""

    front: tuple[Candidate, ...]
    truncations: tuple[Candidate, ...]
    interrupted: bool = False


def search_encodings(settings: SearchSettings, jobs: Jobs | None = None) -> EncodingSearch:
    """Encodings that no other one found beats, the same for the same settings whatever the threads."""
    jobs = jobs or Jobs()
    jobs.question({"command": "encode-search", "settings": settings.to_dict()})
    s = settings
    whole = exact(s.a_bits, s.w_bits, **s.signs)
    cases = [truncated(s.a_bits, s.w_bits, n, **s.signs) for n in range(s.fewest, whole.bits)]
    base = tuple(Candidate(e, "truncated", s.rows) for e in [*cases, whole])
    ways: list[tuple[str, Callable[[], list[Encoding]]]] = [("left out", lambda: leave_out(whole, s.fewest))]
    found = jobs.titled(f"encodings {s.a_bits} x {s.w_bits}").map(
        lambda way: [Candidate(e, way[0], s.rows) for e in way[1]()], ways, fallback=lambda way: []
    )
    everything = [*base, *(one for some in found for one in some)]
    return EncodingSearch(front(everything), base, jobs.interrupted)
