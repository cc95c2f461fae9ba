"""What ``optimize --trellis`` does: round for few flips, without training, and score the result where there are images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hd_plugin.cli._options import progress_bar
from hd_plugin.cli._output import deliver, save_plans
from hd_plugin.errors import InputError

if TYPE_CHECKING:
    from hd_plugin.hardware.gates import ArrayEnergy
    from hd_plugin.streaming import Rounding
    from hd_plugin.training.scoring import Scoring
    from hd_plugin.weights import Network

__all__ = ["run_trellis"]


def run_trellis(
    network: Network,
    source: str,
    mus: Sequence[float],
    *,
    rows: int,
    method: str,
    effort: str,
    seed: int,
    threads: int | None,
    model: str | None,
    calibrate: Path | None,
    calibration_images: int,
    feedback: bool,
    test: Path | None,
    as_json: bool,
    output: Path | None,
    energies: ArrayEnergy | None,
) -> None:
    """One rounding of the whole network for each mu; with ``output``, a folder each with network.npz and plans.

    energies : round for least energy instead of flips, and simulate what comes of it.
    """
    from hd_plugin.report import trellis_table
    from hd_plugin.streaming import Jobs, flips, trellis

    if (calibrate or test) and model is None:
        raise InputError("--calibrate and --test need --model: the network to run the images through")
    scoring = None
    if model:
        from hd_plugin.training.scoring import Scoring

        scoring = Scoring(model, source, calibrate, calibration_images, seed, test)
    if energies and calibrate and feedback:
        raise InputError(
            "--objective energy with --trellis weighs errors by the inputs' power only: give --no-feedback"
        )
    moments = scoring.moments() if scoring and calibrate else {}
    runs, files = [], [flips(layer) for layer in network.layers]
    for mu in mus:

        def work(layer: Any, mu: float = mu) -> Rounding:
            if moments and layer.name not in moments:
                raise InputError(f"layer {layer.name!r}: the model has no such layer to take inputs from")
            given = moments.get(layer.name)
            chosen = (
                {}
                if given is None
                else {"hessian": given}
                if feedback
                else {"importance": np.diag(given).reshape(layer.codes.shape[1:])}
            )
            objective = energies.objective(layer) if energies else None
            return trellis(
                layer, mu, rows, method, effort, seed, objective=objective, jobs=jobs.child(), **chosen
            )

        with progress_bar() as progress:
            jobs = Jobs(threads, progress, f"{network.name}: mu {mu:g}")
            found = jobs.map(work, network.layers, work)
            simulated = (
                _simulated(network, found, energies, rows, Jobs(threads, progress, "simulating gates"))
                if energies
                else {}
            )
        runs.append(
            _told(mu, found, files)
            | {"top1": scoring.top1([r.layer for r in found]) if scoring and test else None}
            | simulated
        )
        if output is not None:
            _save(output / f"mu-{mu:g}", found, scoring)
    content = {
        "schema": "hd-plugin/trellis/1",
        "network": network.name,
        "digest": network.digest,
        "method": method,
        "effort": effort,
        "rows": rows,
        "seed": seed,
        "model": model,
        "feedback": feedback,
        "objective": "energy" if energies else "flips",
        "calibration_images": scoring.images_used if scoring and calibrate else 0,
        "layers": [layer.name for layer in network.layers],
        "runs": runs,
    }
    deliver(content, "trellis.json", output, as_json, lambda: [trellis_table(content)])


def _told(mu: float, found: list[Rounding], files: list[int]) -> dict[str, Any]:
    errors = (
        sum(r.error * r.layer.codes.size for r in found),
        sum(r.error_before * r.layer.codes.size for r in found),
    )
    return {
        "mu": mu,
        "noise_dB": 10 * float(np.log10(errors[0] / errors[1])) if min(errors) > 0 else None,
        "mean_hd_reduction": float(np.mean([f / max(r.flips, 1) for f, r in zip(files, found)])),
        "mean_over_method": float(np.mean([r.flips_before / max(r.flips, 1) for r in found])),
        "flips": [r.flips for r in found],
        "flips_before": [r.flips_before for r in found],
        "flips_file_order": files,
        "error": [r.error for r in found],
        "error_before": [r.error_before for r in found],
    }


def _simulated(
    network: Network, found: list[Rounding], energies: ArrayEnergy, rows: int, jobs: Any
) -> dict[str, Any]:
    """Datapath energy of a tile at gate level, against the network as it was in file order."""
    from hd_plugin.streaming import file_order_plan

    asked = [(layer, file_order_plan(layer, rows)) for layer in network.layers] + [
        (r.layer, r.plan) for r in found
    ]
    energies.prepare()
    priced = [one.datapath_fJ / one.tiles for one in jobs.map(lambda a: energies.simulated(*a), asked)]
    before, after = np.array(priced[: len(found)]), np.array(priced[len(found) :])
    return {
        "technology": energies.characterisation.technology.name,
        "simulated_fJ_file_order": before.tolist(),
        "simulated_fJ": after.tolist(),
        "mean_energy_reduction": float((before / after).mean()),
    }


def _save(folder: Path, found: list[Rounding], scoring: Scoring | None) -> None:
    layers = [r.layer for r in found]
    save_plans(folder / "plans", {(r.layer.name, r.plan.method): r.plan for r in found})
    if scoring:
        from hd_plugin.training.saved import save_network

        save_network(folder / "network.npz", scoring.fresh(), layers)
    else:
        from hd_plugin.weights import save_layers

        save_layers(folder / "network.npz", layers)
