"""Tables of what proves that results stay the same: layers verified, networks rewritten."""

from __future__ import annotations

from rich.markup import escape

from hd_plugin._ratios import times
from hd_plugin.report._table import Fitted, named, names, new_table, told_of
from hd_plugin.report._tables import tables
from hd_plugin.report._text import ratio, shorten
from hd_plugin.study import NetworkRewriting, NetworkVerification

__all__: list[str] = []


@tables.register(NetworkVerification)
def _verification(result: NetworkVerification) -> list[Fitted | str]:
    """One line a layer and method."""
    name = result.simulator
    ran = f"; {name}: the first tiles through the Verilog" if name else "; no HDL simulator ran"
    mac = "" if result.mac == "binary" else f"mac: {escape(result.mac)}; "
    table = new_table(
        f"{escape(result.network)}: {'all layers equal' if result.ok else 'NOT EQUAL'}; "
        f"{mac}activations: {escape(result.activations)}",
        [names(), "method", "integers"],
        ["pixels", "flips\nhardware", "table\nbytes"],
        f"table: one group's output addresses{ran}",
    )
    for column in (name, "toggles", "flips of\nthose tiles") if name else ():
        table.add_column(column, "text" if column == name else "number")
    for v in result.layers:
        rtl = v.rtl
        seen = (
            [rtl.difference or f"equal, {rtl.tiles} tiles", f"{rtl.toggles:,}", f"{rtl.flips:,}"]
            if rtl
            else []
        )
        table.add_row(
            named(v.layer),
            v.method,
            v.difference or "equal",
            f"{v.pixels:,}",
            f"{v.flips_hardware:,}",
            str(v.tables["bank_bytes"]),
            *seen,
            style=None if v.ok else "red",
        )
    return [table, *told_of(result.unmapped, result.network_notes)]


@tables.register(NetworkRewriting)
def _rewriting(result: NetworkRewriting) -> list[Fitted | str]:
    """One line a layer."""
    total, test, told = result.summary(), result.test, ""
    if test:
        told = (
            f"; {test.images:,} images in integers: top-1 {test.top1_before:.2f} % -> {test.top1:.2f} %, "
            f"outputs "
            f"{'equal' if test.equal else 'NOT EQUAL'}"
        )
    table = new_table(
        f"{escape(result.source)}: {total['flips_before']:,} -> {total['flips']:,} flips in file order{told}",
        [names()],
        ["flips\nbefore", "flips", "before /\nafter"],
    )
    table.add_column("output channels")
    for r in result.layers:
        tied = "free"
        if r.tied:
            shown = ", ".join(map(shorten, r.tied[:3]))
            tied = f"tied with {len(r.tied)}: {shown}{' ...' if len(r.tied) > 3 else ''}"
        table.add_row(
            named(r.name),
            f"{r.flips_before:,}",
            f"{r.flips:,}",
            ratio(times(r.flips_before, r.flips)),
            escape(f"stay: {r.pinned}" if r.pinned else tied),
        )
    return [table, *told_of(result.unmapped, result.network_notes)]
