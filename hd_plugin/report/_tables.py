"""``tables``: a result as tables and lines for the terminal."""

from __future__ import annotations

from functools import singledispatch

from rich.markup import escape

from hd_plugin._ratios import times
from hd_plugin.energy import TOTALS
from hd_plugin.report._table import Column, Fitted, named, names, new_table, sizes, spare, told_of
from hd_plugin.report._text import MEAN_NOTE, TOTALS_NOTE, energy, percent, ratio
from hd_plugin.study import (
    Catalogue,
    Combined,
    Comparison,
    Measurement,
    Planning,
    Result,
    Roundings,
    TrainingTable,
)

__all__ = ["combined_table", "tables"]


@singledispatch
def tables(result: Result) -> list[Fitted | str]:
    """What the terminal shows of ``result``; a result of another kind registers its own function."""
    raise TypeError(f"no tables for {type(result).__name__}; register them with report.tables.register")


@tables.register(Comparison)
def _comparison(result: Comparison) -> list[Fitted | str]:
    """The per-layer table and the summary."""
    methods, array = result.methods[1:], result.scenario.array
    layers = new_table(
        f"{escape(result.network)}: {result.bits}-bit {result.number_format} weights on "
        f"{array.rows} x {array.cols} PEs, engine {result.scenario.engine.name}",
        [names(), spare("K x C x taps", 1, "text"), spare("P x Q", 2, "text")],
        ["NHD", *(f"{m}\nflips" for m in methods), *(f"{m}\ndatapath" for m in methods)],
        f"NHD of the baseline; x = before / after, against the baseline: of flips, and of datapath energy"
        f"{_origin(result)}",
    )
    by_method = {m: result.of(m) for m in result.methods}
    for i, base in enumerate(by_method["baseline"]):
        rows = [by_method[m][i] for m in methods]
        layers.add_row(
            named(base.layer),
            sizes(base.K, base.C, base.taps),
            f"{base.P} x {base.Q}",
            f"{base.nhd:.3f}",
            *(ratio(r.hd_reduction) for r in rows),
            *(ratio(r.energy_reduction) for r in rows),
        )
    trained = [combined_table(result.trained, result.scenario.clock)] if result.trained else []
    return [layers, *_summary(result), *trained, *told_of(result.unmapped, result.network_notes)]


def _summary(result: Comparison) -> list[Fitted | str]:
    """Ratios, and sums."""
    clock, summary = result.scenario.clock, result.summary()
    left_out: list[str | Column] = [spare("flips\nhardware"), spare("hardware,\nalternating", 2)]
    totals = ["datapath", *(["clocked"] if clock else []), "total"]
    ratios = new_table(
        "Summary: x = before / after",
        ["method"],
        ["flips\nmean", "flips\nbest", "datapath\nmean", "datapath\nbest"]
        + [f"{_over(t, clock)}\nmean" for t in totals[1:]],
        f"{MEAN_NOTE}; {TOTALS_NOTE}",
    )
    leaks = next(iter(summary.values())).leakage_energy_J is not None
    sums = new_table(
        "Summary: sums over layers",
        ["method"],
        ["flips\npaper", *left_out]
        + [_over(t, clock) for t in totals]
        + (["leakage,\nin none\nof these"] if leaks else []),
    )
    for method, s in summary.items():
        means = {"clocked": s.mean_clocked_reduction, "total": s.mean_total_reduction}
        joules = {"datapath": s.datapath_energy_J, "clocked": s.clocked_energy_J, "total": s.total_energy_J}
        first = (s.mean_hd_reduction, s.best_hd_reduction, s.mean_energy_reduction, s.best_energy_reduction)
        ratios.add_row(method, *map(ratio, (*first, *(means[t] for t in totals[1:]))))
        sums.add_row(
            method,
            f"{s.flips:,}",
            f"{s.flips_hardware:,}",
            f"{s.flips_hardware_alternate:,}",
            *(energy(joules[t]) for t in totals),
            *([energy(s.leakage_energy_J)] if s.leakage_energy_J is not None else []),
        )
    return [ratios, sums]


def _over(total: str, clock: bool = True) -> str:
    """What stands over a column of one of ``energy.TOTALS``."""
    return TOTALS[total].words(clock).replace(" with ", "\nwith ").replace(", ", ",\n")


def _origin(result: Comparison) -> str:
    """Where datapath energies come from, when not from the flips."""
    source, model = result.scenario.energy, result.provenance.energy_model
    if source == "flips":
        return ""
    within = ""
    if model:
        error = percent(model.p95_error)
        within = f" (on another network 95 % of layers are within {error} of simulation)"
    return f", {source} at gate level in {escape(result.provenance.technology.name)}{within}"


def combined_table(rows: tuple[Combined, ...], clock: bool = True) -> Fitted:
    """Networks by methods, as the paper's Table 4. clock : whether the rows count it."""
    table = new_table(
        "Trained networks against the first one in file order",
        [names("network"), "method"],
        ["flips\nmean", "flips\nbest", "datapath\nmean", "datapath\nbest"]
        + ([f"{_over('clocked')}\nmean"] if clock else []),
        f"{MEAN_NOTE}; {TOTALS_NOTE}",
    )
    for r in rows:
        ratios = (
            r.mean_hd_reduction,
            r.best_hd_reduction,
            r.mean_energy_reduction,
            r.best_energy_reduction,
            *([r.mean_clocked_reduction] if clock else []),
        )
        table.add_row(named(r.network), r.method, *map(ratio, ratios))
    return table


@tables.register(Measurement)
def _measurement(result: Measurement) -> list[Fitted | str]:
    """Flips per layer and bit plane."""
    bits = max(r.bits for r in result.layers)
    table = new_table(
        f"{escape(result.network)}: flips in file order",
        [names(), "K x C x taps"],
        ["NHD", "flips", *(spare(f"bit {b}", bits - b) for b in reversed(range(bits)))],
        f"mean NHD {result.mean_nhd:.3f}; bit {bits - 1} is the most significant",
    )
    for r in result.layers:
        planes = (f"{n:,}" for n in reversed(r.plane_flips))
        table.add_row(named(r.name), sizes(r.K, r.C, r.taps), f"{r.nhd:.3f}", f"{r.flips:,}", *planes)
    return [table, *told_of(result.unmapped, result.network_notes)]


@tables.register(Planning)
def _planning(result: Planning) -> list[Fitted | str]:
    """Flips before and after."""
    bound, several = any(r.lower_bound is not None for r in result.layers), len(result.scenario.searched) > 1
    told = "above bound: how much longer the orders can be than the best orders of the same groups, at most"
    table = new_table(
        f"{escape(result.network)}: {', '.join(result.scenario.searched)}, effort {result.scenario.effort}, "
        f"{result.scenario.array.rows} rows",
        [names(), *(["method"] if several else []), spare("K x C x taps", 2, "text")],
        [
            spare("groups", 3),
            spare("NHD\nbefore"),
            "NHD",
            "flips\nbefore",
            "flips",
            "before /\nafter",
            *(["above\nbound"] if bound else []),
        ],
        told if bound else None,
    )
    for r in result.layers:
        gap = []
        if r.lower_bound is not None:
            gap = [percent(times(r.flips, r.lower_bound) - 1, 2)]
        table.add_row(
            named(r.name),
            *([r.method] if several else []),
            sizes(r.K, r.C, r.taps),
            str(r.groups),
            f"{r.nhd_before:.3f}",
            f"{r.nhd:.3f}",
            f"{r.flips_before:,}",
            f"{r.flips:,}",
            ratio(r.hd_reduction),
            *gap,
        )
    return [table, *told_of(result.unmapped, result.network_notes)]


@tables.register(Roundings)
def _roundings(result: Roundings) -> list[Fitted | str]:
    """One line a mu."""
    scored = any(r.top1 is not None for r in result.runs)
    gates = any(r.simulated for r in result.runs)
    reaching = ", as it reaches the outputs" if result.calibration_images else ""
    table = new_table(
        f"{escape(result.network)}: trellis rounding on top of {result.method}",
        ["mu"],
        [
            "noise dB",
            "flips\nmean",
            f"over\n{result.method}",
            *(["PEs,\nsimulated"] if gates else []),
            *(["top-1 %"] if scored else []),
        ],
        f"{MEAN_NOTE}; noise against nearest rounding{reaching}",
    )
    for r in result.runs:
        table.add_row(
            f"{r.mu:g}",
            "-" if r.noise_dB is None else f"{r.noise_dB:+.2f}",
            ratio(r.mean_hd_reduction),
            ratio(r.mean_over_method),
            *([ratio(r.simulated.mean_energy_reduction)] if r.simulated else []),
            *([f"{r.top1:.2f}"] if r.top1 is not None else []),
        )
    return [table, *told_of(result.unmapped, result.network_notes)]


@tables.register(TrainingTable)
def _training(result: TrainingTable) -> list[Fitted | str]:
    """One line a trained network, as the paper's Table 3."""
    table = new_table(
        f"{escape(result.model)}: against the {result.recipe.bits}-bit baseline in file order",
        ["method", "strength"],
        [
            "top-1 %",
            "top-5 %",
            "to the\nbaseline",
            "flips\nmean",
            "flips\nbest",
            "datapath\nmean",
            "datapath\nbest",
        ],
        f"{MEAN_NOTE}; {TOTALS_NOTE}; orders: {result.order_method}",
    )
    base = result.runs[0].run.top1
    for row in result.runs:
        run, r = row.run, row.reductions
        ratios = (r.mean_hd_reduction, r.best_hd_reduction, r.mean_energy_reduction, r.best_energy_reduction)
        table.add_row(
            run.method,
            f"{run.strength:g}",
            f"{run.top1:.2f}",
            f"{run.top5:.2f}",
            f"{run.top1 - base:+.2f}",
            *map(ratio, ratios),
        )
    return [table]


@tables.register(Catalogue)
def _catalogue(result: Catalogue) -> list[Fitted | str]:
    """What comes with the package."""
    nets = new_table("Bundled networks", [names("name"), "card"], ["layers", "bits", "weights"])
    for r in result.networks:
        title = r.card.splitlines()[0].lstrip("# ") if r.card else ""
        nets.add_row(r.name, escape(title), str(r.layers), str(r.bits), f"{r.weights:,}")
    known = new_table("Known by name", ["kind", "names"], [])
    known.add_row("network specs (--spec)", "\n".join(result.specs))
    known.add_row("arrays (--array)", "\n".join(result.arrays))
    priced = new_table("Technologies (--technology)", ["name", "what"], ["node"])
    for t in result.technologies:
        priced.add_row(t.name, escape(t.description), f"{t.node_nm:g} nm")
    classes = new_table(
        "Component classes for Accelergy",
        ["class", "attributes"],
        [],
        "technology and attributes with * are required; docs/accelergy.md says what they mean",
    )
    for c in result.components:
        given = [name + "*" * required for name, required in c.attributes.items()]
        also = f"\n(with flip_rate: {', '.join(c.aliases)})" if c.aliases else ""
        classes.add_row(c.name + escape(also), ", ".join(given))
    return [nets, known, priced, classes]
