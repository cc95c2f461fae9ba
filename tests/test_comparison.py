import csv
import itertools
import json
import math

import numpy as np
import pytest

import hd_plugin as hd
from hd_plugin.errors import InputError
from hd_plugin.report import plot_convergence, plot_reduction
from hd_plugin.weights import Layer, Network, Unmapped

METHODS = ("baseline", "direct", "segment", "cluster")


@pytest.fixture(scope="module")
def network():
    rng = np.random.default_rng(0)

    def layer(name, shape, hw):
        return Layer.from_values(name, rng.integers(-7, 8, shape), 4, output_hw=hw)

    return Network(
        "<script>alert(1)</script>",
        [
            layer("a/<b>&", (12, 24, 1, 1), (5, 5)),
            layer("c", (6, 9, 3, 3), (7, 7)),
            layer("fc", (10, 16), (1, 1)),
        ],
        [Unmapped("dw", "depthwise")],
        "net.npz",
        "00",
    )


@pytest.fixture(scope="module")
def result(network):
    return hd.compare(network, rows=4, cols=4, studies=True)


def test_every_row_is_what_its_plan_says(network, result):
    assert result.methods == METHODS
    for row in result.rows:
        layer = network.layer(row.layer)
        plan = result.plans[row.layer, row.method]
        base = hd.flips(layer)
        assert row.flips == hd.flips(layer, plan)
        assert row.nhd == pytest.approx(row.flips / (row.C * row.taps * (row.K - 1) * 4))
        assert row.hd_reduction == pytest.approx(base / row.flips)
        tiles = math.ceil(row.P * row.Q / 4)
        assert row.flips_hardware == hd.hardware_flips(layer, plan, tiles)
        assert row.flips_hardware_alternate <= row.flips_hardware


def test_only_the_methods_that_need_the_address_table_pay_for_it(result):
    for row in result.rows:
        assert (row.energy.lut_J > 0) == (row.method in ("segment", "cluster"))


def test_means_are_means_of_per_layer_ratios(result):
    for method, s in result.summary().items():
        ratios = [r.hd_reduction for r in result.of(method)]
        assert s.mean_hd_reduction == pytest.approx(sum(ratios) / 3)
        assert s.best_hd_reduction == max(ratios)
        assert s.datapath_energy_J == pytest.approx(sum(r.energy.datapath_J for r in result.of(method)))


def test_json_has_the_schemas_fields(result, tmp_path):
    result.to_json(tmp_path / "compare.json")
    data = json.loads((tmp_path / "compare.json").read_text())
    assert data["schema"] == "hd-plugin/compare/2"
    assert set(data) >= {
        "network",
        "array",
        "bits",
        "number_format",
        "engine",
        "layers",
        "summary",
        "provenance",
    }
    assert data["array"] == {"rows": 4, "cols": 4}
    for layer in data["layers"]:
        assert set(layer) >= {"name", "K", "C", "taps", "P", "Q", "methods"} and set(layer["methods"]) == set(
            METHODS
        )
        for m in layer["methods"].values():
            assert set(m) >= {
                "flips",
                "nhd",
                "hd_reduction",
                "datapath_energy_J",
                "total_energy_J",
                "energy_reduction",
            }
    assert set(data["provenance"]) >= {"version", "scenario", "technology", "input_digests"}


def test_csv_has_a_line_a_layer_and_method(result, tmp_path):
    result.to_csv(tmp_path / "compare.csv")
    with open(tmp_path / "compare.csv", encoding="utf8") as file:
        lines = list(csv.DictReader(file))
    assert [(x["layer"], x["method"]) for x in lines] == [(r.layer, r.method) for r in result.rows]
    assert float(lines[1]["datapath_J"]) == result.rows[1].energy.datapath_J


def test_a_report_holds_every_file_and_its_plots_show_the_rows_numbers(result, tmp_path):
    first = hd.write_report(result, tmp_path)
    assert first == tmp_path / "report.html" and (tmp_path / "compare.csv").is_file()
    assert json.loads((tmp_path / "compare.json").read_text()) == json.loads(json.dumps(result.to_dict()))
    paths = sorted((tmp_path / "plots").iterdir())
    names = ["cluster_size", "convergence", "energy", "energy_by_layer", "nhd", "reduction", "table_cost"]
    assert [p.name for p in paths] == [f"{name}.{kind}" for name in names for kind in ("pdf", "png", "svg")]
    start = {".png": b"\x89PNG", ".pdf": b"%PDF", ".svg": b"<svg"}
    assert all(p.read_bytes().startswith(start[p.suffix]) for p in paths)
    hd.write_report(result, tmp_path / "again")
    again = sorted((tmp_path / "again" / "plots").iterdir())
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(paths, again))
    assert first.read_bytes() == (tmp_path / "again" / "report.html").read_bytes()
    assert (
        len(list((tmp_path / "plans").iterdir())) == 9
    )  # three layers, three methods; the baseline needs none
    heights = [bar.get_height() for bars in plot_reduction(result).containers for bar in bars]
    assert heights == pytest.approx([r.hd_reduction for m in METHODS[1:] for r in result.of(m)])


def test_results_do_not_depend_on_threads(network, result):
    one, three = (
        hd.compare(network, rows=4, cols=4, studies=True, jobs=hd.Jobs(n)).to_dict() for n in (1, 3)
    )
    assert one == three == result.to_dict()


def test_convergence_shows_what_clustering_adds_to_reordering(network, result):
    """Iteration 0 is random clusters in greedy orders, counted here from the definition; then it falls."""
    study = result.studies.convergence
    assert study.curves.shape == (20, 16) and study.curves[:, -1].mean() < study.curves[:, 0].mean() < 1
    tap = network.layer(study.layer).codes[:, :, 0, 0]

    def greedy(words):
        at, left, total = 0, set(range(1, len(words))), 0
        while left:
            step = {k: int(np.bitwise_count(words[at] ^ words[k]).sum()) for k in left}
            at = min(step, key=lambda k: (step[k], k))
            total += step[at]
            left.remove(at)
        return total

    rng, C = np.random.default_rng(1), tap.shape[1]
    found = []
    for _ in range(20):
        channels = rng.permutation(C)
        found.append(sum(greedy(tap[:, channels[c : c + 4]]) for c in range(0, C, 4)))
    before = sum(int(np.bitwise_count(a ^ b).sum()) for a, b in itertools.pairwise(tap))
    assert study.curves[:, 0].mean() == pytest.approx(np.mean(found) / before, rel=0.03)
    ends = plot_convergence(result.studies).lines[0].get_xdata()
    assert (ends[0], ends[-1]) == (0, 15)


def test_the_address_table_costs_what_a_comparison_on_that_array_says(network, result):
    """Each size of the study against a comparison of that layer on that array; and where it stops paying."""
    study = result.studies.table_cost
    layer = network.layer(study.layer)
    codes = layer.codes[:, :, :1, :1]
    tap = Layer(layer.name, codes, layer.bits, layer.number_format, output_hw=layer.output_hw)
    for i, size in enumerate(study.sizes):
        for r in hd.compare(Network("one", [tap]), rows=size, cols=size).rows:
            exact = 1e-12 if r.method != "direct" else 1e-9
            assert study.datapath_J[r.method][i] == pytest.approx(r.energy.datapath_J, rel=exact)
            assert r.method in ("baseline", "direct") or study.table_J[r.method][i] == pytest.approx(
                r.energy.lut_J
            )
    for method, sizes in study.pays_at.items():
        wins = {
            s for s, c, d in zip(study.sizes, study.datapath_J[method], study.datapath_J["direct"]) if c < d
        }
        assert set(sizes) == wins and study.pays_from[method] == min(wins, default=None)
        assert 1 not in wins  # one PE: a look-up costs more than all there is to save
    assert study.table_um2 == pytest.approx(2 * study.entries * study.entry_bits * 0.69)
    assert np.allclose(np.array(study.array_um2) / np.array(study.sizes) ** 2, study.array_um2[0])


def test_the_table_pays_in_between_though_not_on_an_array_with_a_row_for_every_channel(network):
    """Of a layer of 16 channels: one group at 16 rows has nothing to gain, which says nothing about 8."""
    rng = np.random.default_rng(3)
    layer = Layer.from_values("wide", rng.integers(-7, 8, (40, 16)), 4, output_hw=(6, 6))
    net = Network("one", [layer])
    study = hd.compare(net, rows=8, cols=8, studies=True).studies.table_cost
    spent = {}
    for size in study.sizes:
        rows = {r.method: r.energy.datapath_J for r in hd.compare(net, rows=size, cols=size).rows}
        spent[size] = rows["cluster"] < rows["direct"]
    assert spent == {1: False, 2: False, 4: True, 8: True, 16: False}  # brute: every array compared
    assert study.pays_at["cluster"] == (4, 8) and study.pays_from["cluster"] == 4
    assert study.to_dict()["pays_from"]["cluster"] == 4 and study.to_dict()["pays_at"]["cluster"] == [4, 8]


@pytest.mark.parametrize(
    ("field", "arguments"),
    [
        ("methods", {"methods": ["clustr"]}),
        ("effort", {"effort": "bests"}),
        ("engine", {"engine": "x"}),
        ("technology", {"technology": "x"}),
        ("array.rows", {"rows": 0}),
        ("array.cols", {"cols": -1}),
    ],
)
def test_bad_arguments_name_the_field(network, field, arguments):
    with pytest.raises(InputError, match=f"^{field}: "):
        hd.compare(network, **arguments)


def test_a_missing_output_size_is_told_before_any_search(network):
    with pytest.raises(InputError, match="output size"):
        hd.compare(Network("n", [Layer.from_values("x", np.ones((3, 3), int), 4)]), energy="modelled")


def test_output_files_are_whole_or_not_there(result, tmp_path, monkeypatch):
    from hd_plugin import _atomic

    target = tmp_path / "compare.json"
    target.write_text("old")
    monkeypatch.setattr(
        _atomic.Path,
        "write_text",
        lambda *a, **k: (_ for _ in ()).throw(OSError(28, "No space left on device")),
    )
    with pytest.raises(InputError, match="compare.json.*No space left"):
        result.to_json(target)
    assert target.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["compare.json"]
