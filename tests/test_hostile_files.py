"""Files made to hurt, through the readers that people call: bombs, escape codes, formulas in cells."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile

import numpy as np
import pytest
from click.testing import CliRunner
from gate_cases import some_layer
from hypothesis import given
from hypothesis import strategies as st

import hd_plugin as hd
from hd_plugin._csv import cell, write_csv
from hd_plugin._guard import UNPACKED
from hd_plugin.cli import main
from hd_plugin.energy import load_technology
from hd_plugin.engines import load_array
from hd_plugin.engines.timeloop import load_problem
from hd_plugin.errors import InputError
from hd_plugin.gates import load_circuit, read_liberty
from hd_plugin.gates._logic import parse
from hd_plugin.study import Scenario
from hd_plugin.weights import load_spec

ESCAPE = "\x1b[31mred\x07"


def refused(call, *args):
    """The text of the error."""
    with pytest.raises(InputError) as caught:
        call(*args)
    assert str(caught.value).isprintable() and len(str(caught.value)) < 500
    return str(caught.value)


def test_an_npz_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / "bomb.npz"
    np.savez_compressed(path, w=np.zeros((64, UNPACKED // 32), np.int8))
    assert path.stat().st_size < UNPACKED // 100
    assert "unpack to 64 MiB" in refused(hd.load_network, path)


def test_weights_that_are_all_there_may_be_of_any_size(tmp_path):
    path = tmp_path / "large.npz"
    values = np.random.default_rng(0).integers(-7, 8, (4096, (UNPACKED >> 12) + 8)).astype(np.int8)
    np.savez(path, w=values)
    assert (hd.load_network(path, bits=4).layers[0].values[:, :, 0, 0] == values).all()


def test_layers_that_share_their_numbers_are_counted_each(tmp_path):
    onnx = pytest.importorskip("onnx", reason="reads .onnx")
    h, values = onnx.helper, np.ones((1024, 1024), np.int8)
    nodes = [h.make_node("MatMulInteger", ["x" if not i else f"y{i}", "w"], [f"y{i + 1}"]) for i in range(64)]
    image = h.make_tensor_value_info("x", onnx.TensorProto.INT8, [1, 1024])
    out = h.make_tensor_value_info("y64", onnx.TensorProto.INT32, None)
    graph = h.make_graph(nodes, "g", [image], [out], [onnx.numpy_helper.from_array(values, "w")])
    onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 13)]), tmp_path / "m.onnx")
    assert "unpack to 64 MiB" in refused(hd.load_network, tmp_path / "m.onnx")


def test_names_of_a_model_that_are_no_text_are_refused(tmp_path):
    onnx = pytest.importorskip("onnx", reason="reads .onnx")
    h, path = onnx.helper, tmp_path / "m.onnx"
    image, out = (h.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 4]) for name in "xy")
    stored = onnx.numpy_helper.from_array(np.eye(4, dtype=np.float32), "weights")
    graph = h.make_graph([h.make_node("MatMul", ["x", "weights"], ["y"])], "g", [image], [out], [stored])
    onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 13)]), path)
    path.write_bytes(path.read_bytes().replace(b"weights", b"weight\xff"))
    assert "m.onnx" in refused(hd.load_network, path)


def test_sizes_that_do_not_go_together_are_told_when_numbers_are_read(tmp_path):
    onnx = pytest.importorskip("onnx", reason="reads .onnx")
    h, path = onnx.helper, tmp_path / "m.onnx"
    image, out = (h.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in "xy")
    arrays = {"w": np.ones((6, 4, 3, 3), np.int8), "s": np.ones(6, np.float32)}
    stored = [onnx.numpy_helper.from_array(value, name) for name, value in arrays.items()]
    nodes = [
        h.make_node("DequantizeLinear", ["w", "s"], ["f"], axis=1),
        h.make_node("Conv", ["x", "f"], ["y"]),
    ]
    graph = h.make_graph(nodes, "g", [image], [out], stored)
    onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 13)]), path)
    assert "m.onnx" in refused(hd.load_network, path)


def test_a_tensor_of_a_thousand_million_zeros_is_not_made(tmp_path):
    torch = pytest.importorskip("torch", reason="reads .pt")
    torch.save({"w.weight": torch.zeros(1, 1).expand(40_000, 40_000)}, tmp_path / "m.pt")
    assert "w.weight" in refused(hd.load_network, tmp_path / "m.pt")


def test_an_archive_that_says_to_be_one_of_several_is_refused(tmp_path):
    torch = pytest.importorskip("torch", reason="reads .pt")
    path = tmp_path / "m.pt"
    torch.save({"w.weight": torch.zeros(3, 4)}, path)
    whole = path.read_bytes()
    at = whole.rindex(b"PK\x06\x07") + 16  # the record before the end: how many disks there are
    path.write_bytes(whole[:at] + b"\x09" + whole[at + 1 :])
    assert "disks" in refused(hd.load_network, path)


def test_a_circuit_bomb_is_not_unpacked_and_one_of_small_lists_not_built(tmp_path):
    path = tmp_path / "c.json.gz"
    path.write_bytes(gzip.compress(b'{"names": "' + bytes(2 * UNPACKED), 1))
    assert "unpack to" in refused(load_circuit, path)
    path.write_bytes(gzip.compress(b'{"names": [' + b"[]," * (UNPACKED // 4) + b"[]]}", 1))
    assert "values, at most" in refused(load_circuit, path)


@pytest.mark.parametrize("read", [Scenario.load, load_technology, load_spec, load_array, load_problem])
def test_yaml_of_600_bytes_does_not_unfold(tmp_path, read):
    path = tmp_path / "s.yaml"
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i + 1}: &a{i + 1} [{', '.join([f'*a{i}'] * 9)}]" for i in range(9)]
    path.write_text("\n".join([*lines, "effort: *a9"]))
    assert "aliases unfolded" in refused(read, path)


def test_an_image_bomb_is_not_decoded(tmp_path):
    pytest.importorskip("torch", reason="training")
    image = pytest.importorskip("PIL.Image", reason="pillow makes images")
    from hd_plugin.training.data import load_images

    def archive(sizes):
        with zipfile.ZipFile(tmp_path / "i.zip", "w") as out:
            for i, size in enumerate(sizes):
                stream = io.BytesIO()
                image.new("1", size).save(stream, "PNG")
                out.writestr(f"a/{i}.png", stream.getvalue())
        return tmp_path / "i.zip"

    assert "at most 4096 along a side" in refused(load_images, archive([(10_000, 10_000)]))
    assert "unpack to" in refused(load_images, archive([(2048, 2048)] * 4))
    assert "several sizes, 8 x 8 and 9 x 8" in refused(load_images, archive([(8, 8), (9, 8)]))
    assert len(load_images(archive([(8, 8)] * 3)).pixels) == 3


def test_names_of_a_file_do_not_reach_the_terminal_as_they_are(tmp_path):
    arrays = {f"{ESCAPE}.weight": np.eye(4), "=1+1.weight": np.eye(4), "v\x07": np.ones(3)}
    path, out = tmp_path / "n.npz", tmp_path / "out"
    np.savez(path, **arrays)
    network = hd.load_network(path)
    assert [la.name for la in network.layers] == ["\\x1b[31mred\\x07", "=1+1"]
    done = CliRunner().invoke(main, ["compare", str(path), "-o", str(out), "--rows", "2"])
    assert done.exit_code == 0, done.output
    assert "\x1b[31mred" not in done.output and "\x07" not in done.output
    for file in ("compare.csv", "report.html"):
        assert "\x1b" not in (out / file).read_text()
    with open(out / "compare.csv", newline="") as file:
        assert {row["layer"] for row in csv.DictReader(file)} == {"\\x1b[31mred\\x07", "'=1+1"}


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", " =1", "=cmd|' /C calc'!A0"])
def test_no_text_in_a_cell_is_a_formula(text):
    assert str(cell(text)).startswith("'") and str(cell(text)).isprintable()


@given(st.text(), st.integers() | st.floats(allow_nan=False))
def test_cells_are_texts_that_stay_and_numbers_that_stay(text, number):
    assert cell(number) is number
    assert not str(cell(text)).lstrip().startswith(("=", "+", "-", "@"))
    if text.isalnum():
        assert cell(text) == text


def test_a_csv_file_is_what_the_csv_module_reads_again(tmp_path):
    rows = [{"name": 'a "b", c', "value": -1.5, "more": "left out"}, {"name": "-x", "value": None}]
    write_csv(tmp_path / "f.csv", ["name", "value"], rows)
    with open(tmp_path / "f.csv", newline="") as file:
        found = list(csv.DictReader(file))
    assert found == [{"name": 'a "b", c', "value": "-1.5"}, {"name": "'-x", "value": ""}]


def test_functions_of_cells_are_short(tmp_path):
    for text in ("!" * 5000 + "A", "(" * 5000, "A+" * 5000 + "A"):
        assert "at most 200 are read" in refused(parse, text, "cell")
    (tmp_path / "l.lib").write_text(
        "library (l) { nom_voltage : 1; cell (X) { area : 1; } cell (X) { area : 2; } }"
    )
    assert "no other cell has" in refused(read_liberty, tmp_path / "l.lib")


def test_a_plan_says_what_is_wrong_in_one_short_line(tmp_path):
    path = tmp_path / "p.plan.json"
    content = json.loads(hd.optimize(some_layer(4, 3), rows=2).to_json())
    content["groups"][0]["channels"] = ["\x1b[2J" * 9000]
    content["layer"] = ["x"] * 9000
    path.write_text(json.dumps(content))
    assert "groups[0].channels" in refused(hd.StreamPlan.load, path)
