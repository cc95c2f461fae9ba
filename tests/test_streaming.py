import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import best_path, path_flips, saved_plan_flips, wire_flips

import hd_plugin as hd
from hd_plugin.bits import NUMBER_FORMATS, TransitionTable, hamming_table
from hd_plugin.errors import InputError
from hd_plugin.streaming import EFFORTS, METHODS, Effort, Jobs, algorithm1, algorithm2, lower_bound
from hd_plugin.streaming._clusters import group_distances, refine_pair
from hd_plugin.streaming._distances import NEVER
from hd_plugin.streaming._paths import EXACT, exact_path, greedy_path, path_cost
from hd_plugin.streaming._search import shortest_path


def random_layer(seed, shape, bits=4, number_format="twos_complement"):
    top = 2 ** (bits - 1) - 1
    values = np.random.default_rng(seed).integers(-top, top + 1, shape)
    return hd.Layer.from_values("random", values, bits, number_format)


def nested(layer):
    return layer.values.tolist()


SHAPES = [
    (1, 5, 1, 1),
    (2, 5, 1, 1),
    (3, 4, 2, 1),
    (7, 9, 1, 1),
    (12, 19, 3, 3),
    (5, 1, 1, 1),
    (16, 8),
    (10, 30),
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_saved_plans_flips_equal_brute_force(shape, method, tmp_path):
    layer = random_layer(1, shape)
    for effort in ("greedy", "local"):
        plan = hd.optimize(layer, rows=4, method=method, effort=effort)
        plan.save(tmp_path / "plan.json")
        total, covered = saved_plan_flips(tmp_path / "plan.json", nested(layer), 4, "twos_complement")
        assert total == hd.flips(layer, plan) == hd.flips(layer, hd.StreamPlan.load(tmp_path / "plan.json"))
        assert len(covered) == layer.C * layer.taps


@pytest.mark.parametrize("number_format", NUMBER_FORMATS)
@pytest.mark.parametrize("bits", range(2, 17))
def test_every_format_and_width_counts_like_brute_force(bits, number_format, tmp_path):
    layer = random_layer(bits, (6, 7, 1, 2), bits, number_format)
    for method in METHODS:
        plan = hd.optimize(layer, rows=3, method=method)
        plan.save(tmp_path / "plan.json")
        assert saved_plan_flips(tmp_path / "plan.json", nested(layer), bits, number_format)[0] == hd.flips(
            layer, plan
        )


@pytest.mark.parametrize("alternate", [False, True])
@pytest.mark.parametrize("tiles", [1, 2, 3, 4, 7])
def test_the_hardware_count_equals_wires_driven_word_by_word(tiles, alternate):
    for shape in [(6, 7, 2, 1), (5, 3, 1, 1), (1, 9, 1, 1)]:
        layer = random_layer(5, shape)
        for method in METHODS:
            plan = hd.optimize(layer, rows=4, method=method)
            assert hd.hardware_flips(layer, plan, tiles, alternate) == wire_flips(
                plan, nested(layer), 4, "twos_complement", tiles, alternate
            )


def test_joined_groups_switch_with_fewer_flips_than_file_order():
    layer = random_layer(3, (20, 64, 3, 3))
    plan = hd.optimize(layer, rows=8, method="segment")
    unjoined = hd.StreamPlan(
        plan.layer,
        plan.digest,
        plan.shape,
        8,
        "segment",
        "local",
        0,
        sorted(plan.groups, key=lambda g: (g.tap, tuple(g.channels))),
    )
    switches = [hd.hardware_flips(layer, p, 1) - hd.flips(layer, p) for p in (plan, unjoined)]
    assert hd.flips(layer, plan) == hd.flips(layer, unjoined)
    assert switches[0] < 0.8 * switches[1]


@settings(max_examples=40)
@given(st.integers(1, 7), st.integers(1, 5), st.integers(0, 10**6))
def test_small_orders_are_optimal_and_bounds_never_exceed_them(K, rows, seed):
    layer = random_layer(seed, (K, rows, 1, 1), bits=2)
    words = [[format(int(c), "02b") for c in row] for row in layer.codes[:, :, 0, 0]]
    d = [[path_flips([a, b]) for b in words] for a in words]
    plan = hd.optimize(layer, rows=rows, method="segment")
    assert hd.flips(layer, plan) == best_path(d)
    assert lower_bound(layer, plan) <= best_path(d)


@settings(max_examples=30)
@given(st.integers(1, 60), st.integers(1, 12), st.integers(2, 8), st.integers(0, 10**6), st.booleans())
def test_searches_permute_never_lose_to_their_start_and_never_beat_the_bound(K, rows, bits, seed, repeated):
    layer = random_layer(seed, (K, rows, 1, 1), bits)
    if repeated:  # many equal words: the case that blinds neighbour lists
        layer = hd.Layer(
            "repeated", layer.codes[np.random.default_rng(seed).integers(0, (K + 3) // 4, K)], bits
        )
    greedy = hd.optimize(layer, rows, "segment", "greedy")
    local = hd.optimize(layer, rows, "segment", "local")
    local.validate()
    assert hd.flips(layer, local) <= hd.flips(layer, greedy)
    assert lower_bound(layer, local) <= hd.flips(layer, local)


def test_the_exact_order_agrees_with_the_search_where_both_apply():
    rng = np.random.default_rng(0)
    for _ in range(30):
        points = rng.integers(0, 2, (EXACT + 1, 10))
        d = np.abs(points[:, None] - points[None]).sum(2).astype(np.int32)
        exact = path_cost(d, exact_path(d))
        found = path_cost(d, shortest_path(d, greedy_path(d, 0), 8, 300, 0, NEVER))
        assert exact == found


def test_algorithm_1_goes_to_the_nearest_lowest_index():
    codes = np.array([[0b00], [0b11], [0b01], [0b10], [0b01]], np.uint16)
    assert algorithm1(codes, 2).tolist() == [0, 2, 4, 1, 3]


def test_algorithm_2_respects_the_capacity_and_reports_its_own_flips():
    layer = random_layer(2, (24, 45, 1, 1))
    codes = layer.codes[:, :, 0, 0].astype(np.uint16)
    clusters, orders, history = algorithm2(codes, 4, rows=8, iterations=6, seed=3)
    assert max(c.size for c in clusters) <= 8
    assert sorted(np.concatenate(clusters).tolist()) == list(range(45))
    assert len(history) == 7 and history[0] >= history[1] > 0  # before the first iteration, and after six
    assert history[-1] == sum(
        path_flips([[format(x, "04b") for x in codes[k, c]] for k in o]) for c, o in zip(clusters, orders)
    )


@pytest.mark.parametrize("shape", [(24, 96, 1, 1), (32, 20, 3, 3), (9, 17, 1, 1)], ids=str)
def test_cluster_is_never_worse_than_segment_nor_segment_than_direct(shape):
    layer = random_layer(7, shape)
    cost = {m: hd.flips(layer, hd.optimize(layer, 8, m)) for m in METHODS}
    assert cost["cluster"] <= cost["segment"] <= cost["direct"] <= cost["baseline"]


@given(st.integers(0, 2**32 - 1), st.integers(3, 7), st.integers(1, 4), st.integers(1, 4), st.booleans())
def test_a_swap_of_channels_never_costs_a_flip_more(seed, K, first, second, priced):
    """Counted anew from the bits after every call: what was given is never made worse, not even by one."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, (K, first + second)).astype(np.uint16)
    table = rng.integers(0, 9, (4, 4)).astype(np.int32) if priced else np.zeros((0, 0), np.int32)
    table = table + table.T
    groups = [np.arange(first), np.arange(first, first + second)]
    orders = [rng.permutation(K) for _ in groups]

    def cost() -> int:
        pairs = [(codes[o[j], c], codes[o[j + 1], c]) for c, o in zip(groups, orders) for j in range(K - 1)]
        one = (lambda x, y: table[x, y]) if priced else (lambda x, y: int(x ^ y).bit_count())
        return sum(int(one(x, y)) for xs, ys in pairs for x, y in zip(xs, ys))

    before = cost()
    for kicks in range(4):
        told = refine_pair(codes, 2, table, *zip(groups, orders), (16, 3, kicks, seed % 1000), NEVER)
        assert sum(told) == cost() <= before
        before = cost()
    assert sorted(np.concatenate(groups)) == list(range(first + second))
    assert all((np.sort(o) == np.arange(K)).all() for o in orders)


def test_direct_goes_back_to_the_file_order_where_that_is_better():
    """Channels put into the best order that a long search finds: then a short one has nothing better."""
    found = random_layer(4, (80, 6, 1, 1))
    order = hd.optimize(found, 8, "direct", "best").groups[0].order
    layer = hd.Layer("ordered", found.codes[order], 4)
    codes = layer.codes.reshape(80, -1).astype(np.uint16)
    d = group_distances(codes, np.arange(6), 4, np.zeros((0, 0), np.int32), NEVER)
    hasty = Effort(kicks=0, neighbours=2)
    assert path_cost(d, hasty.shorter(d, greedy_path(d, 0), 0)) > hd.flips(layer), "a search that loses"
    EFFORTS.register("hasty", hasty)
    try:
        assert hd.flips(layer, hd.optimize(layer, 8, "direct", "hasty")) == hd.flips(layer)
    finally:
        EFFORTS.unregister("hasty")


def test_planted_clusters_are_found():
    rng = np.random.default_rng(0)
    hidden = rng.integers(-7, 8, (40, 4))  # four kinds of channel, eight alike of each, shuffled
    values = np.repeat(hidden, 8, axis=1)[:, rng.permutation(32)]
    layer = hd.Layer.from_values("planted", values, 4)
    segment, cluster = (hd.flips(layer, hd.optimize(layer, 8, m)) for m in ("segment", "cluster"))
    assert cluster < 0.6 * segment


@pytest.mark.parametrize("method", [m for m in METHODS if METHODS[m].searched])
def test_plans_are_the_same_for_any_number_of_threads_and_from_run_to_run(method):
    layer = random_layer(11, (30, 50, 2, 2))
    plans = [hd.optimize(layer, 8, method, seed=4, jobs=Jobs(threads=t)) for t in (1, 2, 5, 2)]
    for plan in plans[1:]:
        assert [(g.tap, g.channels.tolist(), g.order.tolist()) for g in plan.groups] == [
            (g.tap, g.channels.tolist(), g.order.tolist()) for g in plans[0].groups
        ]


def test_a_table_is_minimised_instead_of_flips():
    """Only the top bit costs anything: a plan for that table flips it less than a plan for all bits does."""
    layer = random_layer(5, (40, 8, 1, 1))
    top = np.arange(16)[:, None] ^ np.arange(16)[None] >= 8
    table = TransitionTable(4, top.astype(int))
    cost = [
        sum(table.stream_cost(p.words(layer, g)) for g in p.groups)
        for p in (hd.optimize(layer, 8, "cluster", minimise=table), hd.optimize(layer, 8, "cluster"))
    ]
    assert cost[0] < cost[1]


def test_a_stopped_search_still_gives_a_whole_plan(monkeypatch):
    layer = random_layer(1, (40, 64, 1, 1))
    stopped = []

    def progress(done, total, text):
        if done and not stopped:
            stopped.append(threading.get_ident())
            raise KeyboardInterrupt

    plan = hd.optimize(layer, 8, "cluster", jobs=Jobs(threads=2, progress=progress))
    plan.validate()
    assert plan.interrupted
    assert hd.flips(layer, plan) < hd.flips(layer)


def test_a_search_inside_a_larger_job_stops_with_it():
    layer = random_layer(1, (40, 64, 1, 1))
    jobs = Jobs(2)
    jobs.stop()
    plan = hd.optimize(layer, 8, "cluster", jobs=jobs)
    plan.validate()
    # nothing had begun: nothing is searched, not even greedily
    assert plan.interrupted and hd.flips(layer, plan) == hd.flips(layer)


def test_jobs_answer_with_the_fallback_once_stopped():
    jobs = Jobs(2)
    jobs.stop()
    assert jobs.map(lambda i: i, [1, 2, 3], lambda i: -i) == [-1, -2, -3]


@pytest.mark.parametrize(
    ("field", "arguments"),
    [
        ("rows", {"rows": 0}),
        ("rows", {"rows": 2.5}),
        ("method", {"method": "clusters"}),
        ("effort", {"effort": "locl"}),
        ("minimise", {"minimise": hamming_table(5)}),
        ("minimise", {"minimise": "energy"}),
    ],
)
def test_bad_arguments_name_the_field(field, arguments):
    with pytest.raises(InputError, match=f"^{field}: "):
        hd.optimize(random_layer(0, (4, 4)), **arguments)


def test_jobs_need_a_thread():
    with pytest.raises(InputError, match=r"^threads: 0 found"):
        hd.optimize(random_layer(0, (4, 4)), jobs=Jobs(threads=0))


def test_a_search_names_itself_where_its_jobs_have_no_name():
    told = []
    for text in ("", "my network"):
        hd.optimize(random_layer(0, (9, 9)), jobs=Jobs(1, lambda done, total, text: told.append(text), text))
    assert list(dict.fromkeys(told)) == ["random cluster", "my network"]


def test_a_layer_of_one_output_flips_nothing():
    layer = hd.Layer.from_values("one", np.arange(-3, 4).reshape(1, 7), 4)
    plan = hd.optimize(layer, 3, "baseline")
    assert hd.flips(layer, plan) == 0 and hd.nhd(layer, plan) == 0.0
