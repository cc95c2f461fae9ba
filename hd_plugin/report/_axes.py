"""What all plots share: axes, colours that a page can turn dark, titles that fit, and numbers on hover."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec
from weakref import WeakKeyDictionary

from hd_plugin._wording import printable

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "GRID",
    "INK",
    "SHADES",
    "SOFT",
    "STYLE",
    "another",
    "bands",
    "colour",
    "ending",
    "figure_of",
    "heading",
    "hint",
    "hints_of",
    "legend",
    "name_ticks",
    "new_axis",
    "plot",
    "wrapped",
]

# Okabe and Ito's palette: told apart by colour-blind readers and in grey
_METHODS = {"baseline": "#8c8c8c", "direct": "#56b4e9", "segment": "#e69f00", "cluster": "#009e73"}
_OTHERS = ("#d55e00", "#0072b2", "#cc79a7", "#882255")
# text, lines and grid: colours of no data, so that a page can give each another one in the dark
INK, SOFT, GRID = "#1c2430", "#5d6776", "#dfe4ea"
# the colours of parts of the energy: Tol's muted ones, which no method has
SHADES = {
    "mac": "#4650a5",
    "weight_hop": "#88ccee",
    "psum_hop": "#44aa99",
    "lut": "#cc6677",
    "clock": "#ddcc77",
    "memory": "#bbbbbb",
}
STYLE: Any = {
    "font.family": "sans-serif",
    "text.parse_math": False,  # a dollar sign in a layer's name is one
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": SOFT,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "svg.fonttype": "none",  # text stays text
}
_INCH = 11.5  # characters of a title in an inch
_GAP = "\u00a0\u00a0\u00a0"  # which an SVG keeps
_hints: WeakKeyDictionary[Figure, dict[str, tuple[str, ...]]] = WeakKeyDictionary()

P = ParamSpec("P")


def plot(draw: Callable[P, Axes]) -> Callable[P, Axes]:
    """A plot function that draws in the project's style, whatever the caller's is."""

    @wraps(draw)
    def styled(*args: P.args, **kwargs: P.kwargs) -> Axes:
        import matplotlib

        with matplotlib.rc_context(STYLE):
            return draw(*args, **kwargs)

    return styled


def colour(method: str) -> str:
    """A method's colour: its own, or for one that was registered later, one by its name."""
    return _METHODS.get(method) or _OTHERS[sum(map(ord, method)) % len(_OTHERS)]


def another(i: int) -> str:
    """The colour of the i-th network beside the first one."""
    return _OTHERS[i % len(_OTHERS)]


@plot
def new_axis(ax: Axes | None, width: float = 10.0, height: float = 3.9) -> Axes:
    """``ax``, or the one axis of a new figure of this size in inches, in the project's style."""
    if ax is None:
        from matplotlib.figure import Figure

        ax = Figure(figsize=(width, height), layout="constrained").add_subplot()
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color=GRID, linewidth=0.8)
    ax.set_axisbelow(True)
    return ax


def figure_of(ax: Axes) -> Figure:
    """The whole figure that an axis is in."""
    figure = ax.get_figure(root=True)
    if figure is None:
        raise ValueError("this axis is in no figure")
    return figure


def _inches(ax: Axes) -> float:
    return float(figure_of(ax).get_figwidth() * ax.get_position().width / 0.775)  # 0.775: of a lone axis


def heading(ax: Axes, text: str, of: str = "") -> None:
    """A title above the legend, if there is one; ``of``, a name, is wrapped and never cut in a word."""
    whole = f"{text}: {printable(of)}" if of else text
    found = ax.get_legend()
    rows = -(-len(found.get_texts()) // found._ncols) if found else 0  # type: ignore[attr-defined]
    title = ax.set_title(wrapped(whole, int((_inches(ax) - 0.6) * _INCH)), pad=6 + 14.5 * rows)
    title.set_gid("title")


def wrapped(text: str, width: int, lines: int = 3) -> str:
    """``text`` in lines of ``width`` characters at most, broken behind spaces and the signs that names have.

    Only a word of more than ``width`` is broken, and only a text of more than ``lines`` loses its middle.
    """
    pieces = [
        p[i : i + width] for p in re.findall(r"[^\s/._:-]*[\s/._:-]*", text) for i in range(0, len(p), width)
    ]
    rows = [""]
    for piece in pieces:
        if rows[-1] and len((rows[-1] + piece).rstrip()) > width:
            rows.append("")
        rows[-1] += piece
    if len(rows) > lines:
        rows = [*rows[: lines - 2], rows[lines - 2].rstrip() + " ...", rows[-1]]
    return "\n".join(row.strip() for row in rows)


def legend(ax: Axes, inches: float, beside: float = 0.6) -> None:
    """Above the axis, in as many columns of ``inches`` as there is room for, with ``beside`` left of it."""
    entries = len(ax.get_legend_handles_labels()[1])
    columns = min(entries, max(1, int((_inches(ax) - beside) / inches)))
    if entries:
        ax.legend(
            frameon=False,
            ncols=columns,
            loc="lower left",
            bbox_to_anchor=(0, 1),
            borderaxespad=0.2,
            borderpad=0.1,
            labelspacing=0.3,
            fontsize=9,
        )


def name_ticks(ax: Axes, names: Sequence[str]) -> None:
    """Name and number of every layer below its place: flat where few have room, else upright; of very many,
    as many as can be read.
    """
    names, count = [printable(name) for name in names], len(names)
    ax.set_xlim(-0.6, count - 0.4)
    most = int(_inches(ax) * 8.5)
    step = max(1, -(-count // most))
    room = (_inches(ax) - 0.8) * 13 / count  # characters
    flat = all(len(ending(name)) <= room for name in names)
    short = [(i + 1, ending(names[i])) for i in range(0, count, step)]
    shown = [f"{i}\n{name}" if flat else f"{name}{_GAP}{i}" for i, name in short]
    ax.set_xticks(range(0, count, step), shown, fontsize=7.5 if count > most / 2 else 8.5)
    ax.tick_params(axis="x", rotation=0 if flat else 90, length=2)


def ending(name: str, most: int = 22) -> str:
    """The end of a name, which tells layers apart, from a sign that names have on."""
    if len(name) <= most:
        return name
    tail = name[-(most - 3) :]
    cut = re.search(r"[/._-]", tail[:-1])
    return "..." + (tail[cut.end() :] if cut and cut.end() < most // 2 else tail)


def hint(artist: Artist, *texts: str) -> None:
    """What is shown of ``artist`` on hover, where the figure is an SVG; a text for every mark of several."""
    figure = artist.get_figure(root=True)
    if figure is None:
        raise ValueError("an artist that is in no figure cannot be hovered over")
    known = _hints.setdefault(figure, {})
    name = f"hint-{len(known)}"
    known[name] = texts
    artist.set_gid(name)


def hints_of(figure: Figure) -> dict[str, tuple[str, ...]]:
    """Texts by the id that their artist has in an SVG."""
    return dict(_hints.get(figure, {}))


def bands(ax: Axes, places: Sequence[float], texts: Sequence[str]) -> None:
    """Upright bands, invisible, around every one of ``places`` (ascending): what is hovered over, whole
    columns in place of thin marks.
    """
    import numpy as np

    log = ax.get_xscale() == "log"
    x = np.log(places) if log else np.asarray(places, float)
    gaps = np.diff(x) if len(x) > 1 else np.ones(1)
    edges = np.concatenate(
        ([x[0] - gaps[0] / 2], x[:-1] + gaps / 2 if len(x) > 1 else [], [x[-1] + gaps[-1] / 2])
    )
    limits = ax.get_xlim()
    for left, right, text in zip(*(np.exp(e) if log else e for e in (edges[:-1], edges[1:])), texts):
        hint(ax.axvspan(left, right, facecolor=INK, alpha=0.0, linewidth=0, zorder=9), text)
    ax.set_xlim(limits)
