"""Checked values: every problem at once, each with the path of its field; numbers that are numbers."""

from __future__ import annotations

import json
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from hd_plugin._checked import Checked, Listed, Whole, check, read_json, read_mapping
from hd_plugin.errors import InputError


class Part(Checked):
    name: str
    width: Annotated[Whole, Field(ge=1, le=64)]
    kind: Literal["read", "write"] = "read"
    ratio: float | None = None


class Machine(Checked):
    rows: Annotated[Whole, Field(ge=1)]
    energy: Annotated[float, Field(gt=0)] = 1.0
    clock: bool = True
    parts: Listed[Part] = ()
    spare: Part | None = None
    named: dict[str, Part] = Field(default_factory=dict)
    sizes: Listed[Whole] = ()


class Pair(Checked):
    """``read`` sees fields that do not go together, and takes a short form."""

    low: int
    high: int

    @classmethod
    def read(cls, data):
        if isinstance(data.get("both"), int):
            both = data.pop("both")
            data = {**data, "low": both, "high": both}
        wrong = data.get("low", 0) > data.get("high", 0)
        return data, ["low: above high"] if wrong else []


PART = {"name": "a", "width": 4}


def problems(model, data):
    with pytest.raises(InputError) as caught:
        check(model, data, "file.yaml")
    text = str(caught.value)
    assert text.startswith("file.yaml: ")
    return text.removeprefix("file.yaml: ").split("; ")


def test_a_value_that_is_right_is_a_frozen_value():
    data = {"rows": 8, "parts": [PART, {**PART, "kind": "write"}], "named": {"x": PART}, "sizes": [1, 2]}
    machine = check(Machine, data, "file.yaml")
    assert machine == Machine(**data) and machine.parts[1].kind == "write" and machine.sizes == (1, 2)
    assert machine.named["x"].width == 4 and data["sizes"] == [1, 2]
    with pytest.raises(Exception, match="frozen"):
        machine.rows = 9


def test_all_problems_are_told_at_once_with_the_paths_of_their_fields():
    data = {
        "rows": 0,
        "energi": 2.0,
        "clock": "yes",
        "parts": [PART, {"name": 3, "width": 65, "knd": "read"}, "nine"],
        "spare": {"name": "b", "width": True, "kind": "reed"},
        "named": {"first": {"name": "c"}},
        "sizes": [1, 2.5, "3"],
    }
    told = problems(Machine, data)
    for problem in (
        "rows: 0 found",
        "a whole number >= 1 is needed",
        "energi: unknown field",
        "did you mean 'energy'?",
        "clock: 'yes' found",
        "true or false is needed",
        "parts[1].name: 3 found",
        "a text is needed",
        "parts[1].width: 65 found",
        "a whole number from 1 to 64 is needed",
        "parts[1].knd: unknown field",
        "did you mean 'kind'?",
        "parts[2]: 'nine' found",
        "a mapping of fields is needed",
        "spare.width: True found",
        "spare.kind: 'reed' is unknown",
        "did you mean 'read'?",
        "named.first.width: missing",
        "sizes[1]: 2.5 found",
        "sizes[2]: '3' found",
        "a whole number is needed",
    ):
        assert problem in told, problem


def test_the_class_is_named_where_there_is_no_file():
    with pytest.raises(InputError, match=r"^Part: name: missing; width: missing$"):
        Part()
    with pytest.raises(InputError, match=r"^name: missing; width: missing$"):
        check(Part, {}, "")


@given(st.integers(1, 64))
def test_8_0_is_8(n):
    assert Part(name="a", width=float(n)) == Part(name="a", width=n)
    assert type(Part(name="a", width=float(n)).width) is int


@given(
    st.one_of(
        st.booleans(),
        st.none(),
        st.text(),
        st.integers(1, 64).map(str),
        st.floats().filter(lambda x: not x.is_integer()),
        st.integers(max_value=0),
        st.integers(min_value=65),
        st.lists(st.integers(1, 64)),
    )
)
def test_what_is_no_whole_number_in_range_is_refused(value):
    told = problems(Part, {"name": "a", "width": value})
    assert told[0].startswith("width: ") and told[-1] == "a whole number from 1 to 64 is needed"


@given(st.one_of(st.booleans(), st.text(), st.floats(max_value=0), st.integers(max_value=0)))
def test_what_is_no_number_above_0_is_refused(value):
    told = problems(Machine, {"rows": 1, "energy": value})
    assert told[0].startswith("energy: ") and told[-1] == "a number above 0 is needed"


@given(st.one_of(st.floats(1e-300, 1e300), st.integers(1, 10**9)))
def test_a_number_may_be_whole_or_not(value):
    assert Machine(rows=1, energy=value).energy == value


@given(st.text(st.characters(codec="ascii", categories=["L"]), min_size=1))
def test_an_unknown_field_is_told_with_its_name_and_never_taken(name):
    if name in Part.model_fields:
        return
    assert problems(Part, {**PART, name: 1})[0] == f"{name}: unknown field"


def test_a_field_whose_name_is_no_text_is_unknown():
    assert problems(Part, {**PART, 1: 2})[0].endswith("unknown field")


@pytest.mark.parametrize("data", [None, [], "text", 3])
def test_what_is_no_mapping_is_refused(data):
    assert problems(Part, data) == [f"a mapping of fields is needed, {type(data).__name__} found"]


def test_long_values_are_not_told_whole():
    [found, _] = problems(Part, {"name": ["x"] * 1000, "width": 1})
    assert len(found) < 120 and found.endswith("... (list) found")


def test_problems_between_fields_come_with_all_others():
    assert Pair(both=3) == Pair(low=3, high=3)
    with pytest.raises(InputError, match=r"^Pair: low: above high$"):
        Pair(low=4, high=3)
    assert problems(Pair, {"low": 4, "high": 3, "hihg": 1})[::2] == ["hihg: unknown field", "low: above high"]


def test_yaml_is_read_or_refused_by_name(tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text("rows: 8\nparts: [{name: a, width: 4}]")
    assert check(Machine, read_mapping(path), path).parts == (Part(name="a", width=4),)
    for text, told in (
        ("", "a mapping of fields is needed, NoneType found"),
        ("[1]", "a mapping of fields is needed, list found"),
        ("a: [", "not readable as YAML .*line 1"),
        ("\x00", "not readable as YAML"),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=rf"m\.yaml: {told}"):
            read_mapping(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"m\.yaml: not readable as YAML"):
        read_mapping(path)
    with pytest.raises(InputError, match=r"n\.yaml: no such file"):
        read_mapping(tmp_path / "n.yaml")


def test_json_of_a_schema_is_read_or_refused_with_advice(tmp_path):
    path = tmp_path / "r.json"
    path.write_text(json.dumps({"schema": "x/2", "a": 1}))
    assert read_json(path, ["x/1", "x/2"], "make it again")["a"] == 1
    for content, told in (
        (b'{"schema": "y/1"}', "schema: 'y/1' found, 'x/1' or 'x/2' needed"),
        (b"[]", "schema: 'list' found"),
        (b"{", "not readable as JSON"),
        (b"\xff\xfe\x00", "not readable as JSON"),
        (b"[" * 100_000, "not readable as JSON"),
    ):
        path.write_bytes(content)
        with pytest.raises(InputError, match=rf"r\.json: {told}.*; make it again$"):
            read_json(path, ["x/1", "x/2"], "make it again")
    with pytest.raises(InputError, match=r"s\.json: no such file; make it again"):
        read_json(tmp_path / "s.json", ["x/1"], "make it again")


def test_a_list_of_another_length_says_how_many_are_needed():
    class Pair(Checked):
        sizes: Annotated[Listed[int], Field(min_length=2, max_length=2)]

    for sizes, word in (([1, 2, 3], "at most 2"), ([1], "at least 2")):
        with pytest.raises(InputError, match=f"^file: sizes: .* found; {word} of them are needed$"):
            check(Pair, {"sizes": sizes}, "file")
