"""Tables about encodings."""

from __future__ import annotations

from hd_plugin.report._table import Fitted, named, names, new_table, spare
from hd_plugin.report._tables import tables
from hd_plugin.report._text import percent
from hd_plugin.study import FoundEncodings

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
    for one in result.front:
        table.add_row(
            named(one.encoding.name),
            one.origin,
            str(one.encoding.bits),
            str(len(one.encoding.used_gates)),
            f"{one.area:.1f}",
            str(one.errors.max_absolute),
            percent(one.errors.max_relative),
            f"{one.errors.rmse:.1f}",
        )
    return [table]
