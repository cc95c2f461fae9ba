"""The ways of a search for encodings: each a piece of work that depends on the settings alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial

import numpy as np

from hd_plugin.encoding_mac._booth import booth
from hd_plugin.encoding_mac._cases import exact, truncated, weighted
from hd_plugin.encoding_mac._encoding import Encoding
from hd_plugin.encoding_mac._genetic import Genetic, Population
from hd_plugin.encoding_mac._leave_out import leave_out, leave_out_by_data
from hd_plugin.encoding_mac._swaps import centred, improve, with_products
from hd_plugin.errors import InputError
from hd_plugin.streaming import Jobs

__all__ = ["SearchSettings", "Way", "ways"]

_BLOCK = 25  # generations that are kept at once


@dataclass(frozen=True)
class SearchSettings:
    """What is searched for, and how long. fewest, most : outputs; rows : of the column that is priced.

    kicks : restarts of every local search. generations : of the genetic search, for 1 and for 2 columns of
    gates (0: none); threshold : the largest relative error below which area counts there. Raises
    InputError for what cannot be searched.
    """

    a_bits: int = 8
    w_bits: int = 8
    a_signed: bool = True
    w_signed: bool = True
    fewest: int = 16
    most: int = 40
    rows: int = 32
    kicks: int = 8
    generations: int = 300
    threshold: float = 0.02
    seed: int = 0

    def __post_init__(self) -> None:
        whole = exact(self.a_bits, self.w_bits).bits
        if not 1 <= self.fewest <= self.most < whole:
            raise InputError(
                f"fewest, most: {self.fewest}, {self.most} found; 1 to {whole - 1} outputs are possible"
            )
        for name, least in (("rows", 1), ("seed", 0), ("kicks", 0), ("generations", 0)):
            if getattr(self, name) < least:
                raise InputError(f"{name}: {getattr(self, name)} found; at least {least} is needed")
        if not 0 < self.threshold < 1:
            raise InputError(f"threshold: {self.threshold} found; between 0 and 1 is needed")

    @property
    def signs(self) -> dict[str, bool]:
        """As ``exact`` takes them."""
        return {"a_signed": self.a_signed, "w_signed": self.w_signed}

    def to_dict(self) -> dict[str, int | bool | float]:
        return asdict(self)


Found = list[tuple[str, Encoding]]


@dataclass(frozen=True)
class Way:
    """work : about how long it takes, beside the others. run : encodings by origin, in pairs."""

    work: float
    run: Callable[[Jobs], Found]


def ways(s: SearchSettings, distribution: np.ndarray | None = None) -> list[Way]:
    """All of them, the long ones first. distribution : of operands, for those that are judged by it."""
    found = [Way(0.2 * s.generations * c, _genetic(s, c)) for c in (1, 2)]
    found = found if s.generations else []
    for bits in range(s.most, s.fewest - 1, -1):
        found.append(Way(2.0 * s.kicks, _weighted(s, bits)))
    digits = range(s.w_bits // 2, 0, -1) if s.w_signed and s.w_bits % 2 == 0 else range(0)
    for n in digits:
        rows = booth(s.a_bits, s.w_bits, n, **s.signs)
        if rows.bits < exact(s.a_bits, s.w_bits).bits:
            found += _chains(s, f"booth{n}", rows, distribution)
    return found + _chains(s, "left_out", exact(s.a_bits, s.w_bits, **s.signs), distribution)


def _chains(s: SearchSettings, origin: str, whole: Encoding, distribution: np.ndarray | None) -> list[Way]:
    """All with ever fewer outputs than an exact encoding."""
    fewest = min(s.fewest, whole.bits)
    found = [_chain(origin, lambda: [centred(e) for e in (whole, *leave_out(whole, fewest))])]
    if distribution is not None:
        found.append(_chain(f"{origin}_data", partial(leave_out_by_data, whole, fewest, distribution)))
    return found


def _chain(origin: str, make: Callable[[], list[Encoding]]) -> Way:
    return Way(0.1, lambda jobs: [(origin, e) for e in make() if not jobs.interrupted])


def _swapped(s: SearchSettings, start: Encoding, jobs: Jobs) -> Encoding:
    """What swaps make of ``start``, or what the journal has of that."""

    def text() -> tuple[np.ndarray, ...]:
        made = improve(start, s.kicks, s.seed, True, lambda: jobs.interrupted)
        return (np.frombuffer(json.dumps(made.to_dict()).encode(), np.uint8),)

    [found] = jobs.kept("encoding", ("swaps", start.to_dict(), s.kicks, s.seed), text)
    return Encoding.from_dict(json.loads(found.tobytes()))


def _weighted(s: SearchSettings, bits: int) -> Callable[[Jobs], Found]:
    """Swaps from the better of the truncated encodings whose border weighs more."""

    def run(jobs: Jobs) -> Found:
        starts = [centred(truncated(s.a_bits, s.w_bits, bits, **s.signs))]
        low = min(abs(w) for w in starts[0].weights).bit_length() - 1
        for border in (low, low + 1):
            try:
                starts.append(centred(weighted(s.a_bits, s.w_bits, bits, border, **s.signs)))
            except InputError:  # no inner product there
                continue
        start = with_products(min(starts, key=lambda e: e.errors().max_absolute))
        return [("weighted", _swapped(s, start, jobs))]

    return run


def _genetic(s: SearchSettings, columns: int) -> Callable[[Jobs], Found]:
    """The fittest, and what swaps make of it when its weights become powers of two."""
    kept = min(s.most, 64)
    sides = s.a_bits, s.w_bits, (s.a_signed, s.w_signed)
    search = Genetic(*sides, columns, 128, kept, s.threshold, s.generations, s.seed)

    def run(jobs: Jobs) -> Found:
        population: Population | None = None
        for begun in range(0, s.generations, _BLOCK):
            if jobs.interrupted:
                return []

            def block(at: int = begun, now: Population | None = population) -> tuple[np.ndarray, ...]:
                now = now or search.begin()
                for generation in range(at, min(at + _BLOCK, s.generations)):
                    if jobs.interrupted:
                        break
                    now = search.advance(now, generation)
                return now.genes, now.fitness

            genes, fitness = jobs.kept("generations", (search, begun), block)
            population = Population(genes, fitness)
        if population is None or jobs.interrupted:
            return []
        fittest = search.encoding(population.genes[0])
        powers = tuple(_power(w) for w in fittest.weights)
        better = _swapped(s, centred(replace(fittest, weights=powers)), jobs)
        return [(f"genetic{columns}", fittest), (f"genetic{columns}_swaps", better)]

    return run


def _power(weight: int) -> int:
    """The power of two next to it, by ratio, with its sign."""
    size = 1 << max(0, round(float(np.log2(abs(weight)))))
    return size if weight > 0 else -size
