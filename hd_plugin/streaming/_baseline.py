"""Method baseline: channels and output channels in file order."""

from __future__ import annotations

from hd_plugin.streaming._method import Method, SearchContext
from hd_plugin.streaming._plan import Group, file_order_plan
from hd_plugin.weights import Layer

__all__ = ["Baseline"]


class Baseline(Method):
    """What everything else is compared with."""

    searched = False
    weight = 0

    def groups(self, layer: Layer, search: SearchContext) -> list[Group]:
        return file_order_plan(layer, search.rows).groups
