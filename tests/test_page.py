"""The HTML page: one file, all its numbers those of compare.json, whatever layers are called."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from importlib.resources import files
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from page_cases import HOSTILE, Page, small_comparison, small_network

import hd_plugin as hd
from hd_plugin.engines import Accesses, ComponentResult
from hd_plugin.report import figures, plot_energy, plot_nhd, plot_reduction, write_html
from hd_plugin.report._axes import wrapped
from hd_plugin.report._text import energy, ratio
from hd_plugin.weights import Network

SVG = "{http://www.w3.org/2000/svg}"
PARTS = ("mac", "weight_hop", "psum_hop", "lut", "clock", "memory")


@pytest.fixture(scope="module")
def result():
    return small_comparison()


@pytest.fixture(scope="module")
def told(result):
    return json.loads(result.json_text())


@pytest.fixture(scope="module")
def html(result, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "one.html"
    write_html(result, path)
    return path.read_text(encoding="utf8")


def test_the_page_is_whole_loads_nothing_and_runs_its_own_script_only(html):
    page = Page(html)
    assert not page.open and not page.outside and page.tags.count("script") == 1
    assert len(page.ids) == len(set(page.ids)) and set(page.inside) <= set(page.ids)
    script = (files("hd_plugin.report") / "report.js").read_text("utf8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"<script>{script}</script>" in html and f"script-src 'sha256-{digest}'" in html
    assert "default-src 'none'" in html and len(html) < 1_000_000
    assert page.tags.count("svg") == 7 + 4  # four are drawn for telephones too


def number(value):
    return "Infinity" if value is None else repr(value)


def cell(value, shown):
    return [number(value), shown]


def test_every_number_of_the_tables_is_the_one_of_the_json(told, html):
    tables = Page(html).tables
    rows = iter(tables["parts"][1:])
    for layer in told["layers"]:
        for name, m in layer["methods"].items():
            of = m["energy_J"]
            wanted = [cell(m["nhd"], f"{m['nhd']:.3f}"), *(joules(of[p]) for p in PARTS[:4])]
            wanted += [joules(m["datapath_energy_J"]), *(joules(of[p]) for p in PARTS[4:])]
            found = next(rows)
            assert found[0][0] == layer["name"] and found[1] == [name, name]
            assert found[2:] == [*wanted, joules(m["total_energy_J"])]
    assert next(rows, None) is None
    for layer, found in zip(told["layers"], tables["layers"][2:], strict=True):
        base = layer["methods"]["baseline"]
        idle = base["counts"]["idle_weight_hops"] / base["counts"]["weight_hops"]
        wanted = [[str(layer[k]), str(layer[k])] for k in ("K", "C", "taps")]
        wanted += [[str(layer["P"] * layer["Q"]), f"{layer['P']} x {layer['Q']}"]]
        wanted += [
            [str(base["counts"]["mac"]), f"{base['counts']['mac']:,}"],
            [repr(idle), f"{100 * idle:.0f} %"],
        ]
        for name, m in layer["methods"].items():
            if name != "baseline":
                wanted += [cell(m[k], ratio(m[k])) for k in ("hd_reduction", "energy_reduction")]
        wanted += [cell(base["nhd"], f"{base['nhd']:.3f}"), joules(base["datapath_energy_J"])]
        assert found[0][0] == layer["name"] and found[1:] == wanted


def joules(value):
    return cell(value, energy(value) if value else "0")


def test_the_summary_and_the_trained_networks_are_those_of_the_json(told, html):
    tables = Page(html).tables
    for (name, s), found in zip(told["summary"].items(), tables["methods"][2:], strict=True):
        assert name in found[0][1]
        values = [v for v, _ in found[1:]]
        order = ("mean_hd_reduction", "best_hd_reduction", "mean_energy_reduction", "best_energy_reduction")
        more = ("mean_clocked_reduction", "mean_total_reduction")
        sums = ("flips", "flips_hardware", "flips_hardware_alternate")
        sums += ("datapath_energy_J", "clocked_energy_J", "total_energy_J")
        assert values == [number(s[k]) for k in (*order, *more, *sums)]
        for key, (_, text) in zip(order, found[1:]):
            best = [la["name"] for la in told["layers"] if la["methods"][name][key[5:]] == s[key]]
            at = best[0] if key.startswith("best") and name != "baseline" else ""
            assert text == ratio(s[key]) + at
    keys = (*order, "mean_clocked_reduction", "datapath_energy_J", "total_energy_J")
    for line, found in zip(told["trained"], tables["trained"][1:], strict=True):
        assert found[0][0] == line["network"] and found[1][0] == line["method"]
        assert [v for v, _ in found[2:]] == [number(line[k]) for k in keys]


def test_the_first_numbers_are_those_of_the_trained_network(result, told, html):
    best = max(told["trained"], key=lambda c: c["mean_hd_reduction"])
    assert best["network"] == "quiet"
    before, after = told["summary"]["baseline"], best
    cards = re.findall(r'<div class="number">(.*?)</div>', html, re.S)
    text = [" ".join(Page(card).text) for card in cards]
    assert ratio(best["mean_hd_reduction"]) in text[0] and ratio(best["best_hd_reduction"]) in text[0]
    layers = [layer["name"] for layer in told["layers"]]
    assert layers[best["hd_reductions"].index(best["best_hd_reduction"])] in text[0]
    assert ratio(best["mean_energy_reduction"]) in text[1]
    for field, card in (("datapath_energy_J", text[2]), ("total_energy_J", text[3])):
        assert energy(before[field]) in card and energy(after[field]) in card
        assert f"{100 * (1 - after[field] / before[field]):.0f} % less" in card
    assert all("quiet" in card for card in text)
    kept = next(c for c in result.trained if c.network == "quiet" and c.method == "cluster")
    drawn = plot_reduction(result).containers[-1]
    assert [bar.get_height() for bar in drawn] == pytest.approx(kept.hd_reductions)
    assert plot_nhd(result).lines[4].get_ydata() == pytest.approx(kept.nhd)
    assert "quiet" in [t.get_text() for t in plot_energy(result).get_yticklabels()][-1]


def test_a_trained_network_is_told_with_the_sums_and_layers_of_its_own_comparison(result):
    own = hd.compare(
        small_network("quiet", [r.layer for r in result.of("baseline")], 1, 1),
        rows=4,
        cols=4,
        effort="greedy",
    )
    for c in result.trained:
        if c.network == "quiet":
            rows = own.of(c.method)
            assert c.nhd == tuple(r.nhd for r in rows)
            assert c.energy.total_J == pytest.approx(sum(r.energy.total_J for r in rows))
            first = result.of("baseline")
            assert c.energy_reductions == tuple(
                b.energy.datapath_J / r.energy.datapath_J for b, r in zip(first, rows)
            )


def test_hovering_tells_the_jsons_numbers(told, html):
    titles = re.findall(r"<title>(\d+)\. (.*?)</title>", html, re.S)
    reductions = [t for t in titles if "direct: " in t[1] and "x" in t[1].splitlines()[1]]
    assert len(reductions) == 2 * len(told["layers"])  # wide and narrow
    for number_, text in reductions:
        layer = told["layers"][int(number_) - 1]
        for method, m in layer["methods"].items():
            if method != "baseline":
                assert f"{method}: {ratio(m['hd_reduction'])}" in text.splitlines()
    parts = [t for t in titles if "baseline, MACs: " in t[1]]
    assert len(parts) == 2 * len(told["layers"])
    for number_, text in parts:
        of = told["layers"][int(number_) - 1]["methods"]["baseline"]["energy_J"]
        assert f"baseline, MACs: {energy(of['mac'])}" in text and f"memory: {energy(of['memory'])}" in text


def test_words_are_explained_where_they_stand_and_the_scenario_is_told_in_words(html):
    terms = dict(re.findall(r'class="term" tabindex="0" title="([^"]+)">(?:<i[^>]*></i>)?([^<]+)<', html))
    explained = set(terms.values())
    assert {"NHD", "taps", "P x Q", "hardware", "segment", "cluster", "datapath"} <= explained
    text = " ".join(Page(html).text)
    for part in (
        "4 rows (input channels) x 4 columns",
        "effort greedy, seed 0",
        "technology eyeriss45",
        "sha256 00",
    ):
        assert part in text
    folded = html[html.index("<details>") :]
    assert "sha256" in folded and "sha256 00" not in html[: html.index("<details>")]


def test_no_name_breaks_the_page_or_a_plot(tmp_path):
    hd.write_report(small_comparison(HOSTILE, title=HOSTILE[1]), tmp_path)
    html = (tmp_path / "report.html").read_text(encoding="utf8")
    page = Page(html)
    assert not page.open and not page.outside and page.tags.count("script") == 1 and "img" not in page.tags
    text = "".join(page.text)
    assert all(name in text for name in HOSTILE[:3]) and HOSTILE[4] in text
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", html)
    for path in (tmp_path / "plots").glob("*.svg"):
        root = ElementTree.parse(path).getroot()
        titles = [t.text for t in root.iter(f"{SVG}title")]
        assert titles and not list(root.iter(f"{SVG}script"))
        if path.stem == "nhd":
            assert [t.splitlines()[0] for t in titles[:3]] == [
                f"{i}. {n}" for i, n in enumerate(HOSTILE[:3], 1)
            ]


def test_a_network_that_loses_all_its_flips_is_told(tmp_path):
    net = small_network("some", ["one"])
    still = Network("still", [replace(net.layers[0], codes=net.layers[0].codes * 0 + 3)], source="still.npz")
    write_html(hd.compare(net, trained=[still], rows=4, cols=4, effort="greedy"), tmp_path / "p.html")
    text = (tmp_path / "p.html").read_text(encoding="utf8")
    assert Page(text).tables["trained"][-1][2:4] == [["Infinity", "all"], ["Infinity", "all"]]
    assert "still, cluster: all" in text


def test_components_that_an_engine_tells_have_a_table(result, tmp_path):
    def looked_at(row, i):
        part = ComponentResult(
            0, 0.0, 0.0, {"Weights": Accesses(1, 2, 3, 1000.0 * i), "Inputs": Accesses(1, 0, 0, 1.5)}
        )
        found = {"<buffer>": part} | ({"only here": part} if i == 3 else {})
        return replace(row, evaluation=replace(row.evaluation, components=found))

    told = replace(result, rows=[looked_at(r, i) for i, r in enumerate(result.rows)])
    write_html(told, tmp_path / "p.html")
    table = Page((tmp_path / "p.html").read_text(encoding="utf8")).tables["components"]
    assert [c[1] for c in table[0]] == ["name", "method", "<buffer>", "only here"]
    for row, found in zip(told.to_dict()["layers"][0]["methods"].items(), table[1:]):
        of = row[1]["components"]["<buffer>"]["accesses"]
        joule = sum(a["energy_pJ"] for a in of.values()) * 1e-12
        assert found[1][0] == row[0] and found[2] == [repr(joule), energy(joule)]
    assert [line[3][1] for line in table[1:5]] == ["-", "-", "-", energy(3001.5e-12)]


def test_figures_show_all_of_the_names_beside_numbers(result):
    for figure in (*figures(result).values(), *figures(result, narrow=True).values()):
        assert figure.axes
    names = [r.layer for r in result.of("baseline")]
    labels = [t.get_text().split() for t in plot_reduction(result).get_xticklabels()]
    assert labels == [[str(i), name] for i, name in enumerate(names, 1)]  # few, flat
    many = small_comparison([f"block.{i}.conv" for i in range(1, 13)])
    labels = [t.get_text().split() for t in plot_reduction(many).get_xticklabels()]
    assert labels == [[r.layer, str(i)] for i, r in enumerate(many.of("baseline"), 1)]  # many, upright


@given(st.text(alphabet="ab/._- ", max_size=200), st.integers(4, 60))
def test_titles_are_broken_behind_signs_and_never_in_a_word(text, width):
    lines = wrapped(text, width, lines=10**6).split("\n")
    assert all(len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())
    words = re.findall(r"[ab]+", text)
    if all(len(w) <= width - 1 for w in words):
        assert re.findall(r"[ab]+", "\n".join(lines)) == words
    cut = wrapped(text, width).split("\n")
    assert len(cut) <= 3 and (cut == lines or (cut[0], cut[-1]) == (lines[0], lines[-1]))
