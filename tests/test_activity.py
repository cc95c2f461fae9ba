"""Counted activity, and plans for least energy, against brute force."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hd_plugin as hd
from hd_plugin.bits import TransitionTable, hamming_table
from hd_plugin.characterisation import counts_of, energy_objective, transition_energies
from hd_plugin.energy import load_characterisation
from hd_plugin.errors import InputError
from hd_plugin.hardware import Activations, activity, program, sampled_activations
from hd_plugin.streaming import EnergyObjective, file_order_plan, lessen_energy
from hd_plugin.streaming._energy import best_rows, step_costs
from hd_plugin.streaming._paths import path_cost


def a_layer(seed, K=9, C=5, taps=1):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 16, (K, C, 1, taps))
    codes[rng.random(codes.shape) < 0.3] = 3
    return hd.Layer("l", codes, 4, output_hw=(4, 4))


def ones(x):
    return bin(int(x) & 0xFFFF).count("1")


def slow_counts(layer, plan, acts, cols, tiles):
    """One PE, one step after the other, in plain Python."""
    rows, found = (
        plan.rows,
        dict.fromkeys(
            [
                "flips",
                "words",
                "busy_words",
                "partial_products",
                "products",
                "psums",
                "below",
                "held",
                "loading",
            ],
            0,
        ),
    )
    word, held = [0] * rows, [[0] * rows for _ in range(cols)]
    chain, product, psum = ([[0] * rows for _ in range(cols)] for _ in range(3))
    for tile in range(tiles):
        for group in plan.groups:
            used = len(group.channels)
            for c in range(cols):
                a = [
                    int(acts[group.channels[r], group.tap[1], tile * cols + c]) if r < used else 0
                    for r in range(rows)
                ]
                for entering in reversed(a):
                    new = [entering, *chain[c][:-1]]
                    found["loading"] += sum(ones(x ^ y) for x, y in zip(new, chain[c]))
                    chain[c] = new
                found["held"] += sum(ones(x ^ y) for x, y in zip(a, held[c]))
                held[c] = a
            for k in group.order:
                new = [
                    int(layer.codes[k, group.channels[r], 0, group.tap[1]]) if r < used else word[r]
                    for r in range(rows)
                ]
                changed = [x != y for x, y in zip(new, word)]
                for c in range(cols):
                    total = 0
                    for r in range(rows):
                        flipped = ones(new[r] ^ word[r])
                        found["flips"] += flipped
                        found["words"] += changed[r]
                        found["busy_words"] += changed[r] and held[c][r] != 0
                        found["partial_products"] += flipped * ones(held[c][r])
                        found["below"] += any(changed[: r + 1])
                        p = (new[r] - 16 if new[r] > 7 else new[r]) * held[c][r]
                        total += p
                        found["products"] += bin((p ^ product[c][r]) & 0xFFF).count("1")
                        found["psums"] += ones(total ^ psum[c][r])
                        product[c][r], psum[c][r] = p, total
                word = new
    return found


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32), rows=st.integers(1, 4), cols=st.integers(1, 3), tiles=st.integers(1, 2))
def test_counts_equal_those_of_plain_python(seed, rows, cols, tiles):
    layer = a_layer(seed, taps=2)
    plan = hd.optimize(layer, rows, "segment", seed=seed)
    acts = np.random.default_rng(seed).integers(0, 256, (5, 2, cols * tiles)) * (
        np.random.default_rng(seed + 1).random((5, 2, cols * tiles)) < 0.6
    )
    found = activity(program(layer, plan), Activations(acts), cols, tiles)
    for name, wanted in slow_counts(layer, plan, acts, cols, tiles).items():
        assert np.sum(getattr(found, name)) == wanted, name


def objective_for(layer, seed, psum=True):
    rng = np.random.default_rng(seed)
    table = TransitionTable.from_energies(rng.random((16, 16)), 4)
    return EnergyObjective(
        table, rng.integers(0, 50, 16) * psum, rng.integers(0, 256, (layer.C, layer.taps, 64))
    )


def slow_cost(objective, layer, channels, order):
    """A whole stream of one group: table and partial sums' bits, mean over the samples."""
    total = 0.0
    for i, j in itertools.pairwise(order):
        sums = np.zeros((2, 64), np.int64)
        for c in channels:
            total += objective.table.cost[layer.codes[i, c, 0, 0], layer.codes[j, c, 0, 0]]
            sums += (
                np.array([[layer.values[i, c, 0, 0]], [layer.values[j, c, 0, 0]]], np.int64)
                * objective.activations[c, 0]
            )
            flipped = sums[0] ^ sums[1]
            total += sum(float(w) * ((flipped >> b) & 1).mean() for b, w in enumerate(objective.psum_bits))
    return total


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32))
def test_step_costs_are_the_tables_and_the_partial_sums(seed):
    layer = a_layer(seed)
    objective = objective_for(layer, seed)
    channels = np.random.default_rng(seed).permutation(5)[:3]
    d = step_costs(objective, layer, (0, 0), channels)
    assert (d == d.T).all()
    order = np.random.default_rng(seed + 1).permutation(layer.K)
    assert path_cost(d, order) == pytest.approx(
        slow_cost(objective, layer, channels, order), abs=layer.K
    )  # steps are rounded


@pytest.mark.parametrize("exact", [True, False])
@settings(max_examples=10)
@given(seed=st.integers(0, 2**32))
def test_rows_are_the_best_of_all_permutations(exact, seed):
    layer = a_layer(seed)
    objective = objective_for(layer, seed)
    objective.activations[:, :, 32:] = objective.activations[
        :, :, :32
    ]  # the search looks at half of the samples
    order = np.random.default_rng(seed).permutation(layer.K)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hd_plugin.streaming._energy._EXACT_ROWS", 10 if exact else 0)
        found = best_rows(objective, layer, (0, 0), np.arange(4), order)
    costs = {p: slow_cost(objective, layer, p, order) for p in itertools.permutations(range(4))}
    assert sorted(found) == [0, 1, 2, 3]
    if exact:
        assert costs[tuple(found)] == pytest.approx(min(costs.values()))
    else:
        assert costs[tuple(found)] <= np.median(list(costs.values())) + 1e-9


@pytest.mark.parametrize("method", ["direct", "segment", "cluster"])
def test_a_plan_for_least_energy_never_costs_more_than_the_one_for_least_flips(method):
    for seed in range(4):
        layer = a_layer(seed, K=24, C=19)
        objective = objective_for(layer, seed)
        flips_plan, plan = hd.optimize(layer, 8, method), hd.optimize(layer, 8, method, minimise=objective)
        plan.validate()
        assert plan.objective == "energy" and hd.StreamPlan.from_json(plan.to_json()).objective == "energy"
        cost = {
            p.objective: sum(
                int(path_cost(step_costs(objective, layer, g.tap, g.channels), g.order)) for g in p.groups
            )
            for p in (flips_plan, plan)
        }
        cost["flips"] += layer.K * len(plan.groups)  # steps are rounded
        assert cost["energy"] <= cost["flips"]
        again = hd.optimize(layer, 8, method, minimise=objective, jobs=hd.Jobs(1))
        assert again.to_json() == plan.to_json()


def test_with_hamming_distances_and_free_sums_energy_is_flips():
    layer = a_layer(3, K=40, C=16)
    objective = EnergyObjective(hamming_table(4), np.zeros(16, np.int64), np.zeros((16, 1, 64), np.int64))
    assert hd.flips(layer, hd.optimize(layer, 8, "segment", minimise=objective)) <= hd.flips(
        layer, hd.optimize(layer, 8, "segment")
    )


def test_bits_that_copy_the_sign_cost_together_however_wide_the_sums_are():
    layer, rng = a_layer(4), np.random.default_rng(0)
    narrow = EnergyObjective(hamming_table(4), rng.integers(1, 50, 20), rng.integers(0, 256, (5, 1, 64)))
    wide = EnergyObjective(
        narrow.table, np.append(narrow.psum_bits, np.ones(40, np.int64)), narrow.activations
    )
    folded = EnergyObjective(
        narrow.table, np.append(narrow.psum_bits[:-1], narrow.psum_bits[-1] + 40), narrow.activations
    )
    group, order = np.arange(5), rng.permutation(layer.K)
    assert (step_costs(wide, layer, (0, 0), group) == step_costs(folded, layer, (0, 0), group)).all()
    assert (
        best_rows(wide, layer, (0, 0), group, order) == best_rows(folded, layer, (0, 0), group, order)
    ).all()


def test_a_plan_is_lessened_only_where_there_is_something_to_choose():
    layer = a_layer(0)
    plan = hd.optimize(layer, 4, "segment")
    assert (
        lessen_energy(layer, plan, objective_for(layer, 0)).to_json()
        == hd.optimize(layer, 4, "segment", minimise=objective_for(layer, 0)).to_json()
    )
    with pytest.raises(InputError, match="'baseline' leaves nothing to choose"):
        lessen_energy(layer, file_order_plan(layer, 4), objective_for(layer, 0))


def test_objectives_that_do_not_fit_are_refused():
    layer = a_layer(0)
    with pytest.raises(
        InputError, match=r"activations \[5, 1, 63\] found; layer 'l' needs \[5, 1, a multiple of 64\]"
    ):
        hd.optimize(
            layer,
            minimise=EnergyObjective(
                hamming_table(4), np.zeros(16, np.int64), np.zeros((5, 1, 63), np.int64)
            ),
        )
    with pytest.raises(InputError, match="made for 3 bits"):
        hd.optimize(
            layer,
            minimise=EnergyObjective(
                hamming_table(3), np.zeros(16, np.int64), np.zeros((5, 1, 64), np.int64)
            ),
        )


def test_the_models_table_plus_its_partial_sums_is_the_modelled_energy():
    """The objective's cost of a plan is the model's energy of the same activity.

    But for what is rounded and what no order changes.
    """
    model = load_characterisation("hd_generic45").model()
    layer = a_layer(1, K=40, C=8)
    plan, inputs = file_order_plan(layer, 8), sampled_activations(layer, "linear", 64)
    objective = energy_objective(model, layer, inputs)
    seen = activity(program(layer, plan), inputs, 8, 8)
    fixed = ("held", "loading", "switches")
    counts = {k: 0.0 if k in fixed else v for k, v in counts_of(seen).items()}
    first = activity(
        program(hd.Layer("l", layer.codes[:1], 4), file_order_plan(hd.Layer("l", layer.codes[:1], 4), 8)),
        inputs,
        8,
        1,
    )
    energies = transition_energies(model, inputs.patches, 4)
    unit = (energies.max() + energies.T.max()) / 2 / 4095
    wanted = (
        model.energy_fJ(counts)
        - model.energy_fJ({k: 0.0 if k in fixed else v for k, v in counts_of(first).items()})
    ) / 64
    inside = path_cost(step_costs(objective, layer, (0, 0), np.arange(8)), np.arange(40)) * unit
    assert inside == pytest.approx(
        wanted, rel=0.06
    )  # switches from tile to tile are in the one and not in the other


def test_a_tile_that_is_not_full_has_idle_columns():
    layer = a_layer(2, K=12, C=6)
    made = program(layer, file_order_plan(layer, 4))
    acts = np.random.default_rng(0).integers(0, 256, (6, 1, 3))
    padded = np.concatenate([acts, np.zeros((6, 1, 5), np.int64)], axis=2)
    one, other = activity(made, Activations(acts), 8), activity(made, Activations(padded), 8)
    assert one.tiles == other.tiles == 1 and (one.psums == other.psums).all() and one.words == other.words
