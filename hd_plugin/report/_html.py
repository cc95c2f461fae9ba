"""One self-contained HTML page: no script, no link, no file beside it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from hd_plugin._atomic import write_text
from hd_plugin.report._text import MEAN_NOTE, energy, ratio

if TYPE_CHECKING:
    from hd_plugin.study import Comparison

__all__ = ["write_html"]

_CAPTIONS = {
    "reduction": "Flips of the file order divided by flips under each method (the paper's Figures 9 and 10).",
    "nhd": "Share of weight bits that flip from one word to the next (the paper's Figure 4).",
    "energy": "Only the datapath terms follow the flips; memory and clock do not move.",
    "figure3": (
        "Every layer under every method: energy of a PE and step at gate level against its flips "
        "(the paper's Figure 3), with the straight line that fits best."
    ),
    "convergence": (
        "What the paper's clustering (its Algorithm 2, with the array's capacity) adds to reordering, from "
        "20 random starts (its Figure 5a). Iteration 0 is before it: channels dealt into clusters at random, "
        "each cluster in Algorithm 1's order."
    ),
    "cluster_size": "An array with fewer rows leaves more freedom to reorder (the paper's Figure 5c).",
    "table_cost": (
        "A read of the address table a cycle, against what the orders save in all PEs (the "
        "paper's section 5)."
    ),
}


def _svg(figure, name: str) -> str:
    import matplotlib

    # ids are hashed with the salt: one salt a plot keeps them apart on one page, and the same from run to run
    with matplotlib.rc_context(
        {"svg.hashsalt": f"hd_plugin-{name}", "svg.fonttype": "none", "font.family": "sans-serif"}
    ):
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def write_html(result: Comparison, path: str | Path) -> None:
    """Write the report of ``result`` to ``path``, whole or not at all."""
    from jinja2 import Environment, PackageLoader
    from markupsafe import Markup

    from hd_plugin.report._figures import figures

    environment = Environment(
        loader=PackageLoader("hd_plugin.report", ""), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"energy": energy, "ratio": ratio}
    summary = result.summary()
    best = max(result.methods, key=lambda m: summary[m].mean_hd_reduction)
    layers: dict[str, list] = {}
    for row in result.rows:
        layers.setdefault(row.layer, []).append(row)
    write_text(
        path,
        environment.get_template("report.html.j2").render(
            result=result,
            summary=summary,
            best=best,
            layers=layers,
            mean_note=MEAN_NOTE,
            plots=[
                (name, Markup(_svg(figure, name)), _CAPTIONS[name])
                for name, figure in figures(result).items()
            ],
        ),
    )
