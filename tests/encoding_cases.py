"""Encodings of any kind, and layers for arrays of them."""

import numpy as np

from hd_plugin.encoding_mac import AREA_NAND2, Encoding


def random_encoding(seed, a_bits=5, w_bits=4, outputs=12, a_signed=False):
    """Gates of every kind, one or more levels deep, wires among the outputs, weights of any odd factor."""
    rng, gates = np.random.default_rng(seed), []
    for g in range(3 * outputs):
        kind = list(AREA_NAND2)[rng.integers(len(AREA_NAND2))]
        a, b = (int(net) for net in rng.integers(0, a_bits + w_bits + g, 2))
        gates.append((kind, a, a if kind == "not" else b))
    nets = rng.permutation(a_bits + w_bits + len(gates))[:outputs]
    weights = [int(w) or 1 for w in rng.integers(-200, 201, outputs)]
    weights[: outputs // 2] = [(-1) ** int(b) << int(b) for b in rng.integers(0, 8, outputs // 2)]
    constant = int(rng.integers(-99, 100))
    return Encoding(
        a_bits, w_bits, tuple(gates), tuple(map(int, nets)), tuple(weights), constant, a_signed, True, "any"
    )


def summed(layer, inputs, table):
    """What an encoded layer is, as plainly as it can be said: int[K, pixels]."""
    C, taps, pixels = inputs.patches.shape
    codes, mask = layer.codes.reshape(layer.K, C, taps), (1 << inputs.bits) - 1
    return np.array(
        [
            [
                sum(
                    int(table[int(inputs.patches[c, t, p]) & mask, codes[k, c, t]])
                    for c in range(C)
                    for t in range(taps)
                )
                for p in range(pixels)
            ]
            for k in range(layer.K)
        ]
    )
