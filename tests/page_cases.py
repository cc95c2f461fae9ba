"""Comparisons whose pages are looked at, and a reader of pages."""

from html.parser import HTMLParser

import numpy as np

import hd_plugin as hd
from hd_plugin.weights import Layer, Network, Unmapped

HOSTILE = (
    '"><img src=x onerror=alert(1)>',
    "</script><script>alert(2)</script>",
    r"[/red] $\frac{1}{$ \ %s {{ 7 * 7 }}",
    "\x1b[31mred\x00\u202e",
    "\u5c42/\U0001f40d " + "n" * 240,
)


def small_network(name, names, seed=0, step=7):
    rng = np.random.default_rng(seed)
    shapes = [((12, 24, 1, 1), (5, 5)), ((6, 9, 3, 3), (7, 7)), ((10, 16), (1, 1)), ((16, 8, 1, 1), (4, 3))]
    layers = []
    for i, one in enumerate(names):
        shape, hw = shapes[i % len(shapes)]
        layers.append(Layer.from_values(one, rng.integers(-step, step + 1, shape), 4, output_hw=hw))
    return Network(name, layers, [Unmapped("dw", "depthwise")], "net.npz", "00")


def small_comparison(names=("stem/conv", "body.0", "body.1", "fc", "body.2"), title="little", **fields):
    """Two networks of the same layers: with few levels flips are fewer, so that the second looks trained."""
    quiet = small_network("quiet", names, 1, 1)
    net = small_network(title, names)
    return hd.compare(net, trained=[quiet], rows=4, cols=4, effort="greedy", studies=True, **fields)


class Page(HTMLParser):
    """outside : what is referred to beyond the page; inside : in it; tables : by id, (data-v, text)."""

    VOID = frozenset({"meta", "link", "br", "img", "input", "path", "use", "rect"})

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.text, self.outside, self.ids, self.inside = [], [], [], [], [], []
        self.tables, self._table, self._cell = {}, None, None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        found = dict(attributes)
        self.ids += [found["id"]] if "id" in found else []
        for name, value in attributes:
            if name in ("src", "href", "xlink:href") and not (value or "").startswith(("#", "data:")):
                self.outside.append(value)
            if name in ("href", "xlink:href", "clip-path") and "#" in value and value != "#":
                self.inside.append(value.partition("#")[2].rstrip(")"))
        if tag == "table":
            self._table = self.tables.setdefault(found.get("id"), [])
        elif tag == "tr" and self._table is not None:
            self._table.append([])
        elif tag in ("td", "th") and self._table is not None:
            self._cell = [found.get("data-v"), ""]
            self._table[-1].append(self._cell)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag
        if tag == "table":
            self._table = None
        elif tag in ("td", "th"):
            self._cell = None

    def handle_data(self, data):
        self.text.append(data)
        if self._cell is not None:
            self._cell[1] += data
