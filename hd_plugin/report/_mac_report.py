"""MACs side by side: their tables, and one picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.markup import escape

from hd_plugin._csv import write_csv
from hd_plugin._ratios import times
from hd_plugin._wording import printable
from hd_plugin.report._axes import bands, colour, figure_of, heading, legend, new_axis, plot, wrapped
from hd_plugin.report._figures import figures
from hd_plugin.report._files import more_files, save_plans, stems
from hd_plugin.report._pictures import pictures, save_pictures
from hd_plugin.report._table import Fitted, named, names, new_table, spare, told_of
from hd_plugin.report._tables import tables
from hd_plugin.report._text import MEAN_NOTE, energy, percent, ratio
from hd_plugin.study import MacArray, MacComparison

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_macs"]


@tables.register(MacComparison)
def _macs(result: MacComparison) -> list[Fitted | str]:
    """Every array under every kind of plan, and every layer."""
    first, size = result.arrays[0], result.scenario.array
    told = f"{result.scenario.energy} at gate level"
    whole = new_table(
        f"{escape(result.network)}: MACs on {size.rows} x {size.cols} PEs, {told}",
        [names("MAC"), "plans"],
        [
            spare("outputs\nof a PE"),
            "flips",
            "datapath",
            "x",
            "with\nclock",
            "x",
            spare("um2\na PE"),
            "area,\nless",
        ],
        f"energies: sums over layers; x = before / after, against {first.mac} in file order; {MEAN_NOTE}; "
        "um2 a PE: area of the array over its PEs; less = 1 - after / before",
    )
    for one in result.summaries():
        array = next(a for a in result.arrays if a.mac == one.mac)
        whole.add_row(
            named(array.mac),
            one.plans,
            str(array.outputs or "-"),
            f"{one.flips:,}",
            energy(one.datapath_J),
            ratio(one.mean_energy_reduction),
            energy(one.clocked_J),
            ratio(one.mean_clocked_reduction),
            f"{array.pe_um2:,.0f}",
            percent(one.area_less),
        )
    return [whole, _layers(result), *told_of(result.unmapped, result.network_notes)]


def _layers(result: MacComparison) -> Fitted:
    """x of every layer, of the datapath's energy."""
    first = result.arrays[0].mac
    columns = [(a.mac, plans) for a in result.arrays for plans in result.plans][1:]
    table = new_table(
        "Datapath energy, layer by layer",
        [names()],
        [f"{printable(mac)}\n{plans}" for mac, plans in columns],
        f"x = before / after, against {first} in file order",
    )
    base, others = result.of(first, result.plans[0]), [result.of(*column) for column in columns]
    for i, row in enumerate(base):
        table.add_row(named(row.layer), *(ratio(times(row.datapath_J, o[i].datapath_J)) for o in others))
    return table


@plot
def plot_macs(result: MacComparison, ax: Axes | None = None) -> Axes:
    """Energy of the whole network on every array under every kind of plan, the clock on top, against the
    first array in file order with its clock.
    """
    ax = new_axis(ax, 8.0, 4.2)
    summaries = result.summaries()
    whole = summaries[0].clocked_J
    width = 0.8 / len(result.plans)
    for i, plans in enumerate(result.plans):
        own = [s for s in summaries if s.plans == plans]
        x = np.arange(len(own)) + (i - (len(result.plans) - 1) / 2) * width
        shade = colour("baseline") if i == 0 else colour(plans)
        bottom = np.array([s.datapath_J for s in own]) / whole
        top = np.array([s.clocked_J - s.datapath_J for s in own]) / whole
        ax.bar(x, bottom, 0.92 * width, color=shade, label=plans)
        ax.bar(
            x, top, 0.92 * width, bottom=bottom, color=shade, alpha=0.35, label="clock" if i == 0 else None
        )
    ax.set_xticks(range(len(result.arrays)), [_under(a) for a in result.arrays], fontsize=8.5)
    ax.set_ylabel("energy; um2: area of a PE")
    told = []
    for a in result.arrays:
        lines = [f"{s.plans}: {ratio(s.mean_energy_reduction)}" for s in summaries if s.mac == a.mac]
        told.append("\n".join([printable(a.mac), *lines]))
    bands(ax, range(len(result.arrays)), told)
    legend(ax, 2.2)
    heading(ax, f"Energy, {result.arrays[0].mac} in file order with its clock is 1", result.network)
    return ax


def _under(array: MacArray) -> str:
    """What stands under its bars."""
    outputs = f"{array.outputs} outputs, " if array.outputs else ""
    return f"{wrapped(printable(array.mac), 20)}\n{outputs}{array.pe_um2:,.0f} um2"


@figures.register(MacComparison)
def _figures(result: MacComparison, *, narrow: bool = False) -> dict[str, Figure]:
    return {} if narrow else {"macs": figure_of(plot_macs(result))}


@more_files.register(MacComparison)
def _files(result: MacComparison, folder: Path) -> Path:
    lines = result.to_records()
    write_csv(folder / "compare-macs.csv", list(lines[0]), lines)
    save_pictures(pictures(result), folder / "plots")
    # plans for least flips are the same on all arrays, those for least energy are of each; a MAC's name may
    # come out of anyone's file
    save_plans(folder / "plans", result.comparisons[result.arrays[0].mac, "flips"].plans)
    least = {key: found for key, found in result.comparisons.items() if key[1] != "flips"}
    for stem, found in zip(stems(least), least.values()):
        save_plans(folder / f"plans.{stem}", found.plans)
    return folder / "plots" / "macs.png"
