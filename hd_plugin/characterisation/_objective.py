"""From an energy model to what a search for plans can use: costs of transitions and of partial-sum bits."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hd_plugin.bits import NumberFormat, TransitionTable, decode
from hd_plugin.encoding_mac import Encoding, output_classes
from hd_plugin.energy import EnergyModel
from hd_plugin.errors import InputError
from hd_plugin.hardware import Activations
from hd_plugin.streaming import EnergyObjective
from hd_plugin.weights import Layer

__all__ = ["energy_objective", "transition_energies"]

_SAMPLES = 64
_TOP = 4095  # the table's largest entry; integers keep plans the same on every machine


def transition_energies(
    model: EnergyModel,
    activations: np.ndarray,
    bits: int,
    number_format: NumberFormat = "twos_complement",
    encoding: Encoding | None = None,
) -> np.ndarray:
    """Energy of a PE when its word changes from one pattern to another, in fJ, float64[2**bits, 2**bits].

    Averaged over ``activations``, integers of any shape. Weight flips, the word's change, partial products
    and the product (what the partial sums do comes on top), or with an ``encoding`` the PE's outputs. Raises
    InputError for a model without these counts, or of another width.
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
    if encoding is not None:
        return energy + _output_energies(c, encoding, acts, share)
    values = decode(codes, bits, number_format).astype(np.int64)
    prices = [c[name] for name in c if name.startswith("products[")]
    for a, p in zip(acts.tolist(), share):
        product = (values[:, None] * a) ^ (values[None, :] * a)
        for b, price in enumerate(prices):
            if price:
                energy = energy + p * price * ((product >> b) & 1)
    return energy


def _output_energies(
    coefficients: Mapping[str, float], encoding: Encoding, acts: np.ndarray, share: np.ndarray
) -> np.ndarray:
    """What flips at a PE's outputs costs, averaged over activations: float64[2**bits, 2**bits]."""
    planes = encoding.output_words()[acts & ((1 << encoding.a_bits) - 1)]  # [activations, words]
    found = np.zeros((planes.shape[1], planes.shape[1]))
    for i, own in enumerate(output_classes(encoding)):
        if price := coefficients.get(f"outputs[{i}]", 0.0):
            mask = np.uint64(sum(1 << int(b) for b in own))
            for p, seen in zip(share, planes & mask):
                found += p * price * np.bitwise_count(seen[:, None] ^ seen[None, :])
    return found


def energy_objective(
    model: EnergyModel, layer: Layer, inputs: Activations, encoding: Encoding | None = None
) -> EnergyObjective:
    """What ``optimize`` minimises for ``layer`` with these inputs.

    encoding : of an array that is not systolic. Raises InputError for a model without transitions, or
    of another width.
    """
    energies = transition_energies(model, inputs.patches, layer.bits, layer.number_format, encoding)
    table = TransitionTable.from_energies(energies, layer.bits, "energy")
    unit = energies.max() / _TOP
    kind = "psums[" if encoding is None else "sums["
    prices = [model.coefficients_fJ[name] for name in model.coefficients_fJ if name.startswith(kind)]
    column = None if encoding is None else encoding.code_table() - encoding.constant
    samples = inputs.patches[:, :, np.arange(_SAMPLES) % inputs.patches.shape[2]]
    return EnergyObjective(table, np.rint(np.array(prices) / unit).astype(np.int64), samples, column)
