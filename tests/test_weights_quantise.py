"""Quantisation against a brute-force search, and the properties that everything later relies on."""

from __future__ import annotations

import numpy as np
import pytest

from hd_plugin.errors import InputError
from hd_plugin.weights import optimal_scale, quantise


def _error(values, scale, bits):
    top = 2 ** (bits - 1) - 1
    return float(((np.clip(np.rint(values / scale), -top, top) * scale - values) ** 2).sum())


@pytest.mark.parametrize("bits", [2, 3, 4, 6, 8])
@pytest.mark.parametrize("shape", ["normal", "laplace", "uniform", "outlier"])
def test_scale_is_the_best_of_its_grid_and_near_a_dense_search(bits, shape):
    rng = np.random.default_rng(bits)
    values = (
        rng.uniform(-1, 1, 400)
        if shape == "uniform"
        else rng.laplace(size=400)
        if shape == "laplace"
        else rng.normal(size=400)
    )
    if shape == "outlier":
        values[0] = 8.0
    top = np.abs(values).max() / (2 ** (bits - 1) - 1)
    chosen = _error(values, optimal_scale(values, bits), bits)
    on_grid = min(_error(values, clip * top, bits) for clip in np.linspace(0.15, 1.0, 171))
    assert chosen == pytest.approx(on_grid, rel=1e-9)
    # Off the grid lie better steps for these very numbers; the finer the levels, the more they are chance.
    dense = min(_error(values, s, bits) for s in np.linspace(0.02, 1.2, 2000) * top)
    assert chosen <= dense * (1.01 if bits <= 6 else 1.05)


@pytest.mark.parametrize("bits", [2, 4, 9, 16])
@pytest.mark.parametrize("per_channel", [False, True])
def test_levels_are_symmetric_nearest_and_shaped(bits, per_channel):
    values = np.random.default_rng(1).normal(size=(5, 3, 2, 2)) * np.arange(1, 6)[:, None, None, None]
    integers, scale = quantise(values, bits, per_channel=per_channel)
    top = 2 ** (bits - 1) - 1
    assert integers.dtype == np.int16 and integers.shape == values.shape and np.abs(integers).max() <= top
    assert scale.shape == ((5,) if per_channel else ())
    step = scale.reshape(-1, 1, 1, 1)
    inside = np.abs(values) <= top * step
    assert (np.abs(integers * step - values)[inside] <= (step / 2 * (1 + 1e-9) + 0 * values)[inside]).all()


def test_per_channel_is_each_channel_alone():
    values = np.random.default_rng(2).normal(size=(4, 9))
    integers, scale = quantise(values, 4, per_channel=True)
    for k in range(4):
        alone, own = quantise(values[k : k + 1], 4)
        assert (alone[0] == integers[k]).all() and own == scale[k]


def test_signs_and_scaling_carry_over():
    values = np.random.default_rng(3).normal(size=(4, 9))
    integers, scale = quantise(values, 4)
    mirrored, _ = quantise(-values, 4)
    doubled, twice = quantise(values * 2, 4)
    assert (mirrored == -integers).all() and (doubled == integers).all() and twice == 2 * scale


def test_zeros_and_empty_have_scale_one():
    assert optimal_scale(np.zeros((3, 3)), 4) == 1.0 and optimal_scale(np.zeros(0), 4) == 1.0
    integers, scale = quantise(np.zeros((3, 3)), 4, per_channel=True)
    assert not integers.any() and (scale == 1).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_inf_are_counted_and_named(bad):
    with pytest.raises(InputError, match="mine: 1 of 4 weights are NaN or infinite"):
        quantise(np.array([[1, 2], [3, bad]]), 4, where="mine")


@pytest.mark.parametrize("bits", [0, 1, 17])
def test_width_out_of_range(bits):
    with pytest.raises(InputError, match="2 to 16"):
        quantise(np.ones((2, 2)), bits)
