"""The numbers of an answer that the texts may quote, by short names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hd_plugin._ratios import less, mean_times, times

__all__ = ["values"]

Answer = dict[str, Any]
Values = dict[str, float]
_PES = ("mac", "weight_hop", "psum_hop")


def values(answer: Answer) -> Values:
    """By name, by what the answer's schema is."""
    kind = answer["schema"].split("/")[1]
    if kind == "optimize" and answer["objective"] == "energy":
        kind = "energy"
    return _KINDS[kind](answer) if kind in _KINDS else {k: float(v) for k, v in answer["values"].items()}


def _compare(answer: Answer) -> Values:
    found: Values = {}
    for method, s in answer["summary"].items():
        layers = [layer["methods"] for layer in answer["layers"]]
        found[f"{method}.flips"], found[f"{method}.flips_best"] = (
            s["mean_hd_reduction"],
            s["best_hd_reduction"],
        )
        found[f"{method}.datapath"] = s["mean_energy_reduction"]
        found[f"{method}.datapath_best"] = s["best_energy_reduction"]
        spent = [
            [sum(m[which]["energy_J"][p] for p in _PES) for m in layers] for which in ("baseline", method)
        ]
        found[f"{method}.pes"] = mean_times(*spent)
    for c in answer["trained"]:
        key = f"{c['network']}.{c['method']}"
        for name, field in (
            ("flips", "mean_hd_reduction"),
            ("flips_best", "best_hd_reduction"),
            ("datapath", "mean_energy_reduction"),
            ("datapath_best", "best_energy_reduction"),
            ("clocked", "mean_clocked_reduction"),
        ):
            found[f"{key}.{name}"] = c[field]
    if answer["provenance"]["scenario"]["energy"] == "simulated":
        found |= _line(answer)
    if table := answer["studies"].get("table_cost"):
        found |= _table(table)
    return found


def _line(answer: Answer) -> Values:
    """The straight line through energy of a PE and step against NHD, all layers and methods."""
    rows = [m for layer in answer["layers"] for m in layer["methods"].values()]
    x = np.array([m["nhd"] for m in rows])
    y = np.array([sum(m["energy_J"][p] for p in _PES) / m["counts"]["weight_hops"] for m in rows])
    fitted = np.polyval(np.polyfit(x, y, 1), x)
    r2 = 1 - ((y - fitted) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    return {"line.r2": float(r2), "line.error": float(np.abs(fitted / y - 1).mean()), "rows": len(rows)}


def _table(cost: Answer) -> Values:
    found: Values = {}
    for i, size in enumerate(cost["sizes"]):
        spent = {m: joules[i] for m, joules in cost["datapath_J"].items()}
        for method in ("direct", "cluster"):
            found[f"table.{size}.{method}"] = times(spent["baseline"], spent[method])
        found[f"table.{size}.share"] = cost["table_J"]["cluster"][i] / spent["cluster"]
        found[f"table.{size}.area"] = cost["table_um2"] / cost["array_um2"][i]
    return found


def _optimize(answer: Answer) -> Values:
    found = {f"{m}.flips": s["mean_hd_reduction"] for m, s in answer["summary"].items()}
    gaps = [la["flips"] / la["lower_bound"] - 1 for la in answer["layers"] if la.get("lower_bound")]
    return found | ({"above_bound": float(np.mean(gaps))} if gaps else {})


def _energy(answer: Answer) -> Values:
    """Plans for least energy against plans for least flips; energies are of the PEs."""
    gone = np.array([less(la["simulated_fJ_plan_for_flips"], la["simulated_fJ"]) for la in answer["layers"]])
    found = {"less": gone.mean(), "less_std": gone.std(), "less_min": gone.min(), "less_max": gone.max()}
    for objective in ("flips", "energy"):
        told = answer["summary"][objective]
        found[f"{objective}.flips"] = told["hd_reduction"]
        found[f"{objective}.pes"] = told["simulated_reduction"]
        found[f"{objective}.clocked"] = told["with_clock_reduction"]
    for name, model in answer["models"].items():
        found |= {f"{name}.{k}": model[k] for k in ("mean_error", "worst_error", "r2", "samples")}
    return {k: float(v) for k, v in found.items()}


def _round(answer: Answer) -> Values:
    found: Values = {}
    for run in answer["runs"]:
        names = {
            "flips": "mean_hd_reduction",
            "over": "mean_over_method",
            "noise": "noise_dB",
            "top1": "top1",
        }
        found |= {f"mu{run['mu']:g}.{k}": run[v] for k, v in names.items() if run[v] is not None}
    return found


def _rewrite(answer: Answer) -> Values:
    ratios = [times(la["flips_before"], la["flips"]) for la in answer["layers"]]
    residual = [r for r, la in zip(ratios, answer["layers"]) if "conv2" in la["name"]]
    found = {"flips": float(np.mean(ratios)), "tied_least": min(residual), "tied_most": max(residual)}
    return found | {k: float(answer["test"][k]) for k in ("top1_before", "top1", "images")}


def _verify(answer: Answer) -> Values:
    runs = [la["rtl"] for la in answer["layers"]]
    found = {"runs": float(len(runs)), "equal": float(answer["ok"])}
    return found | {"megacycles": sum(r["cycles"] for r in runs) / 1e6} if all(runs) else found


_PLANS = {"file order": "file", "cluster": "cluster", "cluster, least energy": "energy"}


def _macs(answer: Answer) -> Values:
    """Every array under every kind of plan, against the first one in file order."""
    found: Values = {}
    for s in answer["summary"]:
        mac = s["mac"].replace(":", "_")
        key = f"{mac}.{_PLANS[s['plans']]}"
        found |= {
            f"{key}.datapath": s["mean_energy_reduction"],
            f"{key}.clocked": s["mean_clocked_reduction"],
        }
        found |= {f"{key}.flips": s["mean_hd_reduction"], f"{mac}.area_less": s["area_less"]}
        found |= {f"{key}.uJ": 1e6 * s["datapath_J"], f"{key}.clocked_uJ": 1e6 * s["clocked_J"]}
    return found | {f"{a['mac'].replace(':', '_')}.um2": a["pe_um2"] for a in answer["arrays"]}


def _encoded(answer: Answer) -> Values:
    """Top-1 of a network with encoded products, and points lost to exact ones; trained with them, too."""
    found = {"exact.top1": answer["exact_top1"], "images": answer["test_images"]}
    for run in answer["runs"]:
        key = run["name"].replace(":", "_")
        found |= {f"{key}.top1": run["top1"], f"{key}.lost": answer["exact_top1"] - run["top1"]}
        found[f"{key}.cost"] = run["cost"]
        if tuned := run["tuned"]:
            found |= {
                f"{key}.tuned": tuned["top1"],
                f"{key}.tuned_lost": answer["exact_top1"] - tuned["top1"],
            }
            found[f"{key}.tuned_exact"] = tuned["exact_top1"]
    return {k: float(v) for k, v in found.items()}


_KINDS: dict[str, Callable[[Answer], Values]] = {
    "compare": _compare,
    "compare-macs": _macs,
    "encode-evaluate": _encoded,
    "optimize": _optimize,
    "energy": _energy,
    "round": _round,
    "rewrite": _rewrite,
    "verify": _verify,
}
