"""The paper's own numbers: sections 3 and 4.3."""

import itertools

import numpy as np
import pytest
from oracle import path_flips

import hd_plugin as hd
from hd_plugin.bits import decode
from hd_plugin.streaming import algorithm1, file_order_plan


def codes(rows):
    return np.array([[int(x, 2) for x in row.split()] for row in rows], np.uint8)


SECTION3 = codes(["00 00 00 00", "11 11 11 11", "00 00 00 00", "11 11 11 11"])
SECTION43 = codes(
    [
        "00 11 00 11 01 10 01 10",
        "11 11 00 00 10 10 01 01",
        "11 00 00 11 10 01 10 10",
        "11 11 11 11 10 10 10 10",
    ]
)


def layer(c):
    return hd.Layer("paper", c, 2)


def test_section_3_reordering_takes_24_flips_to_8():
    w = layer(SECTION3)
    assert hd.flips(w) == 24
    assert hd.nhd(w) == 1.0
    for method in ("direct", "segment", "cluster"):
        assert hd.flips(w, hd.optimize(w, rows=4, method=method)) == 8


def test_section_3_the_first_rows_stream_flips_6_bits():
    assert hd.flips(layer(SECTION3[:, :1])) == 6


def test_section_3_equal_products_hold_in_sign_magnitude_only():
    before, after = SECTION3, codes(["10 10 10 01", "11 11 11 11", "10 10 10 01", "11 11 11 11"])
    v = codes(["01", "01", "01", "10"])
    same = {
        f: (
            decode(before, 2, f).astype(int) @ decode(v, 2, f)
            == decode(after, 2, f).astype(int) @ decode(v, 2, f)
        ).all()
        for f in ("twos_complement", "sign_magnitude", "offset_binary")
    }
    assert same == {"twos_complement": False, "sign_magnitude": True, "offset_binary": False}
    assert hd.flips(layer(after)) == 12
    assert hd.flips(layer(after), hd.optimize(layer(after), rows=4, method="direct")) == 4


def best_flips(c, groups):
    text = [[format(x, "02b") for x in row] for row in c]
    return sum(
        min(
            path_flips([[text[k][i] for i in g] for k in order]) for order in itertools.permutations(range(4))
        )
        for g in groups
    )


def test_section_4_3_optimal_orders_give_22_and_16():
    w = layer(SECTION43)
    assert best_flips(SECTION43, [range(4), range(4, 8)]) == 22
    assert best_flips(SECTION43, [(0, 2, 4, 6), (1, 3, 5, 7)]) == 16
    assert hd.flips(w, hd.optimize(w, rows=4, method="segment")) == 22
    assert hd.flips(w, hd.optimize(w, rows=4, method="cluster")) == 16


@pytest.mark.parametrize(
    ("groups", "expected"), [([[0, 1, 2, 3], [4, 5, 6, 7]], 22), ([[0, 2, 4, 6], [1, 3, 5, 7]], 20)]
)
def test_section_4_3_algorithm_1_gives_22_and_20(groups, expected):
    total = 0
    for g in groups:
        order = algorithm1(SECTION43[:, g].astype(np.uint16), 2)
        total += path_flips([[format(x, "02b") for x in SECTION43[k, g]] for k in order])
    assert total == expected
    if expected == 22:
        w = layer(SECTION43)
        assert hd.flips(w, hd.optimize(w, rows=4, method="segment", effort="greedy")) == 22


def test_file_order_is_the_baseline():
    w = layer(SECTION43)
    assert hd.flips(w, file_order_plan(w, 4)) == hd.flips(w)
