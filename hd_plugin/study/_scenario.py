"""``Scenario``: one experiment, said once; built from Python, from options or from a file, and held by every
report.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, ValidationInfo, field_validator, model_validator

from hd_plugin._atomic import write_text
from hd_plugin._checked import Checked, Listed, Whole, check, read_json, read_mapping
from hd_plugin._registry import Registry
from hd_plugin.encoding_mac import split_mac
from hd_plugin.energy import technology_path
from hd_plugin.engines import ENGINES, Array, check_engine_options, load_array
from hd_plugin.errors import InputError, did_you_mean
from hd_plugin.streaming import EFFORTS, METHODS
from hd_plugin.study._policies import OBJECTIVES, SOURCES
from hd_plugin.weights import NetworkChoice

__all__ = ["ACTIVATIONS", "EngineChoice", "Scenario"]

ACTIVATIONS = ("relu", "linear", "uniform")
_REPORTS = (
    "hd-plugin/compare/2",
    "hd-plugin/compare-flips/1",
    "hd-plugin/compare-macs/1",
    "hd-plugin/optimize/2",
    "hd-plugin/round/1",
    "hd-plugin/verify/2",
)
_FOLDED = ("rows", "cols")  # short for array.rows and array.cols


class EngineChoice(Checked):
    """An engine by name, with options of its own: ``analytic``, or ``{name: timeloop, mapping: mapper}`` in a
    file. The options are checked by what the engine's class takes; none is made.
    """

    name: str = "analytic"
    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _short(cls, data: Any) -> Any:
        if isinstance(data, str):
            return {"name": data}
        if isinstance(data, Mapping) and "options" not in data:
            rest = {k: _plain(v) for k, v in data.items() if k != "name" and v is not None}
            return {"name": data.get("name", "analytic"), "options": rest}
        return data

    @model_validator(mode="after")
    def _known(self) -> EngineChoice:
        if self.name not in ENGINES:
            raise ValueError(f"{self.name!r} is unknown; {did_you_mean(self.name, ENGINES)}")
        try:
            check_engine_options(self.name, self.options)
        except InputError as error:
            raise ValueError(str(error).removeprefix("engine ")) from error
        return self


class Scenario(Checked):
    """What is asked: networks, array, methods, how hard to search and for what, and where energy comes from.

    network : weights and how they are read; None where a Network is given from Python. trained : networks of
    the same layers, shown beside it. array : a name from arch/, a file, or its fields; ``rows`` and ``cols``
    alone will do. methods : of ``METHODS``; the baseline always comes first. effort : of ``EFFORTS``.
    objective : what plans minimise, of ``OBJECTIVES``. engine : where action counts and energies come from.
    energy : where the datapath's energy comes from, of ``SOURCES``. technology : a bundled name or a file;
    None takes the array's, else what the energy needs. activations : with gate-level energy, what the array
    holds (relu, linear, uniform). macs : of the array's PEs, side by side: binary, tree, exact, or files of
    encodings or characterisations; energies are then simulated, unless modelled ones are asked for. clock :
    whether totals count it. studies : also convergence, cluster sizes and the cost of the address table, on
    one layer. seed : same seed, same plans. Raises InputError that lists all problems.
    """

    network: NetworkChoice | None = None
    trained: Listed[NetworkChoice] = ()
    array: Array = Field(default_factory=Array)
    methods: Listed[str] = Field(default_factory=lambda: tuple(METHODS))
    effort: str = "local"
    objective: str = "flips"
    engine: EngineChoice = Field(default_factory=EngineChoice)
    energy: str = "flips"
    technology: str | None = None
    activations: str | None = None
    macs: Listed[str] = ()
    clock: bool = True
    studies: bool = False
    seed: Annotated[Whole, Field(ge=0)] = 0

    @classmethod
    def read(cls, data: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Short forms made whole, and problems between fields."""
        problems = _make_whole(data)
        if data.get("macs") and data.get("energy") is None:
            data["energy"] = "simulated"
        return data, problems + _between(data)

    @field_validator("methods")
    @classmethod
    def _methods(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            _known(METHODS, name)
        return ("baseline", *(m for m in METHODS if m in names and m != "baseline"))

    @field_validator("effort", "objective", "energy")
    @classmethod
    def _names(cls, name: str, info: ValidationInfo) -> str:
        known: Mapping[str, Registry[Any]] = {"effort": EFFORTS, "objective": OBJECTIVES, "energy": SOURCES}
        return _known(known[str(info.field_name)], name)

    @field_validator("technology")
    @classmethod
    def _technology(cls, name: str | None) -> str | None:
        if name is not None:
            technology_path(name)
        return name

    @field_validator("activations")
    @classmethod
    def _activations(cls, kind: str | None) -> str | None:
        if kind is not None and kind not in ACTIVATIONS:
            raise ValueError(f"{kind!r} is unknown; {did_you_mean(kind, ACTIVATIONS)}")
        return kind

    @property
    def needs_gates(self) -> bool:
        """Whether a characterised array has to be there, for energies or for plans."""
        return SOURCES[self.energy].needs_gates or OBJECTIVES[self.objective].needs_gates

    @property
    def searched(self) -> tuple[str, ...]:
        """The methods without those that have nothing to search."""
        return tuple(m for m in self.methods if METHODS[m].searched)

    def technology_name(self) -> str:
        """The technology that is used: the one asked for, else the array's, else the first that fits."""
        default = "hd_generic45" if self.needs_gates else "eyeriss45"
        return str(self.technology or self.array.variables.get("technology") or default)

    def but(self, **fields: Any) -> Scenario:
        """The same with other fields; ``rows`` and ``cols`` change the array. Raises InputError."""
        kept: dict[str, Any] = {name: getattr(self, name) for name in self.model_fields_set}
        if "array" not in fields and (sizes := {n: fields.pop(n) for n in _FOLDED if n in fields}):
            kept["array"] = {**self.array.model_dump(), **sizes}
        elif "array" in fields:
            kept.pop("array", None)
        merged = {**kept, **fields}
        if "activations" not in fields and _between(merged):
            merged["activations"] = None  # the gates that they were for are no longer asked about
        return check(type(self), merged, "")

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it; ``Scenario.from_dict`` reads it."""
        return self.model_dump(mode="json")

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], where: str = "") -> Scenario:
        """The scenario in a mapping. Raises InputError that begins with ``where``."""
        return check(cls, data, where)

    def save(self, path: str | Path) -> None:
        """Write it as YAML, whole or not at all; what is as by default is left out."""
        text = yaml.safe_dump(self.model_dump(mode="json", exclude_defaults=True), sort_keys=False)
        write_text(path, text)

    @classmethod
    def load(cls, path: str | Path) -> Scenario:
        """From a YAML file, or out of a report's JSON. Files that a YAML file names are looked for beside it
        first.

        Raises InputError that names the file and lists all problems.
        """
        path = Path(path)
        if path.suffix != ".json":
            return check(cls, _beside(path, read_mapping(path)), path)
        data = read_json(path, _REPORTS, "a report of this version holds a scenario; make it again")
        provenance = data.get("provenance")
        asked = provenance.get("scenario") if isinstance(provenance, dict) else None
        return check(cls, asked, f"{path}: provenance.scenario")


def _plain(value: Any) -> Any:
    """An option of an engine as JSON and YAML can hold it."""
    return str(value) if isinstance(value, Path) else value


def _known(registry: Registry[Any], name: str) -> str:
    if name not in registry:
        raise ValueError(f"{name!r} is unknown; {did_you_mean(name, registry)}")
    return name


def _make_whole(data: dict[str, Any]) -> list[str]:
    """``rows`` and ``cols`` into the array, names into networks and arrays, in place; what is wrong with
    them.
    """
    problems: list[str] = []
    given = {name: data.pop(name) for name in _FOLDED if name in data}
    short = {name: value for name, value in given.items() if value is not None}
    if short and data.get("array") is not None:
        told = ", ".join(f"{k} {v}" for k, v in short.items())
        problems.append(f"array: an array and {told} found; these are two answers to one question, keep one")
    elif short:
        data["array"] = short
    if data.get("array") is None:
        data.pop("array", None)
    elif isinstance(data["array"], (str, Path)):
        try:
            data["array"] = load_array(data["array"])
        except InputError as error:
            problems.append(str(error))
            del data["array"]
    if isinstance(data.get("network"), (str, Path)):
        data["network"] = {"source": str(data["network"])}
    if isinstance(data.get("trained"), (list, tuple)):
        data["trained"] = [_like(data.get("network"), item) for item in data["trained"]]
    return problems


def _like(network: Any, item: Any) -> Any:
    """A trained network that is named only is read as the first one is."""
    if not isinstance(item, (str, Path)):
        return item
    given = network.model_dump() if isinstance(network, NetworkChoice) else network
    return {**(given if isinstance(given, Mapping) else {}), "source": str(item)}


def _between(data: Mapping[str, Any]) -> list[str]:
    """What fields do not go together."""
    source, objective = data.get("energy", "flips"), data.get("objective", "flips")
    known = isinstance(source, str) and source in SOURCES
    known = known and isinstance(objective, str) and objective in OBJECTIVES
    if data.get("macs") and (problems := _of_macs(data, known)):
        return problems
    if data.get("activations") is None or not known:
        return []
    if SOURCES[source].needs_gates or OBJECTIVES[objective].needs_gates:
        return []
    return [
        "activations: they matter to gate-level energy only (energy 'modelled' or 'simulated', "
        "objective 'energy'); leave them out"
    ]


def _of_macs(data: Mapping[str, Any], known: bool) -> list[str]:
    """What does not go with several MACs."""
    found, energy = [], data.get("energy") or "simulated"
    if known and not SOURCES[energy].needs_gates:
        found.append(f"macs: they differ in their gates; energy {energy!r} sees none, take 'simulated'")
    engine = data.get("engine", "analytic")
    if (engine.get("name") if isinstance(engine, Mapping) else getattr(engine, "name", engine)) != "analytic":
        found.append("macs: engine 'analytic' is needed")
    idle = [name for name in ("trained", "studies") if data.get(name)]
    if idle:
        found.append(f"macs: {' and '.join(idle)} cannot be asked for with them; leave it out")
    return found


def _mac_beside(mac: Any, found: Callable[[Any], Any]) -> Any:
    """``found`` of a file, or of the file in NAME@N."""
    near = found(mac)
    if near != mac or not isinstance(mac, str):
        return near
    name, every = split_mac(mac)
    return mac if every is None else f"{found(name)}@{every}"


def _beside(path: Path, data: dict[str, Any]) -> dict[str, Any]:
    """Names of files in a scenario's file, as paths from here where they lie beside it."""

    def found(name: Any) -> Any:
        near = path.parent / name if isinstance(name, str) else None
        return str(near) if near is not None and near.exists() else name

    def network(item: Any) -> Any:
        if isinstance(item, Mapping):
            return {k: found(v) if k in ("source", "spec") else v for k, v in item.items()}
        return found(item)

    out = dict(data)
    for name in ("array", "technology"):
        if name in out:
            out[name] = found(out[name])
    if isinstance(out.get("macs"), list):
        out["macs"] = [_mac_beside(item, found) for item in out["macs"]]
    if isinstance(out.get("engine"), Mapping):
        out["engine"] = {k: v if k == "name" else found(v) for k, v in out["engine"].items()}
    if "network" in out:
        out["network"] = network(out["network"])
    if isinstance(out.get("trained"), list):
        out["trained"] = [network(item) for item in out["trained"]]
    return out
