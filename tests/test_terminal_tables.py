"""Terminal tables fit 80 columns, names are cut in the middle, numbers never; --wide shows all."""

import re
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

import hd_plugin as hd
from hd_plugin.cli import main
from hd_plugin.energy import TOTALS, EnergyBreakdown
from hd_plugin.report import combined_table, tables, write_html
from hd_plugin.report._table import Column, Fitted
from hd_plugin.report._text import energy, engineering, unit_of
from hd_plugin.weights import Layer, Network

NAMES = ("MobilenetV2/expanded_conv_10/depthwise_and_project", "a_layer_of_another_long_name/fc")


def shown(table, width):
    console = Console(width=width, color_system=None, force_terminal=False)
    with console.capture() as captured:
        console.print(table, crop=False)
    return captured.get()


numbers = st.integers(0, 10**12).map(lambda n: f"{n:,}")
words = st.text("abcdef_/.", min_size=1, max_size=60)


@given(
    rows=st.lists(st.tuples(words, numbers, numbers, numbers), min_size=1, max_size=5),
    width=st.integers(20, 130),
    spares=st.tuples(st.integers(0, 2), st.integers(0, 2)),
)
def test_a_table_fits_and_cuts_names_only(rows, width, spares):
    table = Fitted(
        "t",
        [
            Column("layer", "name"),
            Column("one", "number", spares[0]),
            Column("two", "number"),
            Column("three", "number", spares[1]),
        ],
    )
    for row in rows:
        table.add_row(*row)
    text = shown(table, width)
    widths = table.layout(width)
    lines = text.splitlines()
    # only where numbers and eight letters of a name are wider is the table wider
    least = sum(min(w, 8) if i == 0 else w for i, w in widths.items()) + 2 * (len(widths) - 1)
    assert max(map(len, lines)) <= max(width, least)
    if least > width:
        assert set(widths) == {0, 2, *(i for i, s in ((1, spares[0]), (3, spares[1])) if not s)}
    for row in rows:
        for i in set(widths) - {0}:
            assert row[i] in text  # whole
        assert row[0] in text or re.search(
            re.escape(row[0][0]) + r"\S*\.\.\.\S*" + re.escape(row[0][-1]), text
        )
    told = " ".join(text.split()).partition("left out at this width")[2]
    for i, head in ((1, "one"), (3, "three")):
        assert (i in widths) == (head not in told)


@pytest.fixture(scope="module")
def network():
    rng = np.random.default_rng(0)
    shapes = ((96, 1280, 1, 1), (1000, 24))
    return Network(
        "net",
        [
            Layer.from_values(n, rng.integers(-7, 8, s), 4, output_hw=(112, 112))
            for n, s in zip(NAMES, shapes)
        ],
        [],
        "net.npz",
        "00",
    )


@pytest.fixture(scope="module")
def weights(network, tmp_path_factory):
    """The same as a file, for commands."""
    path = tmp_path_factory.mktemp("net") / "net.npz"
    found = {}
    for la in network.layers:
        values = la.values if la.values.ndim == 4 else la.values.reshape(*la.values.shape, 1, 1)
        found |= {f"{la.name}.weight": values.astype(float), f"{la.name}.output_hw": np.array([112, 112])}
    np.savez(path, **found)
    return str(path)


GREEDY = ("--effort", "greedy")
COMMANDS = {
    "compare": ("compare", "{}", *GREEDY),
    "measure": ("measure", "{}"),
    "optimize": ("optimize", "{}", *GREEDY, "--method", "segment", "--bound", "--layer", NAMES[0]),
    "round": ("round", "{}", *GREEDY, "--mu", "0.5", "--layer", NAMES[0]),
    "verify": ("verify", "{}", *GREEDY, "--simulator", "none", "--method", "segment", "--layer", NAMES[1]),
    "layers": ("layers", "{}"),
    "networks": ("networks",),
}


def tables_of(text):
    """The lines of tables: notes are sentences, which terminals wrap."""
    return [line for line in text.splitlines() if not line.startswith(("note:", "not mapped:"))]


@pytest.mark.parametrize("name", COMMANDS)
def test_what_a_command_prints_fits_80_columns_and_wide_has_whole_names(name, weights, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    command = [word.format(weights) for word in COMMANDS[name]]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    told = tables_of(done.stdout)
    assert max(len(line) for line in told) <= 80
    wide = CliRunner().invoke(main, [*command, "--wide"])
    whole = "\n".join(tables_of(wide.stdout))
    assert wide.exit_code == 0 and "left out" not in whole and "..." not in whole
    own = [n for n in NAMES if n in command] or NAMES
    assert name in ("networks", "round") or all(n in whole for n in own)
    # every number of the narrow tables is one of the wide ones: none was cut
    figures = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?x?(?![\w.])")
    assert set(figures.findall("\n".join(told))) <= set(figures.findall(whole))


def test_a_comparison_tells_which_columns_a_narrow_terminal_misses(network):
    layers = tables(hd.compare(network, effort="greedy"))[0]
    assert "left out at this width: K x C x taps, P x Q (--wide shows all)" in " ".join(
        shown(layers, 80).split()
    )
    wide = shown(layers, 300)
    assert "96 x 1280 x 1" in wide and "112 x 112" in wide and "left out" not in wide


def test_the_same_words_over_a_column_are_the_same_sum_in_every_table(network):
    """ "with clock" once meant memory too in the summary, and not among trained networks."""
    result = hd.compare(network, trained=[network], effort="greedy", methods=["segment"])
    found = tables(result)
    ratios, sums, trained = found[1], found[2], found[3]
    heads = {id(t): [" ".join(c.head.split()) for c in t.columns] for t in (ratios, sums, trained, found[0])}
    for table in (ratios, trained):
        column = heads[id(table)].index("datapath with clock mean")
        value = next(cells[column] for cells, _ in table.rows if "segment" in cells)
        rows = list(zip(result.of("baseline"), result.of("segment")))
        wanted = np.mean(
            [
                (b.energy.datapath_J + b.energy.clock_J) / (r.energy.datapath_J + r.energy.clock_J)
                for b, r in rows
            ]
        )
        assert value == f"{wanted:.2f}x"
    assert heads[id(sums)][-3:] == ["datapath", "datapath with clock", "datapath with clock, memory"]
    joules = [sum(r.energy.total(t) for r in result.of("segment")) for t in ("datapath", "clocked", "total")]
    assert list(sums.rows[1][0][-3:]) == [energy(j) for j in joules]
    without = tables(hd.compare(network, effort="greedy", methods=["segment"], clock=False))
    told = " ".join(c.head for t in without if isinstance(t, Fitted) for c in t.columns)
    assert "clock" not in told and "clock" not in shown(combined_table(result.trained, clock=False), 200)


def test_leakage_stands_beside_the_sums_where_the_engine_models_it(network):
    """It was in no table: 11.4 uJ beside 202 that were called all energy."""
    result = hd.compare(network, effort="greedy", methods=["direct"])
    rows = [
        replace(r, evaluation=replace(r.evaluation, energy=replace(r.energy, leakage_J=2e-9)))
        for r in result.rows
    ]
    sums = tables(replace(result, rows=rows))[2]
    assert sums.columns[-1].head == "leakage,\nin none\nof these"
    assert [cells[-1] for cells, _ in sums.rows] == ["4.00 nJ", "4.00 nJ"]
    assert "leakage" not in shown(tables(result)[2], 200)
    large = [replace(r, flips=10**10, flips_hardware=10**13, flips_hardware_alternate=10**13) for r in rows]
    lines = shown(tables(replace(result, rows=large))[2], 80).splitlines()
    assert max(map(len, lines)) <= 80 and "20,000,000,000" in "".join(lines)
    assert rows[0].energy.everything_J == pytest.approx(rows[0].energy.total_J + 2e-9)


def test_the_page_has_the_words_of_the_tables(network, tmp_path):
    for clock, words in ((True, "datapath with clock, memory"), (False, "datapath with memory")):
        result = hd.compare(network, trained=[network], effort="greedy", methods=["direct"], clock=clock)
        write_html(result, tmp_path / "page.html")
        html = (tmp_path / "page.html").read_text(encoding="utf8")
        assert html.count(f">{words}</span>") >= 3 and ">all energy<" not in html
        assert f"<th>{'datapath with clock' if clock else 'datapath'}, mean</th>" in html


def test_axes_have_the_unit_that_fits():
    """An axis up to 300 fJ was once divided by a pJ and called fJ."""
    for most, told in (
        (4.34e-6, (1e-6, "uJ")),
        (3e-13, (1e-15, "fJ")),
        (2.5e3, (1e3, "kJ")),
        (0.0, (1.0, "J")),
    ):
        size, unit = unit_of(most, "J")
        assert (pytest.approx(size), unit) == told


def test_totals_hold_what_their_words_say():
    parts = EnergyBreakdown(1.0, 2.0, 4.0, 8.0, memory_J=16.0, clock_J=32.0, leakage_J=64.0)
    values = {
        "MACs": 1,
        "weight hops": 2,
        "partial-sum hops": 4,
        "address table": 8,
        "memory": 16,
        "clock": 32,
        "leakage": 64,
    }
    for name, total in TOTALS.items():
        assert parts.total(name) == sum(values[word] for word in total.contents().split(", "))
    assert TOTALS["total"].words() == "datapath with clock, memory"
    assert TOTALS["total"].words(clock=False) == "datapath with memory"
    assert (parts.datapath_J, parts.clocked_J, parts.total_J, parts.everything_J) == (15, 47, 63, 127)


@pytest.mark.parametrize(
    ("joules", "told"),
    [
        (4.34e-6, "4.34 uJ"),
        (4.34e-9 * 1000, "4.34 uJ"),
        (9.996e-7, "1.00 uJ"),  # was 1e+03 nJ
        (0.275e-12, "275 fJ"),  # was 0.275 pJ
        (6.2e-16, "620 aJ"),
        (1234.0, "1.23 kJ"),
        (12.34e-9, "12.3 nJ"),
        (-2.5e-3, "-2.50 mJ"),
        (0.0, "0 J"),
    ],
)
def test_energies_have_the_unit_that_fits(joules, told):
    assert energy(joules) == told


@given(st.floats(1e-17, 1e13))
def test_engineering_units_keep_the_value_and_never_an_exponent(value):
    number, _, unit = engineering(value, "J").partition(" ")
    power = {"aJ": -18, "fJ": -15, "pJ": -12, "nJ": -9, "uJ": -6, "mJ": -3, "J": 0, "kJ": 3, "MJ": 6}
    power |= {"GJ": 9, "TJ": 12}
    assert re.fullmatch(r"\d{1,3}(\.\d{1,2})?", number) and 1 <= float(number) < 1000
    assert float(number) * 10.0 ** power[unit] == pytest.approx(value, rel=6e-3)
