"""Arrays: from code, from files of variables, and through JSON and back."""

import json

import pytest
import yaml

from hd_plugin._checked import check
from hd_plugin._data_files import data_folder
from hd_plugin.engines import Array, Expression, arrays, load_array
from hd_plugin.engines.timeloop._v4_text import to_yaml
from hd_plugin.errors import InputError

VARIABLES = """
  weight_buffer_depth: 2**19
  input_buffer_depth: "2**19"
  number: 8
  text: "8"
  energy: 1.0e-9
  off: false
  nothing:
  list: [a, "b", 3]
  mapping: {plain: rows * 2, quoted: "rows * 2"}
"""


@pytest.mark.parametrize("name", arrays())
def test_bundled_arrays_load(name):
    a = load_array(name)
    assert name.endswith(f"{a.rows}x{a.cols}")


def test_an_array_file_lists_all_its_problems(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(
        "variables:\n  dataflow: weight_stationary\n  rows: 0\n  cols: 8\n  activation_bit: 8\n"
        "  psum_bits: 1.5\n  accumulator_bits: 32\n"
    )
    with pytest.raises(InputError) as error:
        load_array(path)
    for part in (
        "a.yaml",
        "variables.activation_bits: missing",
        "weight_stationary",
        "rows: 0",
        "psum_bits: 1.5",
    ):
        assert part in str(error.value)


def test_a_misspelt_variable_is_told_beside_the_one_that_is_missing(tmp_path):
    text = (data_folder("arch") / "input_stationary_8x8.yaml").read_text()
    (tmp_path / "a.yaml").write_text(text.replace("psum_bits:", "psum_bit:"))
    with pytest.raises(InputError, match=r"a.yaml: variables.psum_bits: missing \('psum_bit' found\)$"):
        load_array(tmp_path / "a.yaml")


def test_all_problems_of_an_array_made_in_code_come_in_one_error():
    with pytest.raises(InputError) as error:
        Array(rows=0, cols="8", psum_bits=65, accumulator_bits=True, dataflow="output", variables={"a": {1}})
    for part in (
        "rows: 0 found; a whole number from 1 to 4096",
        "cols: '8'",
        "psum_bits: 65 found; a whole number from 1 to 64",
        "accumulator_bits: True",
        "did you mean 'output_stationary'",
        "a: {1} found; a number, a text",
    ):
        assert part in str(error.value)
    with pytest.raises(InputError, match="row: unknown field; did you mean 'rows'"):
        Array(row=8)


@pytest.fixture
def written(tmp_path):
    text = (data_folder("arch") / "input_stationary_8x8.yaml").read_text()
    lines = [line for line in text.splitlines() if "weight_buffer" not in line and "input_buffer" not in line]
    (tmp_path / "a.yaml").write_text("\n".join(lines) + VARIABLES)
    return load_array(tmp_path / "a.yaml")


@pytest.mark.parametrize("mode", ["python", "json"])
@pytest.mark.parametrize("form", ["json", "yaml"])
def test_a_dumped_array_comes_back_and_gives_timeloop_the_same_text(written, mode, form):
    """Also where a string without quotes is arithmetic for Timeloop, and one with quotes a text."""
    dumped = written.model_dump(mode=mode)
    read = (
        json.loads(json.dumps(dumped))
        if form == "json"
        else yaml.safe_load(yaml.safe_dump(dumped, sort_keys=False))
    )
    again = check(Array, read, "a.json")
    assert again == written and again.model_dump() == dumped
    text = to_yaml({"variables": again.variables})
    assert text == to_yaml({"variables": written.variables})
    assert "weight_buffer_depth: 2**19\n" in text and 'input_buffer_depth: "2**19"\n' in text
    assert isinstance(again.variables["weight_buffer_depth"], Expression)
    assert not isinstance(again.variables["input_buffer_depth"], Expression)


def test_an_expression_can_be_written_in_code_and_in_json():
    forms = Expression("2**19"), {"expression": "2**19"}
    for form in forms:
        array = Array(rows=4, variables={"input_buffer_depth": form})
        assert to_yaml({"variables": array.variables}) == "variables: {input_buffer_depth: 2**19}\n"
        assert array.model_dump()["variables"] == {"input_buffer_depth": {"expression": "2**19"}}


@pytest.mark.parametrize("name", arrays())
def test_bundled_arrays_come_back_whole(name):
    array = load_array(name)
    again = check(Array, json.loads(json.dumps(array.model_dump(mode="json"))), name)
    assert again == array and to_yaml(dict(again)) == to_yaml(dict(array))


def test_an_array_is_frozen():
    with pytest.raises(ValueError, match="frozen"):
        Array().rows = 4
