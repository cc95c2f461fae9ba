"""Layers for the installed Timeloop, and both engines side by side."""

from dataclasses import asdict

import numpy as np
import pytest

import hd_plugin as hd
from hd_plugin.energy import load_technology
from hd_plugin.engines import AnalyticEngine, Request, get_engine
from hd_plugin.streaming import Jobs
from hd_plugin.weights import Window

TECHNOLOGY = load_technology("eyeriss45")
RATE = 0.31234567  # no short number, so that rounding shows
ROUNDING = 5.1e-6  # half a unit in the sixth digit, relative


def layer(name, C, K, R, S, P, Q, stride=(1, 1), dilation=(1, 1)):
    window = Window(stride, None, dilation)
    return hd.Layer(name, np.zeros((K, C, R, S), np.uint8), 4, output_hw=(P, Q), window=window)


def request(la, array, rate=RATE, lut_bits=0):
    return Request(la, -(-la.C // array.rows) * la.taps, rate, lut_bits)


def both(requests, array, cache, **options):
    engine = get_engine("timeloop", cache=cache, **options)
    return (
        engine.evaluate(requests, array, TECHNOLOGY, Jobs(None)),
        AnalyticEngine().evaluate(requests, array, TECHNOLOGY, Jobs(1)),
    )


def assert_same_energies(one, two):
    for part, value in asdict(two.energy).items():
        if value is not None:
            assert getattr(one.energy, part) == pytest.approx(value, rel=ROUNDING, abs=1e-30), part
