"""What a run left behind: action counts and energies at full precision, and the table that they rest on."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from hd_plugin._guard import read_text
from hd_plugin._parsed import parse_yaml
from hd_plugin.energy import build_component, served_class
from hd_plugin.engines._accesses import Accesses, ComponentResult
from hd_plugin.engines.timeloop._compounds import classes_of, unread_flip_rate
from hd_plugin.errors import HdPluginError, InputError

__all__ = [
    "Entry",
    "RunError",
    "check_table",
    "components",
    "expected",
    "read_stats",
    "read_yaml",
    "reference_table",
    "refused",
]

_DIGITS = 6  # significant ones in Accelergy's table
_ASKED = re.compile(r"(ENERGY|AREA) ESTIMATION for (\w+)\(")
_ANSWERED = re.compile(r"INFO\s+(\S+) estimated \S+ with accuracy")


class RunError(HdPluginError):
    """A run of Timeloop or Accelergy that failed, or whose results cannot be trusted."""


@dataclass(frozen=True)
class Entry:
    """A component of the architecture as Accelergy was given it; ``instances`` in the whole array.

    compound : its class is defined by the architecture, and its parts are asked for. unread : why the
    flip_rate that it gives changes nothing; empty when it does, or there is none.
    """

    name: str
    class_name: str
    attributes: dict[str, Any]
    instances: int = 1
    compound: bool = False
    unread: str = ""

    @property
    def ours(self) -> bool:
        """Whether hd_plugin has to answer for it."""
        return not self.compound and served_class(self.class_name, self.attributes) is not None


def components(folder: Path) -> list[Entry]:
    """The components of the input that the front end wrote, with every attribute that reaches them."""
    data = read_yaml(folder / "parsed-processed-input.yaml")
    classes = classes_of(data)
    found = []
    for top in data["architecture"]["subtree"]:
        for part in top["local"]:
            name, _, span = part["name"].partition("[")
            attributes = {
                k: v for k, v in {**top["attributes"], **part["attributes"]}.items() if v is not None
            }
            class_name = part.get("subclass") or part["class"]
            found.append(
                Entry(
                    name,
                    class_name,
                    attributes,
                    int(span.rstrip("]").rpartition("..")[2] or 1),
                    class_name in classes,
                    # its own attributes: a variable reaches every component, whether meant for it or not
                    unread_flip_rate(class_name, part["attributes"], classes),
                )
            )
    return found


def reference_table(path: Path) -> dict[str, dict[str, float]]:
    """Component -> action -> pJ, from an ERT file: the largest of several rows, as Timeloop takes it."""
    table: dict[str, dict[str, float]] = {}
    for row in read_yaml(path)["ERT"]["tables"]:
        actions = table.setdefault(_base(row["name"]), {})
        for action in row["actions"]:
            actions[action["name"]] = max(float(action["energy"]), actions.get(action["name"], 0.0))
    return table


def _base(name: str) -> str:
    """mac, of system_top_level.mac[1..64]."""
    return name.partition("[")[0].rpartition(".")[2]


def _served(log: Path) -> list[tuple[str, str, str]]:
    """(ENERGY or AREA, class, estimator) of every question that Accelergy asked, in order, from its log."""
    found: list[tuple[str, str, str]] = []
    asked = None
    for line in log.read_text(encoding="utf8", errors="replace").splitlines():
        question, answer = _ASKED.search(line), _ANSWERED.search(line)
        if question:
            asked = question
        elif answer and asked:
            found.append((asked[1], asked[2], answer[1]))
            asked = None
    return found


def expected(entry: Entry) -> dict[str, float] | None:
    """What hd_plugin says of a component of its own: action -> pJ, ``leak`` included, and ``area`` in um2.

    None when it asks another of Accelergy's estimators, which only Accelergy can. Raises InputError when
    hd_plugin would have refused its attributes.
    """
    component, _ = build_component(entry.class_name, entry.attributes)
    if component.asks:
        return None
    seconds = float(entry.attributes["global_cycle_seconds"])
    return {
        **component.actions_pJ(),
        "leak": component.cycle_pJ() + component.leak_pJ(seconds),
        "area": component.area_um2,
    }


def refused(folder: Path) -> list[str]:
    """A sentence for every component of ours in the front end's input whose attributes hd_plugin refuses.

    The plug-in knows a class only, and Accelergy stops at the first.
    """
    if not (folder / "parsed-processed-input.yaml").is_file():
        return []
    found = []
    for entry in components(folder):
        if entry.ours:
            try:
                build_component(entry.class_name, entry.attributes)
            except InputError as error:
                found.append(f"{entry.name}: {error}")
    return found


def _half_unit(value: float) -> float:
    """Half a unit in the table's last digit, for a value of this size (and a little for the arithmetic)."""
    return 0.5000001 * 10.0 ** (math.floor(math.log10(abs(value))) - _DIGITS + 1) if value else 0.0


def check_table(folder: Path, table: Mapping[str, Mapping[str, float]], log: Path) -> None:
    """Raise RunError unless every value of a component of ours is hd_plugin's, to the table's 6 digits."""
    wrong = []
    for entry in components(folder):
        if entry.unread:
            wrong.append(f"{entry.name}: {entry.unread}")
        if not entry.ours:
            continue
        try:
            right = expected(entry)
        except InputError as error:
            wrong.append(f"{entry.name}: {error}")
            continue
        if right is None:
            continue
        if entry.name not in table:
            wrong.append(f"{entry.name}: not in the table")
        for action, value in table.get(entry.name, {}).items():
            if action not in right or abs(value - right[action]) > _half_unit(right[action]):
                wrong.append(
                    f"{entry.name}.{action}: {value:g} pJ found, hd_plugin says "
                    + (f"{right[action]:.6g}" if action in right else "nothing")
                )
    if wrong:
        others = sorted(
            {who for _, name, who in _served(log) if served_class(name, {}) and who != "hd_plugin"}
        )
        by = f"; answered by {', '.join(others)}" if others else ""
        raise RunError(
            f"{folder}: Accelergy's table does not hold hd_plugin's values: {'; '.join(wrong[:5])}"
            f"{' ...' if len(wrong) > 5 else ''}{by}. Run 'hd-plugin doctor' to see who serves what, and "
            "'hd-plugin register' to put the plug-in where Accelergy finds it"
        )


def read_stats(
    folder: Path, prefix: str, table: Mapping[str, Mapping[str, float]], dataspaces: Sequence[str]
) -> tuple[dict[str, ComponentResult], int]:
    """Every level's sums, and the cycles, from the XML at full precision. Raises RunError: not whole."""
    path = folder / f"{prefix}.map+stats.xml"
    try:
        levels = _levels(path)
        found = {name: _level(level, dataspaces) for name, level in levels}
        cycles = max(int(level.findtext("cycles_", "0")) for _, level in levels)
    except (OSError, UnicodeDecodeError, ElementTree.ParseError, TypeError, ValueError) as error:
        raise RunError(f"{path}: not whole ({error!r}); see the logs beside it") from error
    if not cycles or not any(part.computes for part in found.values()):
        raise RunError(f"{path}: holds no computes; see the logs beside it")
    for entry in components(folder):
        if entry.name in found:
            found[entry.name] = replace(
                found[entry.name], per_cycle_pJ=entry.instances * _leak_pJ(entry, table)
            )
    return found, cycles


def _leak_pJ(entry: Entry, table: Mapping[str, Mapping[str, float]]) -> float:
    if "leak" in table.get(entry.name, {}):
        return table[entry.name]["leak"]
    right = expected(entry) if entry.ours else None
    return right["leak"] if right else 0.0


def _levels(path: Path) -> list[tuple[str, ElementTree.Element]]:
    """The named levels: networks have no name. Timeloop leaves the last tag open: no tree, but events."""
    parser: Any = ElementTree.XMLPullParser(["end"])
    parser.feed(path.read_text(encoding="utf8"))
    elements = [element for _, element in parser.read_events()]
    named = [(e.findtext("specs_/LevelSpecs/level_name"), e) for e in elements if e.tag == "px"]
    return [(name, element) for name, element in named if name]


def _level(level: ElementTree.Element, dataspaces: Sequence[str]) -> ComponentResult:
    """The sums of a level. Raises ValueError for a number that is missing or none."""
    stats = level.find("stats_")
    if stats is None:  # the compute level keeps its numbers outside
        computes, energy_pJ = level.findtext("algorithmic_computes_"), level.findtext("energy_")
        if computes is None or energy_pJ is None:
            raise ValueError("algorithmic_computes_ or energy_ is missing")
        return ComponentResult(int(computes), float(energy_pJ), 0.0, {})

    tags = ("keep", "utilized_instances", "reads", "fills", "updates", "energy")
    rows = zip(dataspaces, *(_each(stats, tag) for tag in tags))
    accesses = {
        space: Accesses(round(reads * n), round(fills * n), round(updates * n), energy * n)
        for space, keep, n, reads, fills, updates, energy in rows
        if keep
    }
    return ComponentResult(0, 0.0, 0.0, accesses)


def _each(stats: ElementTree.Element, tag: str) -> list[float]:
    """A statistic of every dataspace. Raises ValueError when it is missing."""
    found = stats.find(f"{tag}/PerDataSpace")
    if found is None:
        raise ValueError(f"{tag} is missing")
    return [float(item.text or "") for item in found.iter("item")]


def read_yaml(path: Path) -> Any:
    """A YAML file that Accelergy or Timeloop wrote. Raises RunError when it is not readable."""
    try:
        return parse_yaml(read_text(path), path)
    except InputError as error:
        raise RunError(str(error)) from error
