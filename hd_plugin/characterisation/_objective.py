"""From an energy model to what a search for plans can use: costs of transitions and of partial-sum bits."""

from __future__ import annotations

import numpy as np

from hd_plugin.bits import NumberFormat, TransitionTable, decode
from hd_plugin.energy import EnergyModel
from hd_plugin.errors import InputError
from hd_plugin.hardware import Activations
from hd_plugin.streaming import EnergyObjective
from hd_plugin.weights import Layer

__all__ = ["energy_objective", "transition_energies"]

_SAMPLES = 64
_TOP = 4095  # the table's largest entry; integers keep plans the same on every machine


def transition_energies(
    model: EnergyModel, activations: np.ndarray, bits: int, number_format: NumberFormat = "twos_complement"
) -> np.ndarray:
    """Energy of a PE when its word changes from one pattern to another, in fJ, float64[2**bits, 2**bits].

    Averaged over ``activations``, integers of any shape. Weight flips, the word's change, partial products
    and the product; what the partial sums do comes on top. Raises InputError for a model without these
    counts, or of another width.
    """
    c = model.coefficients_fJ
    acts, share = np.unique(np.asarray(activations).ravel(), return_counts=True)
    share = share / share.sum()
    codes = np.arange(1 << bits, dtype=np.uint16)
    flipped = codes[:, None] ^ codes[None, :]
    if "busy_words" not in c or f"flips[{bits - 1}]" not in c or f"flips[{bits}]" in c:
        raise InputError(
            f"energy model: no table of transitions for {bits}-bit weights can be made of it; characterise "
            "an array of this width"
        )
    energy = (flipped != 0) * (c["words"] + c["busy_words"] * share[acts != 0].sum())
    ones = float(share @ np.bitwise_count(acts.astype(np.uint64)))
    for b in range(bits):
        energy = energy + ((flipped >> b) & 1) * (c[f"flips[{b}]"] + c[f"partial_products[{b}]"] * ones)
    values = decode(codes, bits, number_format).astype(np.int64)
    prices = [c[name] for name in c if name.startswith("products[")]
    for a, p in zip(acts.tolist(), share):
        product = (values[:, None] * a) ^ (values[None, :] * a)
        for b, price in enumerate(prices):
            if price:
                energy = energy + p * price * ((product >> b) & 1)
    return energy


def energy_objective(model: EnergyModel, layer: Layer, inputs: Activations) -> EnergyObjective:
    """What ``optimize`` minimises for ``layer`` with these inputs.

    Raises InputError for a model without transitions, or of another width.
    """
    energies = transition_energies(model, inputs.patches, layer.bits, layer.number_format)
    table = TransitionTable.from_energies(energies, layer.bits, "energy")
    unit = energies.max() / _TOP
    prices = [model.coefficients_fJ[name] for name in model.coefficients_fJ if name.startswith("psums[")]
    samples = inputs.patches[:, :, np.arange(_SAMPLES) % inputs.patches.shape[2]]
    return EnergyObjective(table, np.rint(np.array(prices) / unit).astype(np.int64), samples)
