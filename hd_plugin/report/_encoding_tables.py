"""Tables about encodings."""

from __future__ import annotations

from collections.abc import Sequence

from rich.markup import escape

from hd_plugin._ratios import times
from hd_plugin.encoding_mac import Candidate
from hd_plugin.report._table import Fitted, named, names, new_table, spare
from hd_plugin.report._tables import tables
from hd_plugin.report._text import percent, ratio
from hd_plugin.study import EncodedRun, EncodingScores, FoundEncodings

__all__: list[str] = []


@tables.register(FoundEncodings)
def _found(result: FoundEncodings) -> list[Fitted | str]:
    """The front, and beside each the truncation of as many outputs."""
    s = result.settings
    table = new_table(
        f"Encodings of {s.a_bits} x {s.w_bits} bits that no other one found beats",
        [names("encoding"), spare("origin", 2, "text")],
        ["outputs", spare("gates"), "area\nNAND2", "largest\nerror", "of the\nlargest\nproduct", "RMSE"],
        f"area: of a PE with its share of the counters below {s.rows} rows, modelled; error: in units of the "
        "product",
    )
    _add_rows(table, result.front)
    told: list[Fitted | str] = [table]
    if result.on_data:
        told.append(_on_data(result))
    if result.better:
        beside = new_table(
            "No larger than the truncation of as many outputs, and nearer to the product",
            [names("encoding")],
            ["outputs", "area\nNAND2", "truncated", "largest\nerror", "truncated", "nearer"],
            "nearer: x = error of the truncation / error",
        )
        plain = {c.encoding.bits: c for c in result.truncations}
        for one in result.better:
            base, e = plain[one.encoding.bits], one.errors
            beside.add_row(
                named(one.encoding.name),
                str(one.encoding.bits),
                f"{one.area:.1f}",
                f"{base.area:.1f}",
                str(e.max_absolute),
                str(base.errors.max_absolute),
                ratio(times(base.errors.max_absolute, e.max_absolute)),
            )
        told.append(beside)
    for other in result.published:
        told.append(
            f"published: {other.name}: power {other.power} in its own unit at a mean error of "
            f"{percent(other.mean_error)} ({other.source})"
        )
    return told


def _on_data(result: FoundEncodings) -> Fitted:
    table = new_table(
        "Encodings that no other one found beats where operands meet",
        [names("encoding"), spare("origin", 2, "text")],
        ["outputs", spare("gates"), "area\nNAND2", "RMSE\nwhere\nthey meet", "mean", "largest\nerror"],
        f"operands: {escape(result.data or '')}; errors in units of the product",
    )
    for one in result.on_data:
        table.add_row(
            *_cells(one),
            f"{one.on_data:.2f}",
            f"{one.errors.weighted_mean or 0.0:.2f}",
            str(one.errors.max_absolute),
        )
    return table


def _cells(one: Candidate) -> tuple[str, ...]:
    """Name, origin, outputs, gates and area."""
    e = one.encoding
    return named(e.name), one.origin, str(e.bits), str(len(e.used_gates)), f"{one.area:.1f}"


def _add_rows(table: Fitted, found: Sequence[Candidate]) -> None:
    for one in found:
        table.add_row(
            *_cells(one),
            str(one.errors.max_absolute),
            percent(one.errors.max_relative),
            f"{one.errors.rmse:.1f}",
        )


@tables.register(EncodingScores)
def _scores(result: EncodingScores) -> list[Fitted | str]:
    """Every run, and the layers of each."""
    tuned = any(run.tuned for run in result.runs)
    table = new_table(
        f"{escape(result.network)}: encoded products, {result.test_images:,} test images",
        [names("encoding")],
        [
            "cost",
            "top-1",
            "points\nlost",
            spare("loss"),
            *(["top-1\ntrained", "points\nlost"] if tuned else []),
        ],
        f"exact integers, calibrated alike: {result.exact_top1:.2f} %; cost: modelled area of a column's PE "
        "times products, of the exact encoding's; points: of top-1 against exact integers",
    )
    for run in result.runs:
        after = run.tuned
        lost = [] if after is None else [f"{after.top1:.2f} %", f"{result.exact_top1 - after.top1:.2f}"]
        table.add_row(
            named(run.name),
            percent(run.cost),
            f"{run.top1:.2f} %",
            f"{result.exact_top1 - run.top1:.2f}",
            f"{run.loss:.3f}",
            *(lost or ["", ""] * tuned),
        )
    told = [f"trained: {escape(run.tuned.path)}" for run in result.runs if run.tuned]
    notes = [f"note: {escape(note)}" for note in result.notes]
    return [table, *(_run_layers(run) for run in result.runs), *told, *notes]


def _run_layers(run: EncodedRun) -> Fitted:
    table = new_table(
        f"{escape(run.name)}, layer by layer",
        [names(), names("encoding")],
        ["outputs", spare("products"), "inputs\nclipped at", "error\nRMS", "mean", "of the\nproduct's\nRMS"],
        "errors of a product, in its unit, over the operands that meet in the layer; clipped at: of the "
        "largest input",
    )
    for one in run.layers:
        table.add_row(
            named(one.name),
            named(one.encoding or "exact products"),
            str(one.outputs),
            f"{one.products:,}",
            percent(one.clip),
            f"{one.rmse:.1f}",
            f"{one.mean:.1f}",
            percent(one.rmse / one.rms) if one.rms else "",
        )
    return table
