"""Tables for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from hd_plugin.report._text import MEAN_NOTE, energy, ratio, shorten

if TYPE_CHECKING:
    from hd_plugin.combined import Combined
    from hd_plugin.comparison import Comparison

__all__ = [
    "combined_table",
    "compare_tables",
    "doctor_tables",
    "layers_table",
    "measure_table",
    "networks_table",
    "optimize_table",
    "rewrite_table",
    "training_table",
    "trellis_table",
    "verify_table",
]


def new_table(title: str, left: list[str], right: list[str], caption: str | None = None) -> Table:
    table = Table(
        title=title, caption=caption, title_justify="left", caption_justify="left", header_style="bold"
    )
    for name in left:
        table.add_column(name)
    for name in right:
        table.add_column(name, justify="right")
    return table


def compare_tables(result: Comparison) -> list[Table]:
    """The per-layer table and the summary of a comparison."""
    methods = result.methods[1:]
    size = f"{result.array['rows']} x {result.array['cols']}"
    layers = new_table(
        f"{escape(result.network)}: {result.bits}-bit {result.number_format} weights on {size} PEs, engine {result.engine}",
        ["layer", "K x C x taps", "P x Q"],
        ["NHD", *(f"{m}\nflips" for m in methods), *(f"{m}\nenergy" for m in methods)],
        f"reductions against the baseline; energy = datapath{_origin(result)}, address table included, clock not",
    )
    by_method = {m: result.of(m) for m in result.methods}
    for i, base in enumerate(by_method["baseline"]):
        rows = [by_method[m][i] for m in methods]
        layers.add_row(
            escape(shorten(base.layer)),
            f"{base.K} x {base.C} x {base.taps}",
            f"{base.P} x {base.Q}",
            f"{base.nhd:.3f}",
            *(ratio(r.hd_reduction) for r in rows),
            *(ratio(r.energy_reduction) for r in rows),
        )
    summary = new_table(
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
            f"all energy\n{'with' if result.provenance['options']['clock'] else 'without'} clock",
        ],
        MEAN_NOTE,
    )
    for method, s in result.summary().items():
        summary.add_row(
            method,
            ratio(s["mean_hd_reduction"]),
            ratio(s["best_hd_reduction"]),
            ratio(s["mean_energy_reduction"]),
            ratio(s["best_energy_reduction"]),
            f"{s['flips']:,}",
            f"{s['flips_hardware']:,}",
            f"{s['flips_hardware_alternate']:,}",
            energy(s["datapath_energy_J"]),
            energy(s["total_energy_J"]),
        )
    return [layers, summary, *([combined_table(result.trained)] if result.trained else [])]


def _origin(result: Comparison) -> str:
    """Where datapath energies come from, when not from the flips."""
    source, model = result.provenance["options"]["energy"], result.provenance.get("energy_model")
    within = (
        f" (on another network 95 % of layers are within {model['p95_error']:.1%} of simulation)"
        if model
        else ""
    )
    return "" if source == "flips" else f", {source} at gate level in {escape(result.technology)}{within}"


def combined_table(rows: list[Combined]) -> Table:
    """Networks by methods, as the paper's Table 4."""
    table = new_table(
        "Trained networks against the first one in file order",
        ["network", "method"],
        ["flips\nmean", "flips\nbest", "energy\nmean", "energy\nbest", "with clock\nmean"],
        MEAN_NOTE,
    )
    for r in rows:
        table.add_row(
            escape(r.network),
            r.method,
            ratio(r.mean_hd_reduction),
            ratio(r.best_hd_reduction),
            ratio(r.mean_energy_reduction),
            ratio(r.best_energy_reduction),
            ratio(r.mean_clocked_reduction),
        )
    return table


def training_table(content: dict[str, Any]) -> Table:
    """One line a trained network, as the paper's Table 3, from the content of train.json."""
    table = new_table(
        f"{escape(content['model'])}: against the 4-bit baseline in file order",
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
        f"{MEAN_NOTE}; orders: {content['order_method']}",
    )
    base = content["runs"][0]["top1"]
    for r in content["runs"]:
        table.add_row(
            r["method"],
            f"{r['strength']:g}",
            f"{r['top1']:.2f}",
            f"{r['top5']:.2f}",
            f"{r['top1'] - base:+.2f}",
            ratio(r["mean_hd_reduction"]),
            ratio(r["best_hd_reduction"]),
            ratio(r["mean_energy_reduction"]),
            ratio(r["best_energy_reduction"]),
        )
    return table


def trellis_table(content: dict[str, Any]) -> Table:
    """One line a mu, from the content of trellis.json."""
    scored, gates = any(r["top1"] is not None for r in content["runs"]), content.get("objective") == "energy"
    table = new_table(
        f"{escape(content['network'])}: trellis rounding on top of {content['method']}",
        ["mu"],
        [
            "noise dB",
            "flips\nmean",
            f"over\n{content['method']}",
            *(["energy,\nsimulated"] if gates else []),
            *(["top-1 %"] if scored else []),
        ],
        f"{MEAN_NOTE}; noise against nearest rounding"
        + (", as it reaches the outputs" if content["calibration_images"] else ""),
    )
    for r in content["runs"]:
        table.add_row(
            f"{r['mu']:g}",
            "-" if r["noise_dB"] is None else f"{r['noise_dB']:+.2f}",
            ratio(r["mean_hd_reduction"]),
            ratio(r["mean_over_method"]),
            *([ratio(r["mean_energy_reduction"])] if gates else []),
            *([f"{r['top1']:.2f}"] if scored else []),
        )
    return table


def measure_table(content: dict[str, Any]) -> Table:
    """Flips per layer and bit plane, from the content of measure.json."""
    bits = max(r["bits"] for r in content["layers"])
    table = new_table(
        f"{escape(content['network'])}: flips in file order",
        ["layer", "K x C x taps"],
        ["NHD", "flips", *(f"bit {b}" for b in reversed(range(bits)))],
        f"mean NHD {content['mean_nhd']:.3f}; bit {bits - 1} is the most significant",
    )
    for r in content["layers"]:
        table.add_row(
            escape(shorten(r["name"])),
            f"{r['K']} x {r['C']} x {r['taps']}",
            f"{r['nhd']:.3f}",
            f"{r['flips']:,}",
            *(f"{n:,}" for n in reversed(r["plane_flips"])),
        )
    return table


def optimize_table(content: dict[str, Any]) -> Table:
    """Flips before and after, from the content of optimize.json."""
    bound = any("lower_bound" in r for r in content["layers"])
    table = new_table(
        f"{escape(content['network'])}: {content['method']}, effort {content['effort']}, {content['rows']} rows",
        ["layer", "K x C x taps"],
        [
            "groups",
            "NHD before",
            "NHD",
            "flips before",
            "flips",
            "reduction",
            *(["above bound"] if bound else []),
        ],
        "above bound: how much longer the orders can be than the best orders of the same groups, at most"
        if bound
        else None,
    )
    for r in content["layers"]:
        gap = []
        if bound:
            low = r.get("lower_bound")
            gap = [
                ""
                if low is None
                else "0.00 %"
                if r["flips"] == low
                else f"{100 * (r['flips'] / max(low, 1) - 1):.2f} %"
            ]
        table.add_row(
            escape(shorten(r["name"])),
            f"{r['K']} x {r['C']} x {r['taps']}",
            str(r["groups"]),
            f"{r['nhd_before']:.3f}",
            f"{r['nhd']:.3f}",
            f"{r['flips_before']:,}",
            f"{r['flips']:,}",
            ratio(r["hd_reduction"]),
            *gap,
        )
    return table


def networks_table(content: dict[str, Any]) -> list[Table]:
    """What comes with the package, from the content of networks.json."""
    nets = new_table("Bundled networks", ["name", "card"], ["layers", "bits", "weights"])
    for r in content["networks"]:
        title = r["card"].splitlines()[0].lstrip("# ") if r["card"] else ""
        nets.add_row(r["name"], escape(title), str(r["layers"]), str(r["bits"]), f"{r['weights']:,}")
    known = new_table("Known by name", ["kind", "names"], [])
    known.add_row("network specs (--spec)", "\n".join(content["specs"]))
    known.add_row("arrays (--array)", "\n".join(content["arrays"]))
    return [nets, known]


def layers_table(content: dict[str, Any]) -> Table:
    """Sizes by Timeloop's letters, from the content of layers.json."""
    letters = ["C", "K", "R", "S", "P", "Q"]
    files = any("file" in r for r in content["layers"])
    table = new_table(
        f"{escape(content['network'])}: Timeloop problems", ["layer", *(["file"] if files else [])], letters
    )
    for r in content["layers"]:
        table.add_row(
            escape(shorten(r["name"])), *([r.get("file", "")] if files else []), *(str(r[x]) for x in letters)
        )
    return table


def doctor_tables(content: dict[str, Any]) -> list[Table | str]:
    """Who served each component and action, from the content of doctor.json."""
    found = new_table("Found", ["what", "where"], [])
    for name, path in content["tools"].items():
        found.add_row(name.replace("_", "-"), escape(path))
    found.add_row("configuration", escape(content["accelergy_config"]))
    table = new_table("Who served what", ["component", "class", "action"], ["value", "", ""])
    for column, name in zip(table.columns[4:], ("served by", "problem")):
        column.header, column.justify = name, "left"
    for r in content["rows"]:
        style = "red" if r["problem"] else None
        table.add_row(
            escape(r["component"]),
            escape(r["class_name"]),
            r["action"],
            f"{r['value']:.6g} {r['unit']}",
            escape(r["estimator"]),
            escape(r["problem"]),
            style=style,
        )
    wrong = sum(bool(r["problem"]) for r in content["rows"])
    verdict = (
        f"{wrong} of {len(content['rows'])} values are not hd_plugin's"
        if wrong
        else f"all {sum(r['estimator'] == 'hd_plugin' for r in content['rows'])} values of hd_plugin's components are its own"
    )
    return [found, table, verdict]


def verify_table(content: dict[str, Any]) -> Table:
    """One line a layer and method, from the content of verify.json."""
    name = content["simulator"]
    table = new_table(
        f"{escape(content['network'])}: {'all layers equal' if content['ok'] else 'NOT EQUAL'}; activations: {escape(content['activations'])}",
        ["layer", "method", "integers"],
        ["pixels", "flips\nhardware", "table\nbytes"],
        "table: one group's output addresses"
        + (f"; {name}: the first tiles through the Verilog" if name else "; no HDL simulator ran"),
    )
    for column in (name, "toggles", "flips of\nthose tiles") if name else ():
        table.add_column(column, justify="left" if column == name else "right")
    for v in content["layers"]:
        rtl = v["rtl"]
        seen = (
            [rtl["difference"] or f"equal, {rtl['tiles']} tiles", f"{rtl['toggles']:,}", f"{rtl['flips']:,}"]
            if rtl
            else []
        )
        table.add_row(
            escape(shorten(v["layer"])),
            v["method"],
            v["difference"] or "equal",
            f"{v['pixels']:,}",
            f"{v['flips_hardware']:,}",
            str(v["tables"]["bank_bytes"]),
            *seen,
            style=None if v["ok"] else "red",
        )
    return table


def rewrite_table(content: dict[str, Any]) -> Table:
    """One line a layer, from the content of rewrite.json."""
    before, after = (sum(r[k] for r in content["layers"]) for k in ("flips_before", "flips"))
    test = content.get("test")
    told = (
        f"; {test['images']:,} images in integers: top-1 {test['top1_before']:.2f} % -> {test['top1']:.2f} %, outputs "
        f"{'equal' if test['equal'] else 'NOT EQUAL'}"
        if test
        else ""
    )
    table = new_table(
        f"{escape(content['source'])}: {before:,} -> {after:,} flips in file order{told}",
        ["layer"],
        ["flips before", "flips", "reduction"],
    )
    table.add_column("output channels")
    for r in content["layers"]:
        tied = (
            f"tied with {len(r['tied'])}: {', '.join(map(shorten, r['tied'][:3]))}{' ...' if len(r['tied']) > 3 else ''}"
            if r["tied"]
            else "free"
        )
        table.add_row(
            escape(shorten(r["name"])),
            f"{r['flips_before']:,}",
            f"{r['flips']:,}",
            ratio(r["flips_before"] / max(r["flips"], 1)),
            escape(f"stay: {r['pinned']}" if r["pinned"] else tied),
        )
    return table
