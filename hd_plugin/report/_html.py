"""One self-contained HTML page: it loads nothing, and works without a script too."""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from hd_plugin._atomic import write_text
from hd_plugin._ratios import less, times
from hd_plugin._wording import printable
from hd_plugin.energy import TOTALS
from hd_plugin.report._axes import ending
from hd_plugin.report._pictures import Picture, pictures
from hd_plugin.report._plots import PARTS, others, trained_label
from hd_plugin.report._terms import TERMS, of_method
from hd_plugin.report._text import MEAN_NOTE, TOTALS_NOTE, energy, percent, ratio
from hd_plugin.report._words import in_words

if TYPE_CHECKING:
    from hd_plugin.study import Comparison, Row

__all__ = ["write_html"]

_CAPTIONS = {
    "reduction": "Flips of the file order divided by flips under each method (the paper's Figures 9 and 10).",
    "nhd": "Share of weight bits that flip from one word to the next (the paper's Figure 4).",
    "energy": "Only the datapath's parts follow the flips; memory and clock do not move.",
    "energy_by_layer": "The parts that follow the flips; all numbers are in the table below.",
    "figure3": "Every layer under every method: energy of a PE and step at gate level against its flips "
    "(the paper's Figure 3), with the straight line that fits best.",
    "convergence": (
        "What the paper's clustering (its Algorithm 2, with the array's capacity) adds to reordering, from "
        "20 random starts (its Figure 5a). Iteration 0 is before it: channels dealt into clusters at random, "
        "each cluster in Algorithm 1's order."
    ),
    "cluster_size": "An array with fewer rows leaves more freedom to reorder (the paper's Figure 5c).",
    "table_cost": "A read of the address table a cycle, against what the orders save in all PEs (the paper's "
    "section 5).",
}
_LARGE = ("reduction", "nhd", "energy", "energy_by_layer", "figure3")


@dataclass(frozen=True)
class _Candidate:
    """A method, or a trained network under one, against the file order."""

    label: str
    mean_hd: float
    best_hd: tuple[float, str]
    mean_energy: float
    best_energy: tuple[float, str]
    datapath_J: float
    total_J: float
    trained: bool = False


def _candidates(result: Comparison) -> list[_Candidate]:
    summary, names = result.summary(), [r.layer for r in result.of("baseline")]
    found = []
    for method in result.methods[1:] or result.methods:
        s, rows = summary[method], result.of(method)
        flips = _best([r.hd_reduction for r in rows], names)
        saved = _best([r.energy_reduction for r in rows], names)
        means = s.mean_hd_reduction, s.mean_energy_reduction
        energies = s.datapath_energy_J, s.total_energy_J
        found.append(_Candidate(method, means[0], flips, means[1], saved, *energies))
    for c in others(result):
        flips, saved = _best(c.hd_reductions, names), _best(c.energy_reductions, names)
        energies = c.energy.datapath_J, c.energy.total_J
        means = c.mean_hd_reduction, c.mean_energy_reduction
        found.append(_Candidate(trained_label(c), means[0], flips, means[1], saved, *energies, trained=True))
    return found


def _best(values: Sequence[float], names: Sequence[str]) -> tuple[float, str]:
    return max(zip(values, names), key=lambda pair: pair[0])


def _exact(value: Any) -> str:
    """A number whole, for sorting and for checks; JavaScript's word for what has no end."""
    if value is None:
        return ""
    return ("Infinity" if math.isinf(value) else repr(value)) if isinstance(value, float) else str(value)


def _percent_less(before: float, after: float) -> str:
    return percent(less(before, after), 0)


def _data_uri(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _layers(result: Comparison) -> list[tuple[str, list[Row]]]:
    """Rows of every layer, in order; names need not differ."""
    by_method = [result.of(m) for m in result.methods]
    return [(rows[0].layer, list(rows)) for rows in zip(*by_method)]


def write_html(result: Comparison, path: str | Path, drawn: list[Picture] | None = None) -> None:
    """Write the report of ``result`` to ``path``, whole or not at all.

    drawn : its pictures, if they were made already.
    """
    from jinja2 import Environment, PackageLoader
    from markupsafe import Markup

    def plain(value: Any) -> Any:
        return value if isinstance(value, Markup) or not isinstance(value, str) else printable(value)

    environment = Environment(
        loader=PackageLoader("hd_plugin.report", ""),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=plain,
    )
    environment.filters |= {
        "energy": energy,
        "ratio": ratio,
        "exact": _exact,
        "ending": ending,
        "data_uri": _data_uri,
    }
    environment.globals |= {"percent_less": _percent_less, "of_method": of_method, "over": times}
    template = environment.get_template("report.html.j2")
    shown = drawn or pictures(result, page=True)
    write_text(path, template.render(**_of_result(result), **_of_comparison(result), **_of_page(shown)))


def _of_result(result: Comparison) -> dict[str, Any]:
    """What the template says of where the numbers come from."""
    from markupsafe import escape

    return {
        "result": result,
        "asked": result.scenario,
        "summary": result.summary(),
        "words": in_words(result),
        "scenario": escape(yaml.safe_dump(result.scenario.to_dict(), sort_keys=False)),
        "terms": TERMS,
        "mean_note": MEAN_NOTE,
        "totals": TOTALS,
        "totals_note": TOTALS_NOTE,
    }


def _of_comparison(result: Comparison) -> dict[str, Any]:
    """The numbers that stand first, and the tables' rows."""
    found = _candidates(result)
    return {
        "bests": {
            "flips": max(found, key=lambda c: c.mean_hd),
            "energy": max(found, key=lambda c: c.mean_energy),
            "datapath": min(found, key=lambda c: c.datapath_J),
            "total": min(found, key=lambda c: c.total_J),
        },
        "alone": max((c for c in found if not c.trained), key=lambda c: c.mean_hd),
        "best_rows": {c.label: (c.best_hd[1], c.best_energy[1]) for c in found},
        "layers": _layers(result),
        "parts": PARTS,
        "leaks": any(r.energy.leakage_J is not None for r in result.rows),
        "components": list(dict.fromkeys(c for r in result.rows for c in r.evaluation.components)),
    }


def _of_page(drawn: list[Picture]) -> dict[str, Any]:
    """Pictures, style and script; the script's digest is the only one that the page lets run."""
    from markupsafe import Markup

    folder = files("hd_plugin.report")
    script, style = ((folder / f"report.{kind}").read_text("utf8") for kind in ("js", "css"))
    shown = [(p, Markup(p.wide), Markup(p.narrow), _CAPTIONS.get(p.name, "")) for p in drawn]
    return {
        "large": [p for p in shown if p[0].name in _LARGE],
        "small": [p for p in shown if p[0].name not in _LARGE],
        "script": Markup(script),
        "style": Markup(style),
        "digest": Markup(base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()),
    }
