"""Tables about gate-level energy: models and their errors, and both objectives side by side."""

from __future__ import annotations

from typing import Any

from rich.markup import escape
from rich.table import Table

from hd_plugin.report._tables import new_table
from hd_plugin.report._text import ratio, shorten

__all__ = ["characterise_tables", "objective_tables"]


def characterise_tables(content: dict[str, Any]) -> list[Table]:
    """Every model with its errors, from a characterisation file."""
    c, kinds = content["conditions"], list(content["models"]["flips"]["alone"])
    table = new_table(
        f"{escape(content['technology'])}: {escape(content['description'])}",
        ["energy model"],
        [
            "coefficients",
            "error where\nfitted",
            "error on\nanother network",
            "95 % of\nlayers below",
            "R^2\nper cycle",
            *(f"{kind} only:\nerror, R^2" for kind in kinds),
        ],
        f"fitted to {c['fit']}; other network: {c['test']}; error: mean of |modelled / simulated - 1| over layers and methods; relu, linear only: fitted to "
        "and tested with activations of one kind",
    )
    for name, m in content["models"].items():
        t = m["test"]
        table.add_row(
            name,
            str(len(m["coefficients_fJ"])),
            f"{m['fit']['mean_error']:.1%}",
            f"{t['mean_error']:.1%}",
            f"{t['p95_error']:.1%}",
            f"{t['r2']:.4f}",
            *(f"{m['alone'][kind]['mean_error']:.1%}, {m['alone'][kind]['r2']:.4f}" for kind in kinds),
        )
    told = new_table("Conditions", ["", ""], [])
    values = content["coefficients"]
    reference = 1e3 * (
        values["multiplier_pJ_per_bit2"]["value"]
        * content["array"]["weight_bits"]
        * content["array"]["act_bits"]
        + values["adder_pJ_per_bit"]["value"] * content["array"]["psum_bits"]
        + values["hop_pJ_per_bit"]["value"]
        * (content["array"]["weight_bits"] + content["array"]["psum_bits"])
    )
    told.add_row("cells, area", f"{c['cells']:,}, {content['area_um2']:,.0f} um2")
    told.add_row("PE and step, random words", f"{reference:,.1f} fJ")
    told.add_row(
        "clock of a PE and cycle",
        f"{content['clock_fJ'] / content['array']['rows'] / content['array']['cols']:,.1f} fJ (a term of its own)",
    )
    told.add_row("glitches", c["glitches"])
    told.add_row(
        "wire load",
        f"{1e3 * c['wire_pF_per_pin']:.2f} fF a pin, assumed; input transition {1e3 * c['slew_ns']:.0f} ps",
    )
    return [table, told]


def objective_tables(content: dict[str, Any]) -> list[Table]:
    """Plans for least flips and for least energy, from optimize.json."""
    table = new_table(
        f"{escape(content['network'])}: {content['method']}, least flips against least energy in {escape(content['technology'])}",
        ["layer", "K x C x taps"],
        [
            "flips\nbefore",
            "least\nflips",
            "least\nenergy",
            "energy\nbefore",
            "least\nflips",
            "least\nenergy",
            "gain,\nmodelled",
            "gain,\nsimulated",
        ],
        "energy: datapath of a tile without the clock, simulated at gate level; gain: of the plan for least energy over the one for least flips",
    )
    for r in content["layers"]:
        table.add_row(
            escape(shorten(r["name"])),
            f"{r['K']} x {r['C']} x {r['taps']}",
            f"{r['flips_before']:,}",
            f"{r['flips_plan_for_flips']:,}",
            f"{r['flips']:,}",
            f"{1e-6 * r['simulated_fJ_before']:.3g} nJ",
            f"{1e-6 * r['simulated_fJ_plan_for_flips']:.3g} nJ",
            f"{1e-6 * r['simulated_fJ']:.3g} nJ",
            f"{r['modelled_gain'] - 1:+.1%}",
            f"{r['simulated_gain'] - 1:+.1%}",
        )
    s = content["summary"]
    summary = new_table(
        "Mean over layers",
        ["objective"],
        ["flips", "datapath,\nsimulated", "datapath,\nmodelled", "with\nclock"],
        f"reductions against file order; least energy over least flips, simulated: {s['simulated_gain_mean'] - 1:+.2%} on average (standard deviation "
        f"{s['simulated_gain_std']:.2%}), {s['simulated_gain_min'] - 1:+.2%} at worst, {s['simulated_gain_max'] - 1:+.2%} at best",
    )
    for name in ("flips", "energy"):
        one = s[name]
        summary.add_row(
            f"least {name}",
            *(
                ratio(one[k])
                for k in ("hd_reduction", "simulated_reduction", "modelled_reduction", "with_clock_reduction")
            ),
        )
    models = new_table(
        "Modelled against simulated energy, all plans of all layers",
        ["energy model"],
        ["mean error", "95 % below", "worst", "R^2 per cycle"],
    )
    for name, m in content["models"].items():
        models.add_row(
            name,
            f"{m['mean_error']:.1%}",
            f"{m['p95_error']:.1%}",
            f"{m['worst_error']:.1%}",
            f"{m['r2']:.4f}",
        )
    return [table, summary, models]
