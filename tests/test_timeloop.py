"""The installed Timeloop and Accelergy, run for real; skipped, with the reason, where they are missing."""

import re
from dataclasses import asdict

import numpy as np
import pytest
from timeloop_cases import TECHNOLOGY, assert_same_energies, both, layer, request

import hd_plugin as hd
from hd_plugin._checked import read_mapping
from hd_plugin._data_files import data_folder
from hd_plugin.engines import AnalyticEngine, Array, get_engine, load_array
from hd_plugin.engines.timeloop import Shape, examine, find_tools, load_problem, problem_of
from hd_plugin.engines.timeloop._mapping import MAPPER
from hd_plugin.engines.timeloop._run import Job, Runs
from hd_plugin.engines.timeloop._variables import variables_for
from hd_plugin.streaming import Jobs


@pytest.fixture(scope="module")
def cache(registered, tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.mark.parametrize("table", ["mobilenet_v2_table5", "resnet26_table6"])
def test_action_counts_of_the_papers_layers_equal_the_closed_forms(table, cache):
    """All 33 and 26 layers, on the paper's array."""
    array = load_array("input_stationary_8x8")
    shapes = [load_problem(p) for p in sorted((data_folder("layers") / table).glob("*.yaml"))]
    requests = [
        request(layer(f"{table} {i}", **asdict(s)), array, lut_bits=max(1, (s.K - 1).bit_length()))
        for i, s in enumerate(shapes, 1)
    ]
    for r, found, right in zip(requests, *both(requests, array, cache)):
        assert found.counts == right.counts, r.layer.name
        assert_same_energies(found, right)


@pytest.mark.parametrize(
    "sizes, array",
    [
        ((20, 24, 1, 1, 14, 14), Array(rows=8, cols=8)),
        ((9, 7, 3, 3, 3, 5), Array(rows=4, cols=8)),
        ((3, 2, 1, 1, 1, 1), Array(rows=8, cols=8)),
        ((33, 2, 1, 3, 5, 1), Array(rows=16, cols=4)),
        ((5, 6, 1, 1, 7, 1), Array(rows=1, cols=1)),
    ],
)
@pytest.mark.parametrize("lut_bits", [0, 5])
def test_sizes_that_do_not_divide_are_counted_exactly_too(sizes, array, lut_bits, cache):
    r = request(layer("ragged", *sizes), array, lut_bits=lut_bits)
    (found,), (right,) = both([r], array, cache)
    assert found.counts == right.counts
    assert_same_energies(found, right)


def test_one_output_channel_is_the_exception_timeloop_keeps_its_sums_in_the_array(cache):
    """With K = 1 the same partial sums stay below from step to step: Timeloop moves each once per problem.

    docs/validation.md says more.
    """
    array, r = Array(rows=8, cols=8), request(layer("one", 32, 1, 3, 3, 8, 8), Array(rows=8, cols=8))
    (found,), (right,) = both([r], array, cache)
    found, right = asdict(found.counts), asdict(right.counts)
    assert {k for k in right if found[k] != right[k]} == {"accumulator_reads", "accumulator_writes"}
    assert found["accumulator_writes"] == 64 and right["accumulator_writes"] == 64 * r.groups


@pytest.mark.parametrize("sizes", [(24, 96, 1, 1, 16, 16), (16, 24, 3, 3, 8, 8), (24, 16, 1, 1, 14, 14)])
def test_the_mappers_mapping_is_input_stationary_kept_and_replayed(sizes, cache):
    """At the rate that it was searched at, a replay repeats the mapper's own results."""
    array, shape = Array(rows=8, cols=8), Shape(*sizes)
    engine = get_engine("timeloop", mapping="mapper", cache=cache)
    r = request(layer("mapped", *sizes), array, rate=0.5)
    replayed = engine.evaluate([r], array, TECHNOLOGY, Jobs(1))[0]
    variables = variables_for(r, array, "eyeriss45")
    searched = engine.runs.cached(
        Job("mapper", engine.architecture, {"variables": variables, **problem_of(shape), "mapper": MAPPER})
    )
    assert searched is not None and (searched.folder / "timeloop-mapper.map.yaml").is_file()
    for name, part in replayed.components.items():
        own = searched.components[name]
        assert part.accesses == own.accesses and part.compute_pJ == own.compute_pJ
    if shape.C % 8 == 0 and shape.pixels % 8 == 0 and shape.P % 8 == 0:
        right = AnalyticEngine().evaluate([r], array, TECHNOLOGY, Jobs(1))[0]
        assert replayed.counts == right.counts


@pytest.mark.parametrize("name", ["input_stationary", "output_stationary"])
def test_doctor_finds_every_value_served_by_hd_plugin(name, registered):
    found = examine(data_folder("arch") / f"{name}.yaml")
    ours = [row for row in found.rows if row.class_name.startswith("hd_")]
    assert found.healthy and {row.estimator for row in ours} == {"hd_plugin"} and len(ours) > 30
    assert {row.class_name for row in ours} >= {
        "hd_mac",
        "hd_weight_hop",
        "hd_psum_hop",
        "hd_clock",
        "hd_sram",
    }


@pytest.mark.parametrize("sizes", [(24, 16, 1, 1, 8, 8), (16, 16, 3, 3, 8, 8), (10, 12, 3, 3, 6, 6)])
def test_the_output_stationary_architecture_holds_outputs_and_streams_weights(sizes, cache):
    shape = Shape(*sizes)
    variables = read_mapping(data_folder("arch") / "output_stationary_8x8.yaml")["variables"]
    out = Runs(find_tools(), cache).run(
        Job(
            "mapper",
            data_folder("arch") / "output_stationary.yaml",
            {"variables": variables, **problem_of(shape), "mapper": MAPPER},
        )
    )
    steps = shape.C * shape.R * shape.S
    maps = (out.folder / "timeloop-mapper.map.txt").read_text()
    rows, cols = (
        int(n)
        for n in (
            re.search(r"K in \[0:(\d+)\) \(Spatial-Y\)", maps)[1],
            np.prod([int(n) for n in re.findall(r"[PQ] in \[0:(\d+)\) \(Spatial-X\)", maps)]),
        )
    )
    tiles = shape.K // rows * (shape.pixels // cols)
    assert out.cycles == tiles * steps and out.components["mac"].computes == shape.K * shape.pixels * steps
    assert out.components["output_buffer"].updates == shape.K * shape.pixels  # each output leaves its PE once
    assert out.components["weight_line"].fills == tiles * steps * rows  # a new weight every step and row
    assert out.components["weight_buffer"].reads == tiles * steps * rows
    assert out.components["accumulator"].updates == shape.K * shape.pixels * steps


def test_an_interrupted_comparison_goes_on_where_it_stopped(cache):
    array = Array(rows=8, cols=8)
    requests = [request(layer(f"l{i}", 8, 4 + i, 1, 1, 4, 4), array) for i in range(4)]
    where = cache / "interrupted"
    engine = get_engine("timeloop", cache=where)
    jobs = Jobs(1, progress=lambda done, total, text: jobs.stop() if 2 * done >= total else None)
    with pytest.raises(hd.errors.HdPluginError, match="[23] of 4 runs are kept.*again to go on"):
        engine.evaluate(requests, array, TECHNOLOGY, jobs)
    before = {p.name: p.stat().st_mtime_ns for p in where.iterdir()}
    assert 2 <= len(before) < 4  # a run that has begun is ended
    assert len(engine.evaluate(requests, array, TECHNOLOGY, Jobs(1))) == 4
    after = {p.name: p.stat().st_mtime_ns for p in where.iterdir()}
    assert len(after) == 4 and before.items() <= after.items()
