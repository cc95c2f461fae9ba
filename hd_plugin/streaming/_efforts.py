"""How hard to search, by name."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hd_plugin._registry import Registry
from hd_plugin.streaming._distances import NEVER
from hd_plugin.streaming._search import shortest_path

__all__ = ["EFFORTS", "Effort"]


@dataclass(frozen=True)
class Effort:
    """How hard to search. As it is by default: the paper's own Algorithms 1 and 2, and nothing after them.

    kicks : perturbations per channel of a path. neighbours : channels tried for each channel of a path.
    swaps : tried per input channel when clustering, times 1/K (a trial costs about K). floor : the effort
    whose plan is made too, and kept where it is the better one.
    """

    kicks: int = 0
    neighbours: int = 0
    swaps: int = 0
    floor: str | None = None

    @property
    def greedy(self) -> bool:
        """Whether the paper's algorithms are all there is: without neighbours to try no path is searched."""
        return self.neighbours == 0

    def shorter(self, d: np.ndarray, order: np.ndarray, seed: int, stop: np.ndarray = NEVER) -> np.ndarray:
        """``order``, searched on over distances int32[K, K]: int64[K], never longer.

        stop : ``Jobs.flag``, which ends the search where it is.
        """
        if self.greedy:
            return order
        return shortest_path(d, order, self.neighbours, self.kicks * d.shape[0], seed, stop)


EFFORTS: Registry[Effort] = Registry(
    "effort",
    {
        "greedy": Effort(),
        "local": Effort(kicks=4, neighbours=8, swaps=400),
        "best": Effort(kicks=100, neighbours=10, swaps=4000, floor="local"),
    },
)
