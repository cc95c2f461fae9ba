"""``tables``: a result as tables and lines for the terminal."""

from __future__ import annotations

from functools import singledispatch

from rich.markup import escape
from rich.table import Table

from hd_plugin.report._table import named, new_table, sizes, told_of
from hd_plugin.report._text import MEAN_NOTE, energy, ratio
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
def tables(result: Result) -> list[Table | str]:
    """What the terminal shows of ``result``; a result of another kind registers its own function."""
    raise TypeError(f"no tables for {type(result).__name__}; register them with report.tables.register")


@tables.register(Comparison)
def _comparison(result: Comparison) -> list[Table | str]:
    """The per-layer table and the summary."""
    methods, array = result.methods[1:], result.scenario.array
    layers = new_table(
        f"{escape(result.network)}: {result.bits}-bit {result.number_format} weights on "
        f"{array.rows} x {array.cols} PEs, engine {result.scenario.engine.name}",
        ["layer", "K x C x taps", "P x Q"],
        ["NHD", *(f"{m}\nflips" for m in methods), *(f"{m}\nenergy" for m in methods)],
        f"reductions against the baseline; energy = datapath{_origin(result)}, address table included, "
        f"clock not",
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
    trained = [combined_table(result.trained)] if result.trained else []
    return [layers, _summary(result), *trained, *told_of(result.unmapped, result.network_notes)]


def _summary(result: Comparison) -> Table:
    table = new_table(
        "Summary",
        ["method"],
        [
            "flips\nmean",
            "flips\nbest",
            "energy\nmean",
            "energy\nbest",
            "flips\npaper",
            "flips\nhardware",
            "hardware,\nalternating",
            "datapath",
            f"all energy\n{'with' if result.scenario.clock else 'without'} clock",
        ],
        MEAN_NOTE,
    )
    for method, s in result.summary().items():
        table.add_row(
            method,
            ratio(s.mean_hd_reduction),
            ratio(s.best_hd_reduction),
            ratio(s.mean_energy_reduction),
            ratio(s.best_energy_reduction),
            f"{s.flips:,}",
            f"{s.flips_hardware:,}",
            f"{s.flips_hardware_alternate:,}",
            energy(s.datapath_energy_J),
            energy(s.total_energy_J),
        )
    return table


def _origin(result: Comparison) -> str:
    """Where datapath energies come from, when not from the flips."""
    source, model = result.scenario.energy, result.provenance.energy_model
    if source == "flips":
        return ""
    within = ""
    if model:
        within = f" (on another network 95 % of layers are within {model.p95_error:.1%} of simulation)"
    return f", {source} at gate level in {escape(result.provenance.technology.name)}{within}"


def combined_table(rows: tuple[Combined, ...]) -> Table:
    """Networks by methods, as the paper's Table 4."""
    table = new_table(
        "Trained networks against the first one in file order",
        ["network", "method"],
        ["flips\nmean", "flips\nbest", "energy\nmean", "energy\nbest", "with clock\nmean"],
        MEAN_NOTE,
    )
    for r in rows:
        ratios = (
            r.mean_hd_reduction,
            r.best_hd_reduction,
            r.mean_energy_reduction,
            r.best_energy_reduction,
            r.mean_clocked_reduction,
        )
        table.add_row(escape(r.network), r.method, *map(ratio, ratios))
    return table


@tables.register(Measurement)
def _measurement(result: Measurement) -> list[Table | str]:
    """Flips per layer and bit plane."""
    bits = max(r.bits for r in result.layers)
    table = new_table(
        f"{escape(result.network)}: flips in file order",
        ["layer", "K x C x taps"],
        ["NHD", "flips", *(f"bit {b}" for b in reversed(range(bits)))],
        f"mean NHD {result.mean_nhd:.3f}; bit {bits - 1} is the most significant",
    )
    for r in result.layers:
        planes = (f"{n:,}" for n in reversed(r.plane_flips))
        table.add_row(named(r.name), sizes(r.K, r.C, r.taps), f"{r.nhd:.3f}", f"{r.flips:,}", *planes)
    return [table, *told_of(result.unmapped, result.network_notes)]


@tables.register(Planning)
def _planning(result: Planning) -> list[Table | str]:
    """Flips before and after."""
    bound, several = any(r.lower_bound is not None for r in result.layers), len(result.scenario.searched) > 1
    told = "above bound: how much longer the orders can be than the best orders of the same groups, at most"
    table = new_table(
        f"{escape(result.network)}: {', '.join(result.scenario.searched)}, effort {result.scenario.effort}, "
        f"{result.scenario.array.rows} rows",
        ["layer", *(["method"] if several else []), "K x C x taps"],
        [
            "groups",
            "NHD before",
            "NHD",
            "flips before",
            "flips",
            "reduction",
            *(["above bound"] if bound else []),
        ],
        told if bound else None,
    )
    for r in result.layers:
        gap = []
        if r.lower_bound is not None:
            gap = [
                f"{100 * (r.flips / max(r.lower_bound, 1) - 1):.2f} %"
                if r.flips != r.lower_bound
                else "0.00 %"
            ]
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
def _roundings(result: Roundings) -> list[Table | str]:
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
            *(["energy,\nsimulated"] if gates else []),
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
def _training(result: TrainingTable) -> list[Table | str]:
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
            "energy\nmean",
            "energy\nbest",
        ],
        f"{MEAN_NOTE}; orders: {result.order_method}",
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
def _catalogue(result: Catalogue) -> list[Table | str]:
    """What comes with the package."""
    nets = new_table("Bundled networks", ["name", "card"], ["layers", "bits", "weights"])
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
        names = [name + "*" * required for name, required in c.attributes.items()]
        also = f"\n(with flip_rate: {', '.join(c.aliases)})" if c.aliases else ""
        classes.add_row(c.name + escape(also), ", ".join(names))
    return [nets, known, priced, classes]
