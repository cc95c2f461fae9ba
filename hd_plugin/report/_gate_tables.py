"""Tables about gate-level energy: models and their errors, and both objectives side by side."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from hd_plugin.report._table import named, new_table, sizes, told_of
from hd_plugin.report._tables import tables
from hd_plugin.report._text import energy, ratio
from hd_plugin.study import Characterised, EnergyPlanning

__all__: list[str] = []


@tables.register(Characterised)
def _characterised(result: Characterised) -> list[Table | str]:
    """Every model with its errors, and the conditions."""
    found = result.characterisation
    c, kinds = found.conditions, list(found.model("flips").alone)
    table = new_table(
        f"{escape(found.technology.name)}: {escape(found.technology.description)}",
        ["energy model"],
        [
            "coefficients",
            "error where\nfitted",
            "error on\nanother network",
            "95 % of\nlayers below",
            "R^2\nper cycle",
            *(f"{kind} only:\nerror, R^2" for kind in kinds),
        ],
        f"fitted to {c['fit']}; other network: {c['test']}; error: mean of |modelled / simulated - 1| over "
        f"layers "
        "and methods; relu, linear only: fitted to and tested with activations of one kind",
    )
    for name, m in found.models.items():
        alone = (f"{m.alone[kind].mean_error:.1%}, {m.alone[kind].r2:.4f}" for kind in kinds)
        table.add_row(
            name,
            str(len(m.coefficients_fJ)),
            f"{m.fit.mean_error:.1%}",
            f"{m.test.mean_error:.1%}",
            f"{m.test.p95_error:.1%}",
            f"{m.test.r2:.4f}",
            *alone,
        )
    return [table, _conditions(result), f"written: {escape(str(result.path))}"]


def _conditions(result: Characterised) -> Table:
    found = result.characterisation
    t, array, c = found.technology, found.array, found.conditions
    reference_fJ = 1e3 * (
        t.multiplier_pJ_per_bit2 * array["weight_bits"] * array["act_bits"]
        + t.adder_pJ_per_bit * array["psum_bits"]
        + t.hop_pJ_per_bit * (array["weight_bits"] + array["psum_bits"])
    )
    table = new_table("Conditions", ["", ""], [])
    table.add_row("cells, area", f"{c['cells']:,}, {result.area_um2:,.0f} um2")
    table.add_row("PE and step, random words", f"{reference_fJ:,.1f} fJ")
    clock = found.clock_fJ / array["rows"] / array["cols"]
    table.add_row("clock of a PE and cycle", f"{clock:,.1f} fJ (a term of its own)")
    table.add_row("glitches", str(c["glitches"]))
    wire = f"{1e3 * c['wire_pF_per_pin']:.2f} fF a pin, assumed; input transition {1e3 * c['slew_ns']:.0f} ps"
    table.add_row("wire load", wire)
    return table


@tables.register(EnergyPlanning)
def _energy_planning(result: EnergyPlanning) -> list[Table | str]:
    """Plans for least flips and for least energy."""
    table = new_table(
        f"{escape(result.network)}: {result.method}, least flips against least energy in "
        f"{escape(result.technology)}",
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
        "energy: datapath of a tile without the clock, simulated at gate level; gain: of the plan for least "
        "energy "
        "over the one for least flips",
    )
    for r in result.layers:
        energies = (r.simulated_fJ_before, r.simulated_fJ_plan_for_flips, r.simulated_fJ)
        table.add_row(
            named(r.name),
            sizes(r.K, r.C, r.taps),
            f"{r.flips_before:,}",
            f"{r.flips_plan_for_flips:,}",
            f"{r.flips:,}",
            *(energy(1e-15 * e) for e in energies),
            f"{r.modelled_gain - 1:+.1%}",
            f"{r.simulated_gain - 1:+.1%}",
        )
    return [table, _objectives(result), _models(result), *told_of(result.unmapped, result.network_notes)]


def _objectives(result: EnergyPlanning) -> Table:
    s = result.summary()
    table = new_table(
        "Mean over layers",
        ["objective"],
        ["flips", "datapath,\nsimulated", "datapath,\nmodelled", "with\nclock"],
        "reductions against file order; least energy over least flips, simulated: "
        f"{s['simulated_gain_mean'] - 1:+.2%} on average (standard deviation {s['simulated_gain_std']:.2%}), "
        f"{s['simulated_gain_min'] - 1:+.2%} at worst, {s['simulated_gain_max'] - 1:+.2%} at best",
    )
    for name in ("flips", "energy"):
        r = result.reductions(name)
        ratios = (r.hd_reduction, r.simulated_reduction, r.modelled_reduction, r.with_clock_reduction)
        table.add_row(f"least {name}", *map(ratio, ratios))
    return table


def _models(result: EnergyPlanning) -> Table:
    table = new_table(
        "Modelled against simulated energy, all plans of all layers",
        ["energy model"],
        ["mean error", "95 % below", "worst", "R^2 per cycle"],
    )
    for name, m in result.models.items():
        table.add_row(
            name, f"{m.mean_error:.1%}", f"{m.p95_error:.1%}", f"{m.worst_error:.1%}", f"{m.r2:.4f}"
        )
    return table
