"""Every figure of a result, drawn once for all that show it: files in a folder, and the page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hd_plugin._atomic import atomic_path
from hd_plugin.report._figures import figures
from hd_plugin.report._svg import figure_bytes, page_svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hd_plugin.study import Result

__all__ = ["Picture", "pictures", "save_pictures"]

_FILES = (".png", ".svg", ".pdf")


@dataclass(frozen=True)
class Picture:
    """One figure. files : its content by suffix; wide, narrow : elements for a page, without the title;
    narrow is empty where the wide one will do.
    """

    name: str
    title: str
    files: dict[str, bytes]
    wide: str = ""
    narrow: str = ""


def pictures(result: Result, page: bool = False) -> list[Picture]:
    """All figures of ``result``; page : also as elements for a page."""
    narrow = figures(result, narrow=True) if page else {}
    found, drawn = [], figures(result)
    for figure in (*drawn.values(), *narrow.values()):
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # once for all files: the same places in each, in half the time
    for name, figure in drawn.items():
        title = _title(figure)
        files = {suffix: figure_bytes(figure, suffix, name) for suffix in _FILES}
        elements: dict[str, str] = {}
        if page:
            elements["wide"] = page_svg(figure, name, title)
            if name in narrow:
                elements["narrow"] = page_svg(narrow[name], f"{name}-n", title)
        found.append(Picture(name, title, files, **elements))
    return found


def _title(figure: Figure) -> str:
    return " ".join(figure.axes[0].get_title(loc="left").split("\n"))


def save_pictures(found: list[Picture], folder: Path) -> None:
    """NAME.png, .svg and .pdf for each, whole or not at all."""
    for picture in found:
        for suffix, content in picture.files.items():
            with atomic_path(folder / f"{picture.name}{suffix}") as temporary:
                temporary.write_bytes(content)
