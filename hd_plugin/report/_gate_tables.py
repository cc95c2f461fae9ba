"""Tables about gate-level energy: models and their errors, and both objectives side by side."""

from __future__ import annotations

from rich.markup import escape

from hd_plugin.energy import TOTALS
from hd_plugin.report._table import Fitted, named, names, new_table, sizes, spare, told_of
from hd_plugin.report._tables import tables
from hd_plugin.report._text import energy, engineering, percent, ratio
from hd_plugin.study import Characterised, EnergyPlanning

__all__: list[str] = []


@tables.register(Characterised)
def _characterised(result: Characterised) -> list[Fitted | str]:
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
        alone = (f"{percent(m.alone[kind].mean_error)}, {m.alone[kind].r2:.4f}" for kind in kinds)
        table.add_row(
            name,
            str(len(m.coefficients_fJ)),
            percent(m.fit.mean_error),
            percent(m.test.mean_error),
            percent(m.test.p95_error),
            f"{m.test.r2:.4f}",
            *alone,
        )
    return [table, _conditions(result), f"written: {escape(str(result.path))}"]


def _conditions(result: Characterised) -> Fitted:
    found = result.characterisation
    t, array, c = found.technology, found.array, found.conditions
    reference_fJ = 1e3 * (
        t.multiplier_pJ_per_bit2 * array["weight_bits"] * array["act_bits"]
        + t.adder_pJ_per_bit * array["psum_bits"]
        + t.hop_pJ_per_bit * array["weight_bits"]
        + t.psum_pJ_per_bit * array["psum_bits"]
    )
    table = new_table("Conditions", ["", ""], [])
    table.add_row("cells, area", f"{c['cells']:,}, {result.area_um2:,.0f} um2")
    table.add_row("PE and step, random words", energy(1e-15 * reference_fJ))
    clock = found.clock_fJ / array["rows"] / array["cols"]
    table.add_row("clock of a PE and cycle", f"{energy(1e-15 * clock)} (a term of its own)")
    table.add_row("glitches", str(c["glitches"]))
    wire = f"{engineering(1e-12 * c['wire_pF_per_pin'], 'F')} a pin, assumed"
    wire += f"; input transition {engineering(1e-9 * c['slew_ns'], 's')}"
    table.add_row("wire load", wire)
    return table


@tables.register(EnergyPlanning)
def _energy_planning(result: EnergyPlanning) -> list[Fitted | str]:
    """Plans for least flips and for least energy."""
    table = new_table(
        f"{escape(result.network)}: {result.method}, least flips against least energy in "
        f"{escape(result.technology)}",
        [names(), spare("K x C x taps", 2, "text")],
        [
            spare("flips\nbefore"),
            "flips:\nleast\nflips",
            "\nleast\nenergy",
            spare("energy\nbefore"),
            "energy:\nleast\nflips",
            "\nleast\nenergy",
            spare("less,\nmodelled"),
            "less,\nsimulated",
        ],
        f"energy: of the PEs ({TOTALS['pes'].contents()}) for a tile, simulated at gate level; less: "
        "1 - after / before, of the plan for least energy against the one for least flips",
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
            percent(r.modelled_less),
            percent(r.simulated_less),
        )
    return [table, _objectives(result), _models(result), *told_of(result.unmapped, result.network_notes)]


def _objectives(result: EnergyPlanning) -> Fitted:
    s = result.summary()
    table = new_table(
        "Mean over layers",
        ["objective"],
        ["flips", "PEs,\nsimulated", "PEs,\nmodelled", "PEs with clock,\nsimulated"],
        "x = before / after, against file order. Plans for least energy against plans for least flips, "
        f"simulated: {percent(s['simulated_less_mean'])} less on average (standard deviation "
        f"{percent(s['simulated_less_std'])}), {percent(s['simulated_less_min'])} at worst, "
        f"{percent(s['simulated_less_max'])} at best",
    )
    for name in ("flips", "energy"):
        r = result.reductions(name)
        ratios = (r.hd_reduction, r.simulated_reduction, r.modelled_reduction, r.with_clock_reduction)
        table.add_row(f"least {name}", *map(ratio, ratios))
    return table


def _models(result: EnergyPlanning) -> Fitted:
    table = new_table(
        "Modelled against simulated energy, all plans of all layers",
        ["energy model"],
        ["mean error", "95 % below", "worst", "R^2 per cycle"],
    )
    for name, m in result.models.items():
        table.add_row(
            name, percent(m.mean_error), percent(m.p95_error), percent(m.worst_error), f"{m.r2:.4f}"
        )
    return table
