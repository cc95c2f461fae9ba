"""The free remedy for switches between groups: their sequence and direction, chosen to join well."""

from __future__ import annotations

import numpy as np

from hd_plugin.bits import hamming
from hd_plugin.streaming._paths import EXACT, exact_path, greedy_path
from hd_plugin.streaming._plan import Group
from hd_plugin.streaming._search import optimise_path
from hd_plugin.weights import Layer

__all__ = ["join_groups"]

_TOGETHER = -(1 << 20)  # joins the two ends of a group: no search takes them apart


def join_groups(layer: Layer, groups: list[Group], seed: int) -> list[Group]:
    """The same groups, some of them reversed, in a sequence with few flips from one to the next.

    A path over the 2 G ends of the groups, where a group's own two ends belong together.
    """
    count = len(groups)
    if count < 2:
        return groups
    rows = max(g.channels.size for g in groups)
    words = np.zeros((2 * count, rows), layer.codes.dtype)
    used = np.zeros((2 * count, rows), bool)
    for i, g in enumerate(groups):
        for end in (0, 1):
            words[2 * i + end, : g.channels.size] = layer.codes[g.order[-end], g.channels, g.tap[0], g.tap[1]]
            used[2 * i + end, : g.channels.size] = True
    d = np.zeros((2 * count, 2 * count), np.int32)
    for r in range(rows):  # a row that one of the two does not use holds its word: no flips
        both = used[:, None, r] & used[None, :, r]
        d += np.where(both, hamming(words[:, None, r], words[None, :, r]), 0).astype(np.int32)
    ends = np.arange(2 * count)
    d[ends, ends ^ 1] = _TOGETHER
    small = 2 * count <= EXACT
    path = exact_path(d) if small else optimise_path(d, greedy_path(d, 0), 8, 8 * count, seed)
    joined = []
    for first in path[::2]:
        g = groups[first // 2]
        joined.append(g if first % 2 == 0 else Group(g.tap, g.channels, g.order[::-1].copy()))
    return joined
