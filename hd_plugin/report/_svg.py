"""A figure as a file, and as a part of the page: text as text, the page's colours, numbers on hover."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from hd_plugin._atomic import atomic_path
from hd_plugin.report._axes import GRID, INK, SOFT, STYLE, hints_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["figure_bytes", "page_svg", "save_figure"]

_SVG, _LINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
# dates and versions would make other bytes of the same figure
_METADATA: dict[str, dict[str, str | None]] = {
    ".png": {"Software": None},
    ".svg": {"Date": None, "Creator": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
_ROLES = {INK: "--ink", SOFT: "--soft", GRID: "--line", "#ffffff": "--card"}
_COLOUR, _FONT = re.compile(r"#[0-9a-f]{6}\b"), re.compile(r"(font: [^;']*?\d+(?:\.\d+)?px )[^;]+")


def save_figure(figure: Figure, path: str | Path) -> None:
    """Write .png, .svg or .pdf, whole or not at all; the same figure gives the same bytes."""
    path = Path(path)
    with atomic_path(path) as temporary:
        temporary.write_bytes(figure_bytes(figure, path.suffix, path.stem))


def figure_bytes(figure: Figure, suffix: str, name: str = "figure") -> bytes:
    """The content of a file of this kind (.png, .svg, .pdf); in an SVG, marks tell their numbers on hover."""
    content = _drawn(figure, suffix, name)
    if suffix != ".svg":
        return content
    root = ElementTree.fromstring(content)
    _tell(root, hints_of(figure))
    return _text(root).encode("utf8")


def page_svg(figure: Figure, name: str, label: str) -> str:
    """An element for an HTML page, without the title: as wide as there is room, its ids its own, its colours
    the page's. ``data-whole`` holds the view box that shows the title too.

    Every colour reads ``var(--ink, #1c2430)``: the page may set it, by role for text and lines, by its
    digits for the rest (``--c-009e73``). label : what a reader that cannot see is told.
    """
    root = ElementTree.fromstring(_drawn(figure, ".svg", name, transparent=True))
    _tell(root, hints_of(figure))
    for parent in root.iter():
        for child in [c for c in parent if _tag(c) in ("metadata", "style")]:
            parent.remove(child)
    used = {u for e in root.iter() for v in e.attrib.values() for u in re.findall(r"#([\w-]+)\)?$", v)}
    for element in root.iter():
        _adopt(element, name, used)
    for size in ("width", "height", "version"):
        root.attrib.pop(size, None)
    whole = root.get("viewBox", "")
    _, _, width, height = (float(v) for v in whole.split())
    cut = height * _title_share(figure) + 2.5
    root.attrib |= {"viewBox": f"0 {cut:.6g} {width:.6g} {height - cut:.6g}", "data-whole": whole}
    root.attrib |= {"role": "img", "aria-label": label}
    return _text(root)


def _drawn(figure: Figure, suffix: str, name: str, transparent: bool = False) -> bytes:
    import matplotlib

    buffer = io.BytesIO()
    # ids are hashed with the salt: one salt a plot keeps them apart on one page, and the same from run to run
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": f"hd_plugin-{name}"}), warnings.catch_warnings():
        # a name in a script that the font lacks: boxes in a PNG, and itself in an SVG
        warnings.filterwarnings("ignore", r"Glyph \d+ .*missing from font", UserWarning)
        figure.savefig(
            buffer, format=suffix[1:], dpi=150, metadata=_METADATA[suffix], transparent=transparent
        )
    return buffer.getvalue()


def _title_share(figure: Figure) -> float:
    """How much of the height the title takes, from the top."""
    tops = [1.0]
    for title in figure.findobj(lambda artist: artist.get_gid() == "title"):
        tops.append(title.get_window_extent().transformed(figure.transFigure.inverted()).y0)
    return 1 - min(tops)


def _tag(element: ElementTree.Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _tell(root: ElementTree.Element, hints: Mapping[str, tuple[str, ...]]) -> None:
    """Every mark's text as its <title>, which browsers and readers of SVG files show."""
    for group in root.iter(f"{{{_SVG}}}g"):
        texts = hints.get(group.get("id", ""))
        if texts is None:
            continue
        marks = [group] if len(texts) == 1 else list(group.iter(f"{{{_SVG}}}use"))
        for mark, text in zip(marks, texts):
            mark.set("class", "mark")
            mark.set("pointer-events", "all")
            title = ElementTree.Element(f"{{{_SVG}}}title")
            title.text = text
            mark.insert(0, title)


def _adopt(element: ElementTree.Element, name: str, used: set[str]) -> None:
    """Colours, fonts and ids of one element as the page has them."""
    own = element.attrib.pop("id", None)
    if own in used:
        element.set("id", f"{name}-{own}")
    for key, value in element.attrib.items():
        if key == f"{{{_LINK}}}href":
            element.set(key, f"#{name}-{value[1:]}")
        elif key == "clip-path":
            element.set(key, value.replace("url(#", f"url(#{name}-"))
        elif key == "style":
            value = _COLOUR.sub(lambda found: _as_variable(found[0]), value)
            element.set(key, _FONT.sub(r"\1var(--sans)", value))


def _as_variable(shade: str) -> str:
    return f"var({_ROLES.get(shade, f'--c-{shade[1:]}')}, {shade})"


def _text(root: ElementTree.Element) -> str:
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", _LINK)
    return ElementTree.tostring(root, encoding="unicode")
