"""Before against after has one definition each: x = before / after, percent less = 1 - after / before."""

import ast
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hd_plugin
from hd_plugin._ratios import less, mean_times, times
from hd_plugin.report import tables
from hd_plugin.study import EnergyPlannedLayer, EnergyPlanning

PACKAGE = Path(hd_plugin.__file__).parent
sizes = st.floats(1e-15, 1e15)


@given(sizes, sizes)
def test_x_and_percent_less_say_the_same(before, after):
    assert times(before, after) == pytest.approx(before / after)
    assert 1 - less(before, after) == pytest.approx(1 / times(before, after), rel=1e-9, abs=1e-12)


def test_what_is_nothing_before_or_after():
    assert times(0, 0) == 1 and times(5, 0) == math.inf and less(5, 0) == 1 and less(0, 0) == 0
    assert mean_times([4, 9], [2, 3]) == 2.5  # of ratios, not of sums


def test_energy_that_is_a_fifth_more_before_is_a_sixth_less_after():
    """1.2x is 16.7 % less; the table once said +20 %, and the text that as much was saved."""
    line = dict.fromkeys(EnergyPlannedLayer.__dataclass_fields__, 1)
    line |= {"name": "a", "simulated_fJ_plan_for_flips": 120, "simulated_fJ": 100}
    line |= {"simulated_gain": times(120, 100), "simulated_less": less(120, 100)}
    line["modelled_less"] = less(110, 100)
    layer = EnergyPlannedLayer(**line)
    asked = hd_plugin.Scenario(methods=("segment",))
    result = EnergyPlanning("net", "0", asked, "t", "relu", (layer,), {}, {})
    assert result.summary()["simulated_less_mean"] == pytest.approx(1 / 6)
    assert result.summary()["simulated_gain_mean"] == pytest.approx(1.2)
    by_layer, means, *_ = tables(result)
    assert by_layer.rows[0][0][-2:] == ("9.1 %", "16.7 %") and "16.7 % less on average" in means.caption


def test_reductions_of_flips_and_energy_are_divided_in_one_place():
    """Nobody else divides a ..._before or a baseline by what came after it."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
                left, right = ast.unparse(node.left), ast.unparse(node.right)
                what = ("flips", "energy", "datapath", "total_J", "_fJ")
                if any(w in left and w in right for w in what) and ("before" in left or "base" in left):
                    found.append(f"{path.relative_to(PACKAGE)}:{node.lineno}: {left} / {right}")
    assert found == []
