"""``compare`` with several MACs: the same layers and plans on arrays of other PEs, priced by their gates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hd_plugin._ratios import mean_times, times
from hd_plugin.encoding_mac import Encoding, split_mac
from hd_plugin.energy import load_characterisation
from hd_plugin.engines import Engine
from hd_plugin.errors import InputError
from hd_plugin.streaming import Jobs
from hd_plugin.study._comparison import Comparison, Provenance, Row
from hd_plugin.study._mac_technology import mac_technology
from hd_plugin.study._one_network import compare_one
from hd_plugin.study._plan import all_plans
from hd_plugin.study._result import Result
from hd_plugin.study._scenario import Scenario
from hd_plugin.weights import Network, Note, Unmapped

__all__ = ["MacArray", "MacComparison", "MacRow", "MacSummary", "compare_macs"]

FILE_ORDER, LEAST_ENERGY = "file order", "least energy"


@dataclass(frozen=True)
class MacArray:
    """An array of one kind of PE, characterised. technology : its file or bundled name.

    outputs : of an encoding, None for the others; area_um2 : of the whole array; pe_um2 : over its
    PEs.
    """

    mac: str
    technology: str
    description: str
    outputs: int | None
    area_um2: float
    pe_um2: float


@dataclass(frozen=True)
class MacRow:
    """One layer on one array under one kind of plan. Energies in joules of the whole layer, as in a
    Comparison: ``datapath`` with the address table, ``clocked`` with the clock.
    """

    mac: str
    plans: str
    layer: str
    flips: int
    datapath_J: float
    clocked_J: float


@dataclass(frozen=True)
class MacSummary:
    """One array under one kind of plan, against the first array in file order.

    mean_*: means over layers of before / after. area_less : 1 - area / the first array's.
    """

    mac: str
    plans: str
    flips: int
    datapath_J: float
    clocked_J: float
    mean_hd_reduction: float
    mean_energy_reduction: float
    mean_clocked_reduction: float
    area_less: float


@dataclass(frozen=True, repr=False)
class MacComparison(Result):
    """MACs side by side. Schema hd-plugin/compare-macs/1.

    plans : kinds of plans, file order first: the methods, for least flips, and with objective "energy" also
    those for least energy of each array ("METHOD, least energy"). comparisons : by (mac, objective).
    """

    schema = "hd-plugin/compare-macs/1"
    file = "compare-macs.json"
    lines = "rows"

    network: str
    arrays: tuple[MacArray, ...]
    plans: tuple[str, ...]
    rows: tuple[MacRow, ...]
    comparisons: Mapping[tuple[str, str], Comparison]
    scenario: Scenario
    unmapped: tuple[Unmapped, ...] = ()
    network_notes: tuple[Note, ...] = ()
    interrupted: bool = False

    @property
    def provenance(self) -> Provenance:
        """Of the first array's comparison."""
        return next(iter(self.comparisons.values())).provenance

    def of(self, mac: str, plans: str) -> list[MacRow]:
        """In network order."""
        return [row for row in self.rows if (row.mac, row.plans) == (mac, plans)]

    def summaries(self) -> list[MacSummary]:
        """Every array under every kind of plan."""
        first = self.arrays[0]
        base = self.of(first.mac, FILE_ORDER)
        found = []
        for array in self.arrays:
            for plans in self.plans:
                rows = self.of(array.mac, plans)
                datapath, clocked = (
                    [[getattr(r, name) for r in own] for own in (base, rows)]
                    for name in ("datapath_J", "clocked_J")
                )
                found.append(
                    MacSummary(
                        array.mac,
                        plans,
                        sum(r.flips for r in rows),
                        sum(r.datapath_J for r in rows),
                        sum(r.clocked_J for r in rows),
                        float(np.mean([times(b.flips, r.flips) for b, r in zip(base, rows)])),
                        mean_times(*datapath),
                        mean_times(*clocked),
                        1 - array.area_um2 / first.area_um2,
                    )
                )
        return found

    def summary(self) -> dict[str, Any]:
        return {f"{s.mac}, {s.plans}": {"x": s.mean_energy_reduction} for s in self.summaries()}

    def to_dict(self) -> dict[str, Any]:
        return {
            "schema": self.schema,
            "network": self.network,
            "interrupted": self.interrupted,
            "arrays": [asdict(array) for array in self.arrays],
            "summary": [asdict(one) for one in self.summaries()],
            "rows": [asdict(row) for row in self.rows],
            "unmapped": [u.to_dict() for u in self.unmapped],
            "network_notes": [n.to_dict() for n in self.network_notes],
            "provenance": self.provenance.to_dict() | {"scenario": self.scenario.to_dict()},
        }


def compare_macs(network: Network, asked: Scenario, engine: Engine, jobs: Jobs) -> MacComparison:
    """Every layer under every method on every array of ``asked.macs``.

    Plans for least flips are the same on all arrays, and searched once; with objective "energy" each array
    also gets its own, from its own model. Raises InputError for a MAC that no technology has.
    """
    both = asked.objective == "energy"
    known = [mac_technology(mac, asked, network.layers[0].bits) for mac in asked.macs]
    names = [one.name for one in known]
    if len(set(names)) < len(names):
        raise InputError(f"macs: {', '.join(asked.macs)}: two of them are the same array; name each once")
    flips = asked.but(macs=(), objective="flips", studies=False)
    new = [20.0 if one.make else 0.0 for one in known]
    times = [3.0 if both else 1.0] * len(known)
    making, searching, *parts = jobs.parts(sum(new), 2.0, *times)
    for one, part in zip(known, making.parts(*new)):
        one.made(part)
    arrays = [_array(mac, name) for mac, name in zip(asked.macs, names)]
    if len({array.mac for array in arrays}) < len(arrays):
        told = ", ".join(array.mac for array in arrays)
        raise InputError(f"macs: {told}: two arrays are called the same; give encodings names of their own")
    plans = all_plans(network, flips, flips.methods, searching)
    if jobs.interrupted:  # gates for plans that are not whole
        raise KeyboardInterrupt
    rows, found = [], {}
    for array, part in zip(arrays, parts):
        first, last = part.parts(1.0, 2.0 if both else 0.0)
        own = flips.but(technology=array.technology)
        made = compare_one(network, own, engine, first.named(f"{network.name}: {array.mac}"), plans=plans)
        found[array.mac, "flips"] = made
        rows += [_row(array.mac, r.method if r.method != "baseline" else FILE_ORDER, r) for r in made.rows]
        if both:
            made = compare_one(network, own.but(objective="energy"), engine, last)
            found[array.mac, "energy"] = made
            searched = [r for r in made.rows if r.method in own.searched]
            rows += [_row(array.mac, f"{r.method}, {LEAST_ENERGY}", r) for r in searched]
    kinds = tuple(dict.fromkeys(row.plans for row in rows))
    return MacComparison(
        network.name,
        tuple(arrays),
        kinds,
        tuple(rows),
        found,
        asked.but(network=network.asked, technology=found[arrays[0].mac, "flips"].scenario.technology),
        tuple(network.unmapped),
        tuple(network.notes),
        jobs.interrupted,
    )


def _row(mac: str, plans: str, r: Row) -> MacRow:
    return MacRow(mac, plans, r.layer, r.flips, r.energy.datapath_J, r.energy.clocked_J)


def _array(mac: str, technology: str) -> MacArray:
    found = load_characterisation(technology)
    path = found.technology.path
    # a tree's PEs put out sums; its model only counts the bits that these are made of
    counts = found.encoding is not None and split_mac(found.mac)[0] != "tree"
    outputs = Encoding.from_dict(found.encoding, path).bits if counts else None
    area = found.area_um2
    pes = found.array["rows"] * found.array["cols"]
    # a file is shown by what it holds
    shown = found.mac if split_mac(mac)[0].endswith(".json") else mac
    return MacArray(shown, technology, found.technology.description, outputs, area, area / pes)
