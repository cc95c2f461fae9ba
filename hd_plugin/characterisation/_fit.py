"""Energy models: which counts explain simulated energy, with what coefficients, and how well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import nnls

from hd_plugin.encoding_mac import Encoding, OutputActivity, output_activity
from hd_plugin.energy import EnergyModel, Quality
from hd_plugin.hardware import Activations, Activity, ArraySize, Program, activity

__all__ = ["MODELS", "Observation", "counted", "counts_of", "fit_coefficients", "fit_models", "quality"]

_RESAMPLED = 40
# from the paper's straight line to everything that is counted; products and partial sums are of the systolic
# array, the last three of the others, and a pattern stands for what there is
MODELS: dict[str, tuple[str, ...]] = {
    "flips": ("steps", "flips"),
    "words": ("flips", "words", "below", "switches"),
    "bits": ("flips[*]", "words", "below", "held", "loading", "switches"),
    "transitions": (
        "flips[*]",
        "words",
        "busy_words",
        "partial_products[*]",
        "products[*]",
        "psums[*]",
        "outputs[*]",
        "columns?",
        "sums[*]",
        "held",
        "loading",
        "switches",
    ),
}


@dataclass(frozen=True)
class Observation:
    """One simulated stream: counts of its activity, its datapath energy, its cycles; kind : of its inputs."""

    layer: str
    kind: str
    counts: Mapping[str, float]
    energy_fJ: float
    cycles: int


def counts_of(found: Activity, outputs: OutputActivity | None = None) -> dict[str, float]:
    """Every count by name; ``flips`` is the sum of ``flips[0]``, ``flips[1]`` ...

    outputs : of an array whose columns count; it has no products and partial sums.
    """
    counts = {"flips": float(found.flips.sum())}
    for name in ("words", "busy_words", "below", "held", "loading", "switches", "steps"):
        counts[name] = float(getattr(found, name))
    several = {name: getattr(found, name) for name in ("flips", "partial_products")}
    systolic = {name: getattr(found, name) for name in ("products", "psums")}
    if outputs is not None:
        counts["columns"] = outputs.columns
    several |= systolic if outputs is None else {"outputs": outputs.outputs, "sums": outputs.sums}
    for name, values in several.items():
        counts |= {f"{name}[{b}]": float(x) for b, x in enumerate(values)}
    return counts


def counted(
    made: Program, inputs: Activations, size: ArraySize, tiles: int, encoding: Encoding | None = None
) -> tuple[dict[str, float], Activity]:
    """The counts of a run, and what is counted in any array; encoding : of one that is not systolic."""
    found = activity(made, inputs, size.cols, tiles, size.psum_bits)
    if encoding is None:
        return counts_of(found), found
    outputs = output_activity(made, inputs, encoding, (size.cols, size.psum_bits), tiles)
    return counts_of(found, outputs), found


def _names(model: str, counts: Mapping[str, float]) -> list[str]:
    found: list[str] = []
    for pattern in MODELS[model]:
        if pattern.endswith("?"):
            found += [name for name in counts if name == pattern[:-1]]
        elif pattern.endswith("[*]"):
            found += [name for name in counts if name.startswith(pattern[:-2])]
        else:
            found.append(pattern)
    return found


def _solve(x: np.ndarray, energy: np.ndarray) -> np.ndarray:
    """Coefficients >= 0 of least squared relative error."""
    relative = x / energy[:, None]
    scale = np.maximum(np.abs(relative).max(axis=0), 1e-30)
    return nnls(relative / scale, np.ones(len(energy)), maxiter=20 * x.shape[1])[0] / scale


def quality(predicted: np.ndarray, energy: np.ndarray, cycles: np.ndarray) -> Quality:
    """Of predictions against simulated energies, float[streams] in any unit; cycles : of each stream."""
    error = predicted / energy - 1

    def r2(found: np.ndarray, wanted: np.ndarray) -> float:
        spread = ((wanted - wanted.mean()) ** 2).sum()
        if not spread:
            return float(np.allclose(found, wanted))
        return float(1 - ((found - wanted) ** 2).sum() / spread)

    return Quality(
        len(energy),
        float(np.abs(error).mean()),
        float(np.quantile(np.abs(error), 0.95)),
        float(np.abs(error).max()),
        float(error.mean()),
        r2(predicted / cycles, energy / cycles),
        r2(predicted, energy),
    )


class _Table(NamedTuple):
    """Observations as arrays: counts float[streams, names]; energies, in fJ, and cycles float[streams]."""

    counts: np.ndarray
    energy: np.ndarray
    cycles: np.ndarray


def _table(names: Sequence[str], observations: Sequence[Observation]) -> _Table:
    return _Table(
        np.array([[o.counts[n] for n in names] for o in observations]),
        np.array([o.energy_fJ for o in observations]),
        np.array([o.cycles for o in observations], float),
    )


def fit_coefficients(model: str, observations: Sequence[Observation]) -> dict[str, float]:
    """The coefficients of one model, in fJ, without a word about how good they are."""
    names = _names(model, observations[0].counts)
    seen = _table(names, observations)
    return dict(zip(names, _solve(seen.counts, seen.energy).tolist()))


def fit_models(
    fit: Sequence[Observation], test: Sequence[Observation], seed: int = 0
) -> dict[str, EnergyModel]:
    """All of ``MODELS``, fitted to ``fit``. Spreads come from resampling whole layers.

    Energy depends on the activations, which a count of flips knows nothing of; so that no model is blamed for
    that alone, each is also fitted and tested with activations of one kind.
    """
    rng = np.random.default_rng(seed)
    layers = sorted({o.layer for o in fit})
    of = {layer: [i for i, o in enumerate(fit) if o.layer == layer] for layer in layers}
    drawn = [
        [i for j in rng.integers(0, len(layers), len(layers)) for i in of[layers[j]]]
        for _ in range(_RESAMPLED)
    ]
    return {model: _fit_model(model, fit, test, drawn) for model in MODELS}


def _fit_model(
    model: str, fit: Sequence[Observation], test: Sequence[Observation], drawn: Sequence[list[int]]
) -> EnergyModel:
    """One model; drawn : the observations of each resampling."""
    names = _names(model, fit[0].counts)
    seen, unseen = _table(names, fit), _table(names, test)
    best = _solve(seen.counts, seen.energy)
    spread = np.std([_solve(seen.counts[rows], seen.energy[rows]) for rows in drawn], axis=0)
    alone = {}
    for kind in sorted({o.kind for o in test}):
        own = _table(names, [o for o in fit if o.kind == kind])
        other = _table(names, [o for o in test if o.kind == kind])
        predicted = other.counts @ _solve(own.counts, own.energy)
        alone[kind] = quality(predicted, other.energy, other.cycles)
    return EnergyModel(
        dict(zip(names, best.tolist())),
        dict(zip(names, spread.tolist())),
        quality(seen.counts @ best, seen.energy, seen.cycles),
        quality(unseen.counts @ best, unseen.energy, unseen.cycles),
        alone,
    )
