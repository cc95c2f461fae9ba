"""What the timeloop engine writes and reads, without the tools."""

import itertools
import math
import re

import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import hd_plugin as hd
from hd_plugin._data_files import data_folder
from hd_plugin.cli import main
from hd_plugin.engines import Array, analytic_counts, arrays, get_engine, load_array
from hd_plugin.engines.timeloop import Shape, load_problem, problem_of, shape_of, write_problems
from hd_plugin.engines.timeloop._mapping import blocks, check_input_stationary, paper_mapping
from hd_plugin.engines.timeloop._parts import names_in
from hd_plugin.errors import InputError

SHAPES = st.builds(
    Shape,
    C=st.integers(1, 12),
    K=st.integers(1, 5),
    R=st.integers(1, 3),
    S=st.integers(1, 3),
    P=st.integers(1, 5),
    Q=st.integers(1, 5),
)
NAMES = names_in(data_folder("arch") / "input_stationary.yaml", None)
ARRAYS = st.builds(Array, rows=st.integers(1, 5), cols=st.integers(1, 5))


def layer(shape):
    return hd.Layer(
        "layer", np.zeros((shape.K, shape.C, shape.R, shape.S), np.uint8), 4, output_hw=(shape.P, shape.Q)
    )


def loops(mapping):
    """{(target, type): {dimension: factor}}."""
    return {
        (m["target"], m["type"]): {f.partition("=")[0]: int(f.partition("=")[2]) for f in m["factors"]}
        for m in mapping["mapping"]
    }


@given(shape=SHAPES, array=ARRAYS)
def test_blocks_and_their_mappings_walk_the_whole_layer_step_by_step(shape, array):
    """An array walked by hand as in the paper's section 2: every MAC once, and the closed form's counts."""
    macs, weight_words, accumulator, cycles, outputs = 0, 0, 0, 0, 0
    for block in blocks(shape, array):
        maps = loops(paper_mapping(block.shape, array, NAMES))
        rows, cols = maps["array_rows", "spatial"]["C"], maps["array_columns", "spatial"]["P"]
        assert rows <= array.rows and cols <= array.cols
        tiles, inner = maps["output_buffer", "temporal"], maps["accumulation_buffer", "temporal"]
        sizes = {d: math.prod(m.get(d, 1) for m in maps.values()) for d in "CKRSPQ"}
        assert sizes == {d: getattr(block.shape, d) for d in "CKRSPQ"}
        for _ in itertools.product(
            *(range(n) for n in (tiles["P"], tiles["Q"], inner["R"], inner["S"], inner["C"], inner["K"]))
        ):
            macs, weight_words, accumulator, cycles = (
                macs + rows * cols,
                weight_words + rows,
                accumulator + cols,
                cycles + 1,
            )
        outputs += block.last * block.shape.K * block.shape.pixels
    groups = -(-shape.C // array.rows) * shape.R * shape.S
    counts = analytic_counts(layer(shape), array, groups, False)
    assert (macs, weight_words, cycles) == (counts.mac, counts.weight_reads, counts.cycles)
    assert weight_words * array.cols == counts.weight_hops
    assert (
        accumulator == counts.accumulator_reads == counts.accumulator_writes
        and outputs == counts.output_writes
    )


def map_of(*levels):
    """Entries as in map.yaml: (type, factors, permutation), innermost first."""
    return [
        {"target": f"level{i}", "type": t, "factors": f, "permutation": p}
        for i, (t, f, p) in enumerate(levels)
    ]


GOOD = [
    ("spatial", "C1 K1 R1 S1 P1 Q7", "QPCKRS"),
    ("spatial", "C8 K1 R1 S1 P1 Q1", "CKRSPQ"),
    ("temporal", "C3 K6 R3 S3 P1 Q1", "KCSRPQ"),
    ("temporal", "C1 K1 R1 S1 P14 Q2", "PQCKRS"),
]


def test_an_input_stationary_mapping_is_known_from_others():
    shape = Shape(24, 6, 3, 3, 14, 14)
    check_input_stationary(map_of(*GOOD), shape, "good")
    for change, told in (
        ((2, ("temporal", "C3 K6 R3 S3 P1 Q1", "CKSRPQ")), "innermost loop is ('C', 3)"),
        ((2, ("temporal", "C3 K3 R3 S3 P1 Q1", "KCSRPQ")), "innermost loop is ('K', 3)"),
        ((1, ("spatial", "C4 K2 R1 S1 P1 Q1", "CKRSPQ")), "K spread over PEs"),
        ((3, ("temporal", "C2 K1 R1 S1 P14 Q2", "PQCKRS")), "a loop over pixels inside"),
    ):
        levels = list(GOOD)
        levels[change[0]] = change[1]
        with pytest.raises(InputError, match="not input-stationary") as error:
            check_input_stationary(map_of(*levels), shape, "bad.yaml")
        assert told in str(error.value) and "bad.yaml" in str(error.value)


@given(shape=SHAPES)
def test_problems_come_back_as_they_were_written(shape, tmp_path_factory):
    folder = tmp_path_factory.mktemp("problems")
    (path,) = write_problems([layer(shape)], folder, "of a test")
    assert load_problem(path) == shape == shape_of(layer(shape))
    assert path.name == "01_layer.yaml" and path.read_text().startswith("# layer layer\n# of a test\n")


def test_a_problem_says_what_timeloop_reads():
    shape = problem_of(Shape(2, 3, 3, 3, 4, 5))["problem"]["shape"]
    spaces = {s["name"]: s["projection"] for s in shape["data_spaces"]}
    assert spaces == {
        "Weights": [[["C"]], [["K"]], [["R"]], [["S"]]],
        "Outputs": [[["K"]], [["P"]], [["Q"]]],
        "Inputs": [[["C"]], [["R"], ["P"]], [["S"], ["Q"]]],
    }


def test_all_problems_of_a_problem_file_come_in_one_error(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("problem:\n  version: 0.4\n  instance: {C: 0, K: x, R: 1, S: 1, P: 4, N: 1}\n")
    with pytest.raises(InputError) as error:
        load_problem(path)
    for part in ("p.yaml", "problem.instance.C: 0", "problem.instance.K", "problem.instance.Q: missing", "N"):
        assert part in str(error.value)
    path.write_text("architecture: {}\n")
    with pytest.raises(InputError, match="problem.instance: missing"):
        load_problem(path)


def test_the_files_of_table_5_are_the_specs_layers():
    spec = yaml.safe_load((data_folder("layers") / "mobilenet_v2_table5.yaml").read_text())
    shapes = [load_problem(p) for p in sorted((data_folder("layers") / "mobilenet_v2_table5").glob("*.yaml"))]
    assert len(shapes) == 33 and [[s.P, s.Q] for s in shapes] == [la["output_hw"] for la in spec["layers"]]
    assert all((s.R, s.S) == (1, 1) for s in shapes)
    assert all(a.K == b.C for a, b in itertools.pairwise(shapes))
    assert (shapes[0].C, shapes[-1].K) == (16, 1280)


def test_the_files_of_table_6_are_the_papers():
    shapes = [load_problem(p) for p in sorted((data_folder("layers") / "resnet26_table6").glob("*.yaml"))]
    assert [s.C for s in shapes] == [16] * 9 + [32, 16] + [32] * 7 + [64] + [32] * 7
    assert [s.K for s in shapes] == [16] * 8 + [32, 32, 16] + [32] * 6 + [64] * 9
    assert all((s.R, s.S) == (3, 3) and s.P == s.Q == 512 // s.K for s in shapes)


def test_the_layers_command_writes_one_problem_a_layer(tmp_path):
    done = CliRunner().invoke(main, ["layers", "-o", str(tmp_path / "p")])
    assert done.exit_code == 0, done.output
    network = hd.load_network("resnet20_cifar10_w4")
    files = sorted((tmp_path / "p").glob("*.yaml"))
    assert [load_problem(f) for f in files] == [shape_of(la) for la in network.layers]


@pytest.mark.parametrize("name", ["input_stationary", "output_stationary"])
def test_an_architectures_variables_are_all_given(name):
    """Every name that an attribute uses is a variable of each array file that goes with it."""

    class Tags(yaml.SafeLoader):
        pass

    Tags.add_multi_constructor("!", lambda loader, suffix, node: loader.construct_mapping(node, deep=True))
    nodes = yaml.load((data_folder("arch") / f"{name}.yaml").read_text(), Tags)["architecture"]["nodes"]
    used = set()
    for node in nodes:
        for value in [*node.get("attributes", {}).values(), *node.get("spatial", {}).values()]:
            used |= set(re.findall(r"[A-Za-z_]\w*", str(value)))
    from hd_plugin.energy import attributes_of

    for array in [a for a in arrays() if a.startswith(name)]:
        variables = yaml.safe_load((data_folder("arch") / f"{array}.yaml").read_text())["variables"]
        assert variables["dataflow"] == name and used <= set(variables)
        components = {n["subclass"]: n["attributes"] for n in nodes if "subclass" in n}
        for class_name, attributes in components.items():
            needed = {a for a, required in attributes_of(class_name).items() if required}
            assert needed <= set(attributes) | set(variables), f"{array}: {class_name}"


def test_plans_for_output_channels_do_not_go_with_an_output_stationary_array():
    array = load_array("output_stationary_8x8")
    with pytest.raises(InputError, match="'output_stationary' found.*'input_stationary'"):
        analytic_counts(layer(Shape(2, 2, 1, 1, 2, 2)), array, 1, False)


def test_unknown_options_of_an_engine_are_named():
    with pytest.raises(InputError, match="mapping: 'papers' is unknown; did you mean 'paper'"):
        get_engine("timeloop", mapping="papers")
    with pytest.raises(InputError, match="engine 'analytic'.*mapping"):
        get_engine("analytic", mapping="paper")
