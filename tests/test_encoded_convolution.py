"""A convolution through a table is the sum of its entries, and its gradients are theirs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hd_plugin import encoding_mac as em
from hd_plugin.errors import InputError
from hd_plugin.hardware import Activations, convolution
from hd_plugin.weights import Layer


def by_loops(table, weights, patches):
    K, inputs, pixels = len(weights), len(patches), len(patches[0])
    return [
        [sum(int(table[patches[i][p]][weights[k][i]]) for i in range(inputs)) for p in range(pixels)]
        for k in range(K)
    ]


@settings(max_examples=25)
@given(st.data())
def test_sums_of_any_table_are_those_of_a_plain_loop(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 1 << 30)))
    a_bits, w_bits = data.draw(st.integers(2, 8)), data.draw(st.integers(2, 8))
    most = data.draw(st.sampled_from([3, 1 << 14, 1 << 15, 40_000, 1 << 28, 1 << 31]))
    table = rng.integers(-most, most, (1 << a_bits, 1 << w_bits)) + data.draw(
        st.sampled_from([0, 777, -most])
    )
    K, inputs, pixels = (data.draw(st.integers(1, n)) for n in (35, 19, 5))
    weights = rng.integers(0, 1 << w_bits, (K, inputs)).astype(np.uint8)
    patches = rng.integers(0, 1 << a_bits, (inputs, pixels)).astype(np.uint8)
    found = em.table_sums(table, weights, patches)
    assert found.dtype == np.int64
    assert found.tolist() == by_loops(table.tolist(), weights.tolist(), patches.tolist())


def test_more_pixels_than_a_block():
    rng = np.random.default_rng(1)
    table = rng.integers(-30_000, 30_000, (256, 256))
    weights = rng.integers(0, 256, (17, 9)).astype(np.uint8)
    patches = rng.integers(0, 256, (9, 4501)).astype(np.uint8)
    wanted = sum(table[patches[i][None, :], weights[:, i][:, None]] for i in range(9))
    assert (em.table_sums(table, weights, patches) == wanted).all()


@pytest.mark.parametrize("a_signed", [False, True])
@pytest.mark.parametrize("w_bits", [4, 8])
def test_the_exact_encoding_is_the_plain_convolution(a_signed, w_bits):
    rng = np.random.default_rng(2)
    half = 1 << w_bits - 1
    layer = Layer.from_values("one", rng.integers(-half, half, (5, 3, 3, 3)), w_bits)
    patches = rng.integers(-128, 128, (3, 9, 11)) if a_signed else rng.integers(0, 256, (3, 9, 11))
    activations = Activations(patches, 8, a_signed)
    exact = em.exact(8, w_bits, a_signed=a_signed)
    assert (em.encoded_convolution(exact, layer, activations) == convolution(layer, activations)).all()


def test_truncation_is_the_exact_convolution_without_the_products_left_out():
    """An oracle of another kind: one more exact convolution for each activation bit."""
    rng = np.random.default_rng(3)
    layer = Layer.from_values("one", rng.integers(-127, 128, (4, 3, 3, 3)), 8)
    patches = rng.integers(0, 256, (3, 9, 13))
    activations = Activations(patches, 8, False)
    encoding = em.truncated(8, 8, 36, a_signed=False)
    values = layer.values.reshape(4, -1).astype(np.int64)
    flat = patches.reshape(-1, 13)
    left_out = sum(((values % (1 << 7 - i)) << i) @ (flat >> i & 1) for i in range(7))
    wanted = convolution(layer, activations) - left_out + 27 * encoding.constant
    assert (em.encoded_convolution(encoding, layer, activations) == wanted).all()


def test_a_padded_zero_counts_as_the_table_says():
    layer = Layer.from_values("one", np.array([[[[3, -2]]]]), 4)
    encoding = em.truncated(4, 4, 6, a_signed=False)
    found = em.encoded_convolution(encoding, layer, Activations(np.zeros((1, 2, 1), int), 4, False))
    assert encoding.constant and found.tolist() == [[2 * encoding.constant]]


def test_operands_that_are_not_the_encodings():
    layer = Layer.from_values("one", np.ones((1, 2), int), 4)
    activations = Activations(np.ones((2, 1, 1), int), 8, False)
    with pytest.raises(
        InputError, match="layer 'one': activations are unsigned 8-bit and weights signed 4-bit"
    ):
        em.encoded_convolution(em.exact(8, 8, a_signed=False), layer, activations)
    with pytest.raises(InputError, match="takes signed 8-bit and signed 4-bit"):
        em.encoded_convolution(em.exact(8, 4), layer, activations)
    with pytest.raises(InputError, match=r"\[1, 1, 1\] found; layer 'one' needs \[2, 1, pixels\]"):
        em.encoded_convolution(em.exact(8, 4), layer, Activations(np.ones((1, 1, 1), int), 8, False))


def test_slopes_of_the_exact_product_are_the_other_operand():
    encoding = em.exact(6, 4, a_signed=False)
    by_activation, by_weight = em.table_slopes(encoding.table(), 3)
    weights, activations = np.arange(-8, 8), np.arange(64)
    assert np.allclose(by_activation, np.broadcast_to(weights, (64, 16)))
    assert np.allclose(by_weight, np.broadcast_to(activations[:, None], (64, 16)))
    with pytest.raises(InputError, match="reach: 0 found"):
        em.table_slopes(encoding.table(), 0)


def test_slopes_are_differences_over_the_reach():
    rng = np.random.default_rng(4)
    table = rng.integers(-99, 99, (16, 8))
    by_activation, by_weight = em.table_slopes(table, 2)
    assert (
        by_activation[5, 3] == (table[7, 3] - table[3, 3]) / 4
        and by_activation[0, 3] == (table[2, 3] - table[0, 3]) / 2
    )
    assert by_weight[5, 7] == np.float32((table[5, 7] - table[5, 5]) / 2)


@pytest.mark.parametrize("K", [1, 16, 21])
def test_gradients_are_sums_of_slopes(K):
    rng = np.random.default_rng(5)
    inputs, pixels = 7, 23
    slopes = rng.standard_normal((32, 16)).astype(np.float32)
    weights = rng.integers(0, 16, (K, inputs)).astype(np.uint8)
    patches = rng.integers(0, 32, (inputs, pixels)).astype(np.uint8)
    grads = rng.standard_normal((K, pixels)).astype(np.float32)
    at = slopes.astype(float)[patches[None], weights[:, :, None]]  # [K, inputs, pixels]
    back = em.activation_gradient(slopes, weights, patches, grads)
    assert np.allclose(back, np.einsum("kp,kip->ip", grads, at), atol=1e-4)
    down = em.weight_gradient(slopes, weights, patches, grads)
    assert np.allclose(down, np.einsum("kp,kip->ki", grads, at), atol=1e-4)
    assert (down == em.weight_gradient(slopes, weights, patches, grads)).all()
