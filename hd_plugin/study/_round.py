"""``round_weights``: weights rounded anew for few flips (or little energy), without training, and scored
where there are images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from hd_plugin.characterisation import ArrayEnergy, SimulatedEnergy
from hd_plugin.errors import InputError
from hd_plugin.streaming import Jobs, Rounding, Search, StreamPlan, file_order_plan, flips, trellis
from hd_plugin.study._energies import array_energy
from hd_plugin.study._policies import OBJECTIVES, kept
from hd_plugin.study._result import Result
from hd_plugin.study._rounded import RoundedNetwork, SimulatedTiles
from hd_plugin.study._scenario import Scenario
from hd_plugin.study._used import question, used
from hd_plugin.weights import Layer, Network, Note, Unmapped

if TYPE_CHECKING:
    from hd_plugin.training.scoring import Scoring

__all__ = ["Roundings", "round_weights"]


@dataclass(frozen=True, repr=False)
class Roundings(Result):
    """A rounded network for each mu. Schema hd-plugin/round/1 (was hd-plugin/trellis/1)."""

    schema = "hd-plugin/round/1"
    file = "round.json"
    lines = "runs"

    network: str
    digest: str
    scenario: Scenario
    runs: tuple[RoundedNetwork, ...]
    feedback: bool
    scoring: Scoring | None = field(default=None, repr=False)
    unmapped: tuple[Unmapped, ...] = ()
    network_notes: tuple[Note, ...] = ()
    interrupted: bool = False

    @property
    def method(self) -> str:
        """Whose orders the weights were rounded for."""
        return self.scenario.searched[0]

    @property
    def calibration_images(self) -> int:
        """How many; 0 without calibration."""
        return self.scoring.images_used if self.scoring else 0

    @property
    def notes(self) -> tuple[str, ...]:
        """That no image judged the new weights, where none did: noise in dB says little about accuracy."""
        changed = [f"{r.mu:g}" for r in self.runs if r.mu > 0 and r.top1 is None]
        if not changed:
            return ()
        told = (
            f"accuracy not measured: mu {', '.join(changed)} changed weights and no test image judged them; "
            "--model and --test (Python: scoring) score every mu"
        )
        if not self.calibration_images:
            told += (
                ". Without calibration (--calibrate) all rounding errors weigh the same, and top-1 can fall "
                "by many points"
            )
        return (told,)

    def summary(self) -> dict[str, dict[str, float | None]]:
        """By mu."""
        return {f"{r.mu:.12g}": {"mean_hd_reduction": r.mean_hd_reduction, "top1": r.top1} for r in self.runs}

    def to_dict(self) -> dict[str, Any]:
        return {
            "schema": self.schema,
            "network": self.network,
            "digest": self.digest,
            "method": self.method,
            "effort": self.scenario.effort,
            "rows": self.scenario.array.rows,
            "seed": self.scenario.seed,
            "model": self.scoring.model if self.scoring else None,
            "feedback": self.feedback,
            "objective": self.scenario.objective,
            "calibration_images": self.calibration_images,
            "interrupted": self.interrupted,
            "layers": [r.layer.name for r in self.runs[0].roundings] if self.runs else [],
            "runs": [r.to_dict() for r in self.runs],
            "notes": list(self.notes),
            "unmapped": [u.to_dict() for u in self.unmapped],
            "network_notes": [n.to_dict() for n in self.network_notes],
            "provenance": {"scenario": self.scenario.to_dict()},
        }


def round_weights(
    network: Network,
    mus: Sequence[float] | float,
    scenario: Scenario | None = None,
    *,
    scoring: Scoring | None = None,
    feedback: bool = True,
    jobs: Jobs | None = None,
    **fields: Any,
) -> Roundings:
    """``network`` with weights that trade rounding error against flips, once for each of ``mus``.

    A flip is worth mu squared steps of rounding error. The scenario (or its ``fields``) names one method,
    whose orders and codes are improved in turn; cluster by default. scoring : a network to run
    (``hd_plugin.training.scoring``): its calibration images say which errors reach the outputs, its test
    images score every mu. feedback : with calibration, errors are made good by later columns, as GPTQ does;
    False only weighs them by the inputs' power. objective "energy" prices transitions by a characterised
    array. Raises InputError.
    """
    asked = used(scenario or Scenario(methods=("cluster",)), network, "rounding weights", **fields)
    strengths = _strengths(mus)
    if len(asked.searched) != 1:
        raise InputError(
            f"methods: {', '.join(asked.searched) or 'baseline'} found; rounding takes one method's orders"
        )
    calibrated = scoring is not None and scoring.images_used > 0
    energies = None
    if OBJECTIVES[asked.objective].needs_gates:
        if calibrated and feedback:
            raise InputError(
                "feedback: with objective 'energy' errors are weighed by the inputs' power only; take it off"
            )
        energies = array_energy(asked, network.layers, rows_only=True)
    jobs = jobs or Jobs()
    own = {"mus": strengths, "feedback": feedback, "scoring": scoring.identity() if scoring else None}
    jobs.question(question("round", asked, network, **own))
    moments = scoring.moments() if scoring is not None and calibrated else None
    before = tuple(flips(layer) for layer in network.layers)
    runs = []
    for mu, part in zip(strengths, jobs.parts(*[1.0] * len(strengths))):
        try:
            found = _round(network, mu, asked, (moments, feedback), energies, part)
            top1 = scoring.top1([r.layer for r in found]) if scoring is not None and scoring.test else None
            simulated = _simulated(network, found, energies, part) if energies else None
        except KeyboardInterrupt:  # what is done of this one is in the journal; those before it are whole
            jobs.stop()
            break
        runs.append(RoundedNetwork(float(mu), tuple(found), before, top1, simulated))
    return Roundings(
        network.name,
        network.digest,
        asked,
        tuple(runs),
        feedback,
        scoring,
        tuple(network.unmapped),
        network.flip_notes,
        jobs.interrupted,
    )


def _strengths(mus: Sequence[float] | float) -> list[float]:
    """Numbers, each once."""
    found = [mus] if isinstance(mus, (int, float)) else list(mus)
    for mu in found:
        if isinstance(mu, bool) or not isinstance(mu, (int, float)) or not mu >= 0:
            raise InputError(f"mu: {mu!r} found; a number of at least 0 is needed")
    names = [f"{mu:.12g}" for mu in found]
    if twice := [name for name in names if names.count(name) > 1]:
        raise InputError(f"mu: {twice[0]} found twice; give each once")
    return [float(mu) for mu in found]


def _round(
    network: Network,
    mu: float,
    scenario: Scenario,
    weighing: tuple[Mapping[str, np.ndarray] | None, bool],
    energies: ArrayEnergy | None,
    jobs: Jobs,
) -> list[Rounding]:
    search = Search(
        rows=scenario.array.rows, method=scenario.searched[0], effort=scenario.effort, seed=scenario.seed
    )
    objective, (moments, feedback) = OBJECTIVES[scenario.objective], weighing
    rounding = jobs.named(f"{network.name}: mu {mu:g}")

    def work(layer: Layer, own: Jobs) -> Rounding:
        if moments is not None and layer.name not in moments:
            raise InputError(f"layer {layer.name!r}: the model has no such layer to take inputs from")
        given = None if moments is None else moments[layer.name]
        chosen: dict[str, np.ndarray] = {}
        if given is not None:
            power = np.diag(given).reshape(layer.codes.shape[1:])
            chosen = {"hessian": given} if feedback else {"importance": power}
        least = objective.of(layer, energies)
        return trellis(layer, mu, search, minimise=least, jobs=own, **chosen)

    largest = sorted(network.layers, key=lambda layer: -layer.codes.size)
    found = rounding.spread(work, largest, weights=[float(layer.codes.size) for layer in largest])
    if jobs.interrupted:
        raise KeyboardInterrupt
    made = {r.layer.name: r for r in found}
    return [made[layer.name] for layer in network.layers]


def _simulated(
    network: Network, found: Sequence[Rounding], energies: ArrayEnergy, jobs: Jobs
) -> SimulatedTiles:
    """Against the network as it was, in file order."""
    asked = [(layer, file_order_plan(layer, r.plan.rows)) for layer, r in zip(network.layers, found)]
    asked += [(r.layer, r.plan) for r in found]
    energies.prepare()

    def price(run: tuple[Layer, StreamPlan]) -> SimulatedEnergy:
        return kept(jobs, energies, "by gates", run, lambda: [energies.simulated(*run)])[0]

    priced = jobs.named("simulating gates").map(price, asked)
    tiles = [one.datapath_fJ / one.tiles for one in priced]
    technology = energies.characterisation.technology.name
    return SimulatedTiles(technology, tuple(tiles[: len(found)]), tuple(tiles[len(found) :]))
