"""Which layers gain from a streaming order, what do they gain, and does the array's height matter?

    python examples/per_layer.py [NETWORK] [--engine timeloop]

NETWORK is a weights file or a bundled name. With ``--engine timeloop`` counts and energies come from the
installed Timeloop and Accelergy (``hd-plugin doctor`` tells whether they are ready).
"""

import argparse

import numpy as np

import hd_plugin as hd

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("network", nargs="?", default="resnet20_cifar10_w4")
parser.add_argument("--engine", default="analytic")
parser.add_argument("--top", type=int, default=5)
args = parser.parse_args()

network = hd.load_network(args.network, bits=4)
result = hd.compare(network, rows=8, cols=8, methods=("baseline", "cluster"), engine=args.engine)

# result.rows holds one row per layer and method
rows = {(row.layer, row.method): row for row in result.rows}
saved_J = {
    layer.name: rows[layer.name, "baseline"].energy.datapath_J - rows[layer.name, "cluster"].energy.datapath_J
    for layer in network.layers
}
ranked = sorted(network.layers, key=lambda layer: saved_J[layer.name], reverse=True)
total_J = sum(saved_J.values())

print(
    f"{network.name}, {args.engine} engine: cluster saves {total_J * 1e6:.3f} uJ of datapath energy "
    "per inference"
)
print(
    f"{'layer':32} {'K':>5} {'C':>5} {'flips':>7} {'saved':>10} {'share':>7}   mac  weight hop  psum hop  "
    "table (nJ)"
)
for layer in ranked[: args.top]:
    before, after = rows[layer.name, "baseline"], rows[layer.name, "cluster"]
    parts = [
        1e9 * (getattr(before.energy, part) - getattr(after.energy, part))
        for part in ("mac_J", "weight_hop_J", "psum_hop_J", "lut_J")
    ]
    print(
        f"{layer.name[-32:]:32} {layer.K:5} {layer.C:5} {after.hd_reduction:6.2f}x "
        f"{saved_J[layer.name] * 1e9:7.1f} nJ {saved_J[layer.name] / total_J:6.1%}  "
        + "  ".join(f"{p:8.1f}" for p in parts)
    )

# Trust only what you can check: the flips of the best layer's plan again, with nothing but numpy.
best = ranked[0]
plan = result.plans[best.name, "cluster"]
flips = sum(
    int(np.bitwise_count(np.bitwise_xor(words[1:], words[:-1])).sum())
    for group in plan.groups
    for words in [best.codes[np.ix_(group.order, group.channels)][:, :, group.tap[0], group.tap[1]]]
)
print(f"\n{best.name}: {flips} flips counted by hand, {rows[best.name, 'cluster'].flips} in the table")
assert flips == rows[best.name, "cluster"].flips

# A taller array streams more channels under one order: fewer groups, less freedom.
print(
    "rows of the array ->",
    ", ".join(
        f"{height}: {hd.nhd(best) / hd.nhd(best, hd.optimize(best, rows=height, method='cluster')):.2f}x"
        for height in (4, 8, 16, 32)
    ),
)
