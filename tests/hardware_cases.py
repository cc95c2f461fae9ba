"""Layers, plans of every kind, and the ways in which a program can be wrong."""

from dataclasses import replace

import numpy as np

from hd_plugin.hardware import random_activations
from hd_plugin.streaming import Group, StreamPlan, optimize
from hd_plugin.weights import Layer


def random_layer(seed, shape, bits=4, number_format="twos_complement", hw=(3, 4)):
    top = 2 ** (bits - 1) - 1
    values = np.random.default_rng(seed).integers(-top, top + 1, shape)
    return Layer.from_values("random", values, bits, number_format, output_hw=hw)


def random_plan(layer, rows, seed):
    """Any plan at all: channels dealt out at random, orders at random."""
    rng = np.random.default_rng(seed)
    groups = []
    for fy in range(layer.codes.shape[2]):
        for fx in range(layer.codes.shape[3]):
            channels = rng.permutation(layer.C)
            groups += [
                Group((fy, fx), channels[i : i + rows], rng.permutation(layer.K))
                for i in range(0, layer.C, rows)
            ]
    plan = StreamPlan(
        layer.name,
        layer.digest,
        layer.codes.shape,
        rows,
        "cluster",
        "none",
        seed,
        [groups[i] for i in rng.permutation(len(groups))],
    )
    plan.validate()
    return plan


def tables_changed(made, **what):
    return replace(made, tables=replace(made.tables, **what))


def wrong_entry(made):
    addresses = made.tables.output_addresses.copy()
    addresses[1, 2] = addresses[1, 3]
    return tables_changed(made, output_addresses=addresses)


def swapped_entries(made):
    addresses = made.tables.output_addresses.copy()
    addresses[0, [0, 1]] = addresses[0, [1, 0]]
    return tables_changed(made, output_addresses=addresses)


def swapped_channel(made):
    inputs = made.tables.input_addresses.copy()
    inputs[0, [0, 1]] = inputs[0, [1, 0]]
    return tables_changed(made, input_addresses=inputs)


def wrong_tap(made):
    return tables_changed(made, taps=np.roll(made.tables.taps, 1))


def dropped_group(made):
    t = made.tables
    return replace(
        made,
        words=made.words[1:],
        used=made.used[1:],
        tables=replace(
            t, output_addresses=t.output_addresses[1:], input_addresses=t.input_addresses[1:], taps=t.taps[1:]
        ),
    )


def wrap_off_by_one(made):
    words = made.words.copy()
    words[2] = np.roll(words[2], 1, axis=0)
    return replace(made, words=words)


def group_off_by_one(made):
    return tables_changed(made, output_addresses=np.roll(made.tables.output_addresses, 1, axis=0))


def flipped_bit(made):
    words = made.words.copy()
    words[0, 4, 1] ^= 1
    return replace(made, words=words)


def missing_row(made):
    used = made.used.copy()
    used[1] -= 1
    return replace(made, used=used)


def wrong_output_order(made):
    return tables_changed(made, output_order=np.roll(made.tables.output_order, 1))


def channel_without_an_address(made):
    order = made.tables.output_order.copy()
    order[3] = order[4]
    return tables_changed(made, output_order=order)


MUTATIONS = [
    channel_without_an_address,
    wrong_entry,
    swapped_entries,
    swapped_channel,
    wrong_tap,
    dropped_group,
    wrap_off_by_one,
    group_off_by_one,
    flipped_bit,
    missing_row,
    wrong_output_order,
]


def mutated():
    """A layer, its plan and its inputs, small enough for every simulator, with nothing that repeats."""
    layer = random_layer(3, (12, 10, 2, 1), hw=(3, 5))
    return layer, optimize(layer, rows=4, method="cluster"), random_activations(layer, 7)
