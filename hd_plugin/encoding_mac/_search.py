"""Search for encodings that are small and nearly exact."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, replace

import numpy as np

from hd_plugin.encoding_mac._cases import exact, truncated
from hd_plugin.encoding_mac._encoding import Encoding
from hd_plugin.encoding_mac._front import Candidate, front
from hd_plugin.encoding_mac._ways import SearchSettings, Way, ways
from hd_plugin.streaming import Jobs

__all__ = ["EncodingSearch", "search_encodings"]


@dataclass(frozen=True)
class EncodingSearch:
    """What a search found. front : ascending area; better : of each number of outputs, the one that errs
    least among those no larger than the truncation of as many outputs; truncations : the base cases, of
    ever more outputs. on_data : as ``front``, but by the error over operands as they meet; empty where no
    distribution of them was given.
    """

    front: tuple[Candidate, ...]
    better: tuple[Candidate, ...]
    truncations: tuple[Candidate, ...]
    interrupted: bool = False
    on_data: tuple[Candidate, ...] = ()


class _Told:
    """The front so far, in a line of progress."""

    def __init__(self, settings: SearchSettings) -> None:
        self._settings, self._found = settings, list[Candidate]()
        self._lock = threading.Lock()

    def add(self, found: list[Candidate]) -> None:
        with self._lock:
            self._found = list(front([*self._found, *found]))

    def text(self) -> str:
        s = self._settings
        with self._lock:
            shown = self._found[:: max(1, len(self._found) // 4)]
        points = ", ".join(f"{c.area:.0f}: {100 * c.errors.max_relative:.2g} %" for c in shown)
        return f"encodings {s.a_bits} x {s.w_bits}" + (
            f" (area NAND2: largest error; {points})" if points else ""
        )


def search_encodings(
    settings: SearchSettings, jobs: Jobs | None = None, distribution: np.ndarray | None = None
) -> EncodingSearch:
    """Encodings that no other one found beats, the same for the same settings whatever the threads.

    distribution : how likely each pair of operands is (``operand_distribution``), for encodings that err
    least where a network's operands meet. Raises InputError for one of another shape, or a journal of another
    search.
    """
    jobs, s = jobs or Jobs(), settings
    whole = exact(s.a_bits, s.w_bits, **s.signs)
    if distribution is not None:
        whole.errors(distribution)  # refused here, if it is none
        distribution = np.asarray(distribution, float) / np.sum(distribution)
    seen = None if distribution is None else hashlib.sha256(distribution.tobytes()).hexdigest()
    jobs.question({"command": "encode-search", "settings": s.to_dict(), "data": seen})
    cases = [truncated(s.a_bits, s.w_bits, n, **s.signs) for n in range(s.fewest, whole.bits)]
    base = tuple(Candidate(_named(e, "truncated"), "truncated", s.rows, distribution) for e in cases)
    told = _Told(s)

    def run(way: Way, own: Jobs) -> list[Candidate]:
        [made] = own.named(told.text()).spread(lambda _, part: way.run(part), [way], lambda _: [])
        found = [Candidate(_named(e, origin), origin, s.rows, distribution) for origin, e in made]
        told.add(found)
        return found

    tasks = ways(s, distribution)
    found = jobs.spread(run, tasks, lambda _: [], [way.work for way in tasks])
    everything = [*base, *(one for some in found for one in some)]
    on_data = () if distribution is None else front(everything, lambda c: c.on_data)
    return EncodingSearch(front(everything), _better(everything, base), base, jobs.interrupted, on_data)


def _named(encoding: Encoding, kind: str) -> Encoding:
    """KIND_8ux8_OUTPUTS."""
    e = encoding
    return replace(e, name=f"{kind}_{e.a_bits}{'s' if e.a_signed else 'u'}x{e.w_bits}_{e.bits}")


def _better(found: list[Candidate], base: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    """Of each number of outputs, those that err least and are no larger than truncation."""
    best = {one.encoding.bits: one for one in base}
    limits = {bits: one.area for bits, one in best.items()}
    for one in found:
        bits = one.encoding.bits
        if bits in best and one.area <= limits[bits]:
            best[bits] = min(best[bits], one, key=lambda c: (c.errors.max_absolute, c.area))
    return tuple(one for one in best.values() if one.origin != "truncated")
