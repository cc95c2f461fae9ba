"""The edge of every reader: limits that are checked before memory is taken, and errors of one short line."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import tracemalloc
import zipfile

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hd_plugin._checked import read_json, read_mapping
from hd_plugin._guard import UNPACKED, gunzip, open_zip, read_bytes, read_text
from hd_plugin._npz import open_npz
from hd_plugin._parsed import parse_json, parse_yaml
from hd_plugin._wording import LONGEST, joined, one_line, printable, shown
from hd_plugin.errors import InputError, did_you_mean

MOST = 500  # characters of an error about one file of a short name


def told(call, *args):
    """The text of the error, which is one short line of printable characters."""
    with pytest.raises(InputError) as caught:
        call(*args)
    text = str(caught.value)
    assert text.isprintable() and len(text) <= MOST, text
    return text


def npy(array, **changes):
    """The bytes of an .npy file whose header says other things of the array."""
    header = {"descr": array.dtype.str, "fortran_order": False, "shape": array.shape, **changes}
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, header)
    return stream.getvalue() + array.tobytes()


def archive(path, members, how=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", how) as out:
        for name, data in members.items():
            out.writestr(name, data)
    return path


# Text


@given(st.text())
def test_printable_text_is_printable_and_one_that_is_already_stays(text):
    assert printable(text).isprintable()
    assert printable(printable(text)) == printable(text)


@given(st.text(max_size=5000), st.integers(40, 2000))
def test_one_line_is_one_line_of_the_length_asked_for(text, most):
    line = one_line(text, most)
    assert line.isprintable() and len(line) <= most


def test_what_a_terminal_acts_on_is_escaped():
    assert printable("\x1b[31mred\x07") == "\\x1b[31mred\\x07"
    assert printable("a\u202eb\ud800") == "a\\u202eb\\ud800"  # right to left; half of a pair
    assert "\x1b" not in str(InputError("layer '\x1b]0;title\x07'"))
    assert str(InputError("one\ntwo\r\n  three")) == "one two three"


def test_an_error_is_cut_in_its_middle_and_keeps_what_to_do():
    text = str(InputError(f"file.yaml: {'x' * 35_000} found; do this"))
    assert len(text) <= LONGEST and text.startswith("file.yaml: x") and text.endswith("found; do this")


@pytest.mark.parametrize(
    "value",
    [10**5000, {"a": [1] * 10**6}, "x" * 10**6, [[[[[[[[1]]]]]]]], "\x1b[2J", {1: 2}, b"\0" * 999],
    ids=range(7),
)
def test_a_value_is_shown_on_one_short_line(value):
    assert len(shown(value)) <= 100 and shown(value).isprintable()


def test_problems_are_all_told_or_counted():
    assert joined(["a", "b"]) == "a; b"
    many = joined(f"field {i}: wrong" for i in range(10_000))
    assert len(many) <= LONGEST and many.endswith("more") and "field 3: wrong" in many


def test_no_time_is_lost_on_near_names_of_a_very_long_one():
    assert did_you_mean("x" * 10**6, ["x" * 10**6, "y"]).startswith("known: xxx")


# YAML


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}]\n"
    for a, b in zip("abcdefgh", "bcdefghi")
)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: 2020-13-45", "'2020-13-45' is no timestamp"),
        ("a: !!int abc", "is no int"),
        ("a: !!bool perhaps", "is no bool"),
        ("a: !!timestamp soon", "is no timestamp"),
        ("a: !!int ''", "is no int"),
        (f"a: {'9' * 5000}", "digits"),
        (f"a: 0x{'f' * 5000}", "digits"),  # Python reads it, and cannot write it
        ("a: " + "[" * 5000 + "]" * 5000, "deep"),
        ("- " * 5000, "deep"),
        (BOMB, "aliases unfolded"),
        ("a: &a [*a]", "an alias for what it stands in"),
        ("a: 1\na: 2", "'a' twice"),
        ("a: !!python/object/apply:os.system [ls]", "python/object"),
        ("a: [", "line 1"),
        ("a: \x00", "special characters|unacceptable"),
    ],
)
def test_yaml_that_is_no_plain_data_is_one_line(text, says):
    tracemalloc.start()
    try:
        found = told(parse_yaml, text, "file.yaml")
        assert tracemalloc.get_traced_memory()[1] < 200 << 20
    finally:
        tracemalloc.stop()
    assert found.startswith("file.yaml: not readable as YAML (")
    assert any(word in found for word in says.split("|")), found


def test_honest_anchors_merges_and_dates_are_read():
    text = "base: &b {x: 1, y: 2.5}\nown: {<<: *b, x: 3}\nlist: [*b, *b]\nday: 2020-01-02\nhex: 0xff"
    assert parse_yaml(text, "f") == yaml.safe_load(text)


_plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(_plain)
def test_what_yaml_and_json_write_is_read_again(value):
    assert parse_yaml(yaml.safe_dump(value), "f") == yaml.safe_load(yaml.safe_dump(value))
    assert parse_json(json.dumps(value), "f", "") == value


# JSON


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[" * 100_000, "deep"),
        ('{"a":' * 3000 + "1" + "}" * 3000, "deep"),
        (f'{{"rows": {"9" * 5000}}}', "digits"),
        (f"[1e{'9' * 5000}]", "digits"),
        ('{"rows": 8, "rows": 16}', "'rows' twice"),
        ('{"nhd": NaN}', "NaN"),
        ('{"nhd": -Infinity}', "Infinity"),
        ("{", "line 1"),
        ("", "Expecting value"),
    ],
)
def test_json_that_no_program_of_ours_writes_is_one_line(text, says):
    found = told(parse_json, text, "plan.json", "make it again")
    assert found.startswith("plan.json: not readable as JSON (") and found.endswith("make it again")
    assert says in found


def test_brackets_and_digits_inside_of_texts_are_texts():
    for text in ("[" * 1000, '\\"' * 1000 + "{" * 1000, "9" * 5000, '["' * 500):
        assert parse_json(json.dumps({"name": text, "list": [[1]] * 200}), "f", "")["name"] == text


def test_a_file_of_other_bytes_is_told_by_name(tmp_path):
    (tmp_path / "f.json").write_bytes(b'{"a": "\xff"}')
    assert "f.json" in told(read_json, tmp_path / "f.json", ["s"], "make it again")
    (tmp_path / "f.yaml").write_bytes(b"a: \xff")
    assert "byte 3" in told(read_mapping, tmp_path / "f.yaml")


# Files and archives


def test_only_regular_files_are_read(tmp_path):
    for path in ("/dev/zero", tmp_path, tmp_path / "none", "a\0b", "x" * 300):
        assert told(read_bytes, path)
    (tmp_path / "f").write_bytes(b"\xef\xbb\xbfa")
    assert read_text(tmp_path / "f") == "a"


def test_a_gzip_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    path = tmp_path / "c.json.gz"
    path.write_bytes(gzip.compress(bytes(4 * UNPACKED), 9))
    tracemalloc.start()
    try:
        assert "HD_PLUGIN_LIMITS=2" in told(gunzip, path, "make it again")
        assert tracemalloc.get_traced_memory()[1] < 2 * UNPACKED
    finally:
        tracemalloc.stop()
    monkeypatch.setenv("HD_PLUGIN_LIMITS", "5")
    assert len(gunzip(path, "")) == 4 * UNPACKED
    monkeypatch.setenv("HD_PLUGIN_LIMITS", "many")
    assert told(gunzip, path, "").startswith("HD_PLUGIN_LIMITS: 'many' found")


@given(st.binary(max_size=4000), st.integers(0, 4000), st.integers(0, 255))
def test_a_damaged_gzip_file_is_told_and_a_whole_one_read(tmp_path_factory, data, at, byte):
    path = tmp_path_factory.mktemp("gz") / "c.gz"
    packed = gzip.compress(data, mtime=0)
    path.write_bytes(packed + packed)  # two members are one file
    assert gunzip(path, "") == data + data
    at %= len(packed)
    path.write_bytes(packed[:at] + bytes([byte]) + packed[at + 1 :] + packed)
    with contextlib.suppress(InputError):  # the checksum does not see the header
        assert gunzip(path, "") == data + data
    path.write_bytes(packed[:-1])
    assert "c.gz" in told(gunzip, path, "")


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path):
    path = archive(tmp_path / "a.zip", {"x": bytes(2 * UNPACKED)}, zipfile.ZIP_DEFLATED)
    assert "unpack to 64 MiB, more than the limit of 32 MiB" in told(lambda: open_zip(path, "").__enter__())


def test_honest_arrays_are_read_as_numpy_reads_them(tmp_path):
    arrays = {
        "a": np.arange(24.0).reshape(2, 3, 4),
        "f": np.asfortranarray(np.arange(6, dtype=np.int8).reshape(2, 3)),
        "empty": np.zeros((0, 3)),
        "scalar": np.array(3.5),
        "text": np.array(["x", "yy"]),
    }
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "n.npz", **arrays)
        with open_npz(tmp_path / "n.npz") as found:
            assert list(found) == list(arrays) and not found.foreign
            for name, array in found.items():
                np.testing.assert_array_equal(array, arrays[name])
                assert array.dtype == arrays[name].dtype and array.flags.writeable


@pytest.mark.parametrize(
    ("member", "says"),
    [
        (npy(np.zeros(4), shape=(10**9, 10**9)), "declared"),
        (npy(np.zeros(4), shape=(3,)), "declared"),  # the rest would be lost without a word
        (npy(np.zeros(4), shape=(-4,)), "not below 0"),
        (npy(np.zeros(4), descr="|O"), "plain numbers"),
        (npy(np.zeros(4), descr="|V0", shape=(10**12,)), "declared|without a size"),
        (npy(np.zeros(4))[:-1], "declared"),
        (b"\x93NUMPY\x01\x00\xff\xff{", "not a readable .npy array"),
        (b"\x93NUMPY\x01\x00\x04\x00((((", "not a readable .npy array"),
        (b"\x93NUMPY\x09\x00", "not a readable .npy array"),
        (b"no array", "not a readable .npy array"),
        (b"", "not a readable .npy array"),
    ],
)
def test_an_array_whose_header_is_not_true_is_refused(tmp_path, member, says):
    path = archive(tmp_path / "n.npz", {"w.npy": member, "notes.txt": b"hello"})
    with open_npz(path) as found:
        assert found.foreign == ["notes.txt"]
        text = told(found.__getitem__, "w")
    assert "n.npz: member 'w.npy'" in text and any(word in text for word in says.split("|")), text


def test_a_member_that_has_two_names_is_refused(tmp_path):
    path = archive(tmp_path / "n.npz", {"conv.npy": npy(np.zeros(4))})
    data = path.read_bytes()
    at = data.rindex(b"conv.npy")  # in the directory at the end
    path.write_bytes(data[:at] + b"\0" + data[at + 1 :])
    assert "differ" in told(lambda: open_npz(path).__enter__())


def test_members_of_one_name_are_two_answers(tmp_path):
    path = tmp_path / "n.npz"
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("w.npy", npy(np.zeros(4)))
        with pytest.warns(UserWarning, match="Duplicate"):
            out.writestr("w.npy", npy(np.ones(4)))
    assert "two members of one name" in told(lambda: open_npz(path).__enter__())
