"""The scripts beside the package: what counts as an import, what is a circle, and links of the site."""

import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).parent.parent / "tools"


@pytest.fixture
def tool(monkeypatch):
    """A script of tools/ as a module."""
    monkeypatch.syspath_prepend(TOOLS)
    before = set(sys.modules)
    yield __import__
    for name in set(sys.modules) - before & {"rooms", "site_pages"}:
        del sys.modules[name]


def test_imports_are_found_wherever_they_stand(tool, tmp_path):
    (tmp_path / "one.py").write_text(
        "from __future__ import annotations\n"
        "import numpy as np\n"
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n"
        "    from hd_plugin.bits import _flips, encode\n"
        "def lazily():\n"
        "    from hd_plugin import streaming\n"
    )
    assert sorted(tool("rooms").imports(tmp_path / "one.py"), key=lambda found: found[1]) == [
        ("__future__", 1),
        ("numpy", 2),
        ("typing", 3),
        ("hd_plugin.bits._flips", 5),
        ("hd_plugin.bits", 5),
        ("hd_plugin.streaming", 7),
    ]


@pytest.mark.parametrize(
    "edges, circles",
    [
        ({"a": ["b"], "b": ["c"], "c": []}, []),
        ({"a": ["a"]}, [["a"]]),
        ({"a": ["b"], "b": ["c"], "c": ["a"], "d": ["a"]}, [["a", "b", "c"]]),
        ({"a": ["b"], "b": ["a", "c"], "c": ["d"], "d": ["c"]}, [["a", "b"], ["c", "d"]]),
    ],
)
def test_modules_that_reach_each_other_are_a_circle(tool, edges, circles):
    assert tool("rooms").circles(edges) == circles


def test_an_arrow_down_is_red(tool, monkeypatch):
    rooms = tool("rooms")
    assert "#d00000" not in rooms.draw() and rooms.draw() == rooms.draw()
    monkeypatch.setattr(rooms, "arrows", lambda: {("bits", "cli"): 1, ("cli", "bits"): 2})
    assert "#d00000" in rooms.draw()


class Pages:
    def get_file_from_path(self, path):
        return path if path in ("energy.md", "images/a.png", "changelog.md", "api/bits.md") else None


@pytest.mark.parametrize(
    "source, here, link, there",
    [
        ("README.md", "index.md", "[x](docs/energy.md#a)", "[x](energy.md#a)"),
        ("README.md", "index.md", "![x](docs/images/a.png)", "![x](images/a.png)"),
        ("README.md", "index.md", "[log](CHANGELOG.md)", "[log](changelog.md)"),
        ("docs/api/bits.md", "api/bits.md", "[x](../energy.md)", "[x](../energy.md)"),
        ("docs/energy.md", "energy.md", "[the code](../setup.py)", "the code"),
        ("docs/energy.md", "energy.md", "[x](https://arxiv.org/abs/1)", "[x](https://arxiv.org/abs/1)"),
        ("docs/energy.md", "energy.md", "[x](nowhere.md)", "[x](nowhere.md)"),
    ],
)
def test_links_lead_to_the_pages_of_the_site(tool, source, here, link, there):
    pytest.importorskip("mkdocs", reason="mkdocs is not installed: the site cannot be built")
    assert tool("site_pages").linked(f"See {link}.", source, here, Pages()) == f"See {there}."
