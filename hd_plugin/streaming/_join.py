"""The free remedy for switches between groups: their sequence and direction, chosen to join well."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hd_plugin.bits._compiled import compiled
from hd_plugin.bits._popcount import popcount
from hd_plugin.streaming._method import SearchContext
from hd_plugin.streaming._paths import EXACT, exact_path, greedy_path
from hd_plugin.streaming._plan import Group
from hd_plugin.streaming._search import optimise_path
from hd_plugin.weights import Layer

__all__ = ["join_groups"]

_TOGETHER = -(1 << 20)  # joins the two ends of a group: no search takes them apart
_BLOCK = 2048  # groups whose ends are compared each with each: 64 MiB of distances


@dataclass(frozen=True, eq=False)
class _Ends:
    """First and last words of groups, [2 * groups, rows], and which rows they use."""

    words: np.ndarray
    used: np.ndarray

    def of(self, pairs: np.ndarray) -> _Ends:
        """Those of some: pairs int[groups, 2] of ends, the first of each before the last."""
        return _Ends(self.words[pairs.reshape(-1)], self.used[pairs.reshape(-1)])


def join_groups(layer: Layer, groups: list[Group], search: SearchContext) -> list[Group]:
    """The same groups, some of them reversed, in a sequence with few flips from one to the next.

    A path over the 2 G ends of the groups, where a group's own two ends belong together. Of more than
    ``_BLOCK`` groups, as many at a time; then these are joined as groups are. As they are after a Ctrl-C.
    """
    if len(groups) < 2 or search.jobs.interrupted:
        return groups
    rows = max(g.channels.size for g in groups)
    words = np.zeros((2 * len(groups), rows), np.uint16)
    used = np.zeros((2 * len(groups), rows), bool)
    for i, g in enumerate(groups):
        for end in (0, 1):
            words[2 * i + end, : g.channels.size] = layer.codes[g.order[-end], g.channels, g.tap[0], g.tap[1]]
            used[2 * i + end, : g.channels.size] = True

    def make() -> tuple[np.ndarray]:
        return (_sequence(_Ends(words, used), search),)

    [path] = search.kept("join", words, used, make=make)
    if search.jobs.interrupted:
        return groups
    joined = []
    for first in path[::2]:
        g = groups[first // 2]
        joined.append(g if first % 2 == 0 else Group(g.tap, g.channels, g.order[::-1].copy()))
    return joined


def _sequence(ends: _Ends, search: SearchContext) -> np.ndarray:
    """All ends in the order in which they stream, the two of a group side by side: int64[2 * groups]."""
    count = len(ends.words) // 2
    if count <= _BLOCK:
        d = np.zeros((2 * count, 2 * count), np.int32)
        _add_flips(d, ends.words, ends.used)
        each = np.arange(2 * count)
        d[each, each ^ 1] = _TOGETHER
        if 2 * count <= EXACT:
            return exact_path(d)
        return optimise_path(d, greedy_path(d, 0), 8, 8 * count, search.seed, search.jobs.flag)
    pairs = np.arange(2 * count).reshape(count, 2)
    blocks = []
    for start in range(0, count, _BLOCK):
        own = pairs[start : start + _BLOCK]
        blocks.append(own.reshape(-1)[_sequence(ends.of(own), search)] if len(own) > 1 else own.reshape(-1))
    outer = np.array([[block[0], block[-1]] for block in blocks])
    found = []
    for first in _sequence(ends.of(outer), search)[::2]:
        block = blocks[first // 2]
        found.append(block if first % 2 == 0 else block[::-1])
    return np.concatenate(found)


@compiled()
def _add_flips(d, words, used):
    """d[a, b] += flips between the words of a and b; a row that one of them does not use holds its word."""
    count, rows = words.shape
    for a in range(count):
        for b in range(a):
            flips = np.int32(0)
            for r in range(rows):
                if used[a, r] and used[b, r]:
                    flips += np.int32(popcount(np.uint64(words[a, r] ^ words[b, r])))
            d[a, b] += flips
            d[b, a] += flips
