"""The installed Timeloop and Accelergy, run for real. Skipped, with the reason, where they are not installed."""

import json
import re
import subprocess
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import hd_plugin as hd
from hd_plugin._data_files import data_folder
from hd_plugin._yaml import read_mapping
from hd_plugin.cli import main
from hd_plugin.energy import build_component, load_technology
from hd_plugin.engines import AnalyticEngine, Array, Request, get_engine, load_array
from hd_plugin.engines.timeloop import Shape, examine, find_tools, load_problem, problem_of
from hd_plugin.engines.timeloop._engine import MAPPER, variables_for
from hd_plugin.engines.timeloop._results import components, expected, reference_table
from hd_plugin.engines.timeloop._run import Job, Runs
from hd_plugin.streaming import Jobs

TECHNOLOGY = load_technology("eyeriss45")
RATE = 0.31234567  # no short number, so that rounding shows
ROUNDING = 5.1e-6  # half a unit in the sixth digit, relative
DATAPATH = {"mac", "weight_line", "psum_hop"}


@pytest.fixture(scope="module")
def cache(registered, tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def layer(name, C, K, R, S, P, Q):
    return hd.Layer(name, np.zeros((K, C, R, S), np.uint8), 4, output_hw=(P, Q))


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
        ((20, 24, 1, 1, 14, 14), Array(8, 8)),
        ((9, 7, 3, 3, 3, 5), Array(4, 8)),
        ((3, 2, 1, 1, 1, 1), Array(8, 8)),
        ((33, 2, 1, 3, 5, 1), Array(16, 4)),
        ((5, 6, 1, 1, 7, 1), Array(1, 1)),
    ],
)
@pytest.mark.parametrize("lut_bits", [0, 5])
def test_sizes_that_do_not_divide_are_counted_exactly_too(sizes, array, lut_bits, cache):
    r = request(layer("ragged", *sizes), array, lut_bits=lut_bits)
    (found,), (right,) = both([r], array, cache)
    assert found.counts == right.counts
    assert_same_energies(found, right)


def test_one_output_channel_is_the_exception_timeloop_keeps_its_sums_in_the_array(cache):
    """With K = 1 the same partial sums stay below from step to step, so Timeloop moves each once per problem (docs/validation.md)."""
    array, r = Array(8, 8), request(layer("one", 32, 1, 3, 3, 8, 8), Array(8, 8))
    (found,), (right,) = both([r], array, cache)
    found, right = asdict(found.counts), asdict(right.counts)
    assert {k for k in right if found[k] != right[k]} == {"accumulator_reads", "accumulator_writes"}
    assert found["accumulator_writes"] == 64 and right["accumulator_writes"] == 64 * r.groups


@pytest.mark.parametrize("sizes", [(24, 96, 1, 1, 16, 16), (16, 24, 3, 3, 8, 8), (24, 16, 1, 1, 14, 14)])
def test_the_mappers_mapping_is_input_stationary_kept_and_replayed(sizes, cache):
    """At the rate that it was searched at, a replay repeats the mapper's own results; at another, only flips differ."""
    array, shape = Array(8, 8), Shape(*sizes)
    engine = get_engine("timeloop", mapping="mapper", cache=cache)
    r = request(layer("mapped", *sizes), array, rate=0.5)
    replayed = engine.evaluate([r], array, TECHNOLOGY, Jobs(1))[0]
    variables = variables_for(array, 4, "twos_complement", "eyeriss45", flip_rate=0.5)
    searched = engine.runs.cached(
        Job("mapper", engine.architecture, {"variables": variables, **problem_of(shape), "mapper": MAPPER})
    )
    assert searched is not None and (searched.folder / "timeloop-mapper.map.yaml").is_file()
    own = {n: json.loads(json.dumps(c.to_dict())) for n, c in searched.components.items()}
    for name, part in replayed.details["components"].items():
        part = json.loads(json.dumps(part))
        assert part["accesses"] == own[name]["accesses"] and part["compute_pJ"] == own[name]["compute_pJ"]
    if shape.C % 8 == 0 and shape.pixels % 8 == 0 and shape.P % 8 == 0:
        right = AnalyticEngine().evaluate([r], array, TECHNOLOGY, Jobs(1))[0]
        assert replayed.counts == right.counts


@pytest.mark.parametrize("mapping", ["paper", "mapper"])
def test_another_flip_rate_changes_datapath_rows_only(mapping, cache):
    array, la = Array(8, 8), layer("one", 16, 24, 1, 1, 8, 8)
    engine = get_engine("timeloop", mapping=mapping, cache=cache)
    high, low = engine.evaluate(
        [request(la, array, rate) for rate in (0.5, 0.2)], array, TECHNOLOGY, Jobs(None)
    )
    tables = [reference_table(Path(e.details["folders"][0]) / "timeloop-model.ERT.yaml") for e in (high, low)]
    assert {name for name in tables[0] if tables[0][name] != tables[1][name]} == DATAPATH
    changed = {
        name
        for name in high.details["components"]
        if high.details["components"][name] != low.details["components"][name]
    }
    assert changed == DATAPATH and high.counts == low.counts


def test_the_table_holds_hd_plugins_values_to_six_digits(cache):
    """Against the values printed with six digits, every component and action, read from Accelergy's own file."""
    array = Array(8, 8)
    found = get_engine("timeloop", cache=cache).evaluate(
        [request(layer("one", 16, 24, 1, 1, 8, 8), array, lut_bits=5)], array, TECHNOLOGY, Jobs(1)
    )[0]
    folder = Path(found.details["folders"][0])
    table, checked = reference_table(folder / "timeloop-model.ERT.yaml"), 0
    for entry in components(folder):
        if entry.class_name.startswith("hd_"):
            right = expected(entry)
            for action, value in table[entry.name].items():
                assert f"{value:.6g}" == f"{right[action]:.6g}", f"{entry.name}.{action}"
                checked += 1
    assert checked == 41  # four actions of ten storages, leak included, and one of the MAC


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


def test_a_finished_comparison_comes_from_the_cache_and_is_the_same(cache, tmp_path):
    rng = np.random.default_rng(0)
    np.savez(
        tmp_path / "net.npz",
        **{
            "a.weight": rng.normal(size=(8, 12, 1, 1)),
            "a.output_hw": np.array([6, 6]),
            "b.weight": rng.normal(size=(6, 8, 3, 3)),
            "b.output_hw": np.array([3, 3]),
        },
    )
    results, times = [], []
    for number in range(2):
        done = CliRunner().invoke(
            main,
            [
                "compare",
                str(tmp_path / "net.npz"),
                "--engine",
                "timeloop",
                "--cache",
                str(cache / "c"),
                "--json",
                "-o",
                str(tmp_path / f"o{number}"),
            ],
        )
        assert done.exit_code == 0, done.output
        results.append(json.loads(done.stdout))
        times.append({p.name: p.stat().st_mtime_ns for p in (cache / "c").iterdir()})
    assert results[0] == results[1] and times[0] == times[1]
    assert results[0]["provenance"]["engine"]["mapping"] == "paper"
    analytic = hd.compare(hd.load_network(tmp_path / "net.npz"))
    for row, la in zip(
        analytic.rows, [la["methods"][m] for la in results[0]["layers"] for m in la["methods"]]
    ):
        assert la["counts"] == asdict(row.counts)
        assert la["datapath_energy_J"] == pytest.approx(row.energy.datapath_J, rel=2 * ROUNDING)
    kept = tmp_path / "o0" / "timeloop"
    assert (kept / "a.baseline.1" / "inputs.yaml").is_file() or (
        kept / "a.baseline" / "inputs.yaml"
    ).is_file()
    assert (tmp_path / "o0" / "report.html").is_file()


def test_an_interrupted_comparison_goes_on_where_it_stopped(cache):
    array = Array(8, 8)
    requests = [request(layer(f"l{i}", 8, 4 + i, 1, 1, 4, 4), array) for i in range(4)]
    where = cache / "interrupted"
    engine = get_engine("timeloop", cache=where)
    jobs = Jobs(1, progress=lambda done, total, text: jobs.stop() if done == 2 else None)
    with pytest.raises(hd.errors.HdPluginError, match="2 of 4 runs are kept.*again to go on"):
        engine.evaluate(requests, array, TECHNOLOGY, jobs)
    before = {p.name: p.stat().st_mtime_ns for p in where.iterdir()}
    assert len(before) == 2
    assert len(engine.evaluate(requests, array, TECHNOLOGY, Jobs(1))) == 4
    after = {p.name: p.stat().st_mtime_ns for p in where.iterdir()}
    assert len(after) == 4 and before.items() <= after.items()


@pytest.mark.parametrize("mapping", ["paper", "mapper"])
def test_a_saved_run_can_be_run_again_by_hand(mapping, cache, tmp_path):
    np.savez(
        tmp_path / "net.npz",
        **{"a.weight": np.random.default_rng(0).normal(size=(8, 8, 1, 1)), "a.output_hw": np.array([8, 8])},
    )
    done = CliRunner().invoke(
        main,
        [
            "compare",
            str(tmp_path / "net.npz"),
            "--engine",
            "timeloop",
            "--mapping",
            mapping,
            "--cache",
            str(cache / "with spaces"),
            "-o",
            str(tmp_path / "o"),
        ],
    )
    assert done.exit_code == 0, done.output
    saved = tmp_path / "o" / "timeloop" / "a.cluster"
    tools = find_tools()
    again = tmp_path / "again"
    again.mkdir()
    subprocess.run(
        [tools.timeloop_model, saved / "parsed-processed-input.yaml", "-o", again],
        env=tools.environment(),
        check=True,
        capture_output=True,
        cwd=again,
    )
    told = [
        next(p.glob("timeloop-model.stats.txt")).read_text().split("Summary Stats")[1] for p in (saved, again)
    ]
    assert told[0] == told[1]


def priced(energy_pJ, sizes, cache, **options):
    """Evaluation with operands that come from a main memory of that energy."""
    variables = {"operands_resident": 0, "main_memory_pJ_per_bit": energy_pJ}
    array = Array(8, 8, variables=variables)
    return get_engine("timeloop", cache=cache, **options).evaluate(
        [request(layer("one", *sizes), array)], array, TECHNOLOGY, Jobs(1)
    )[0]


@pytest.mark.parametrize("sizes", [(8, 24, 1, 1, 4, 5), (20, 6, 1, 1, 3, 3), (16, 12, 3, 3, 5, 5)])
def test_operands_that_are_not_resident_come_and_go_once(sizes, cache):
    """Also for layers that are run in parts, and for unrolled ones: every weight and input in once, every output out once."""
    C, K, R, S, P, Q = sizes
    found = priced(2.0, sizes, cache).details["components"]
    moved = {
        space: a["reads"] + a["fills"] + a["updates"] for space, a in found["main_memory"]["accesses"].items()
    }
    assert moved == {"Weights": K * C * R * S, "Inputs": C * P * Q, "Outputs": K * P * Q}
    energy = sum(a["energy_pJ"] for a in found["main_memory"]["accesses"].values())
    assert energy == pytest.approx(2.0 * 8 * sum(moved.values()), rel=ROUNDING)
    assert found["weight_buffer"]["accesses"]["Weights"]["fills"] == K * C * R * S
    assert found["input_buffer"]["accesses"]["Inputs"]["fills"] == C * P * Q
    for name, space, width in (("weight_buffer", "Weights", 4), ("input_buffer", "Inputs", 8)):
        a = found[name]["accesses"][space]
        assert a["energy_pJ"] == pytest.approx(
            TECHNOLOGY.sram_pJ_per_bit * width * (a["reads"] + a["fills"]), rel=2 * ROUNDING
        )


def test_leakage_is_that_of_the_whole_array_busy_or_not(cache):
    """Three of eight rows are used; all 64 PEs leak, MACs included."""
    array = Array(8, 8)
    found = get_engine("timeloop", cache=cache).evaluate(
        [request(layer("one", 3, 6, 1, 1, 8, 8), array)], array, TECHNOLOGY, Jobs(1)
    )[0]
    variables = variables_for(array, 4, "twos_complement", "eyeriss45")
    given = {
        **variables,
        "flip_rate": 0.5,
        "pes": 64,
        "hops": 8,
        "entries": 1,
        "entry_bits": 0,
        "width": 8,
        "depth": variables["input_buffer_depth"],
    }
    leak = {
        name: build_component(name, given)[0].leak_pJ(1e-9)
        for name in ("hd_mac", "hd_psum_hop", "hd_weight_hop")
    }
    per_cycle = {
        name: found.details["components"][name]["per_cycle_pJ"] / found.counts.cycles
        for name in ("mac", "psum_hop", "weight_line")
    }
    assert per_cycle == pytest.approx(
        {
            "mac": 64 * leak["hd_mac"],
            "psum_hop": 64 * leak["hd_psum_hop"],
            "weight_line": 8 * leak["hd_weight_hop"],
        },
        rel=ROUNDING,
    )
