"""What characterising a synthesised array found: coefficients per count of activity, and how well they predict."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hd_plugin._atomic import write_text
from hd_plugin.energy._technology import Technology, load_technology, technology_path
from hd_plugin.errors import InputError, did_you_mean

__all__ = ["Characterisation", "EnergyModel", "Quality", "load_characterisation"]

_SCHEMA = "hd-plugin/characterisation/1"


@dataclass(frozen=True)
class Quality:
    """Modelled against simulated datapath energy over ``samples`` pairs of a layer and a method.

    mean_error, p95_error, worst_error : |modelled / simulated - 1|; r2 : of the energy per cycle, where large layers weigh no more than
    small ones; r2_energy : of the energy itself.
    """

    samples: int
    mean_error: float
    p95_error: float
    worst_error: float
    bias: float
    r2: float
    r2_energy: float


@dataclass(frozen=True)
class EnergyModel:
    """coefficients_fJ : by the name of a count; spread_fJ : their standard deviation over resampled layers (counts go together, so that single ones
    are known far worse than their sum). fit, test : on the layers it was fitted to, and on those of another network; alone : as ``test``, but fitted and
    tested with activations of one kind."""

    coefficients_fJ: dict[str, float]
    spread_fJ: dict[str, float]
    fit: Quality
    test: Quality
    alone: dict[str, Quality]

    def energy_fJ(self, counts: Mapping[str, float]) -> float:
        """Datapath energy, without the clock, of counted activity. Raises InputError for a count that is missing."""
        missing = [name for name in self.coefficients_fJ if name not in counts]
        if missing:
            raise InputError(
                f"energy model: no count of {missing[0]!r}; it was made for an array of other widths"
            )
        return sum(c * counts[name] for name, c in self.coefficients_fJ.items())


@dataclass(frozen=True, eq=False)
class Characterisation:
    """An array in one technology. models : from "flips", the paper's straight line, to "transitions", the best. array : its parameters.

    clock_fJ : of one cycle of the whole array. circuit : the file of its gates. conditions : of synthesis and simulation.
    """

    technology: Technology
    array: dict[str, int]
    models: dict[str, EnergyModel]
    clock_fJ: float
    circuit: Path
    conditions: dict[str, Any]

    def model(self, name: str = "transitions") -> EnergyModel:
        """Raises InputError for an unknown one."""
        if name not in self.models:
            raise InputError(f"energy model: {name!r} is unknown; {did_you_mean(name, self.models)}")
        return self.models[name]

    @staticmethod
    def write(path: str | Path, content: Mapping[str, Any]) -> None:
        """Write what ``characterise`` found (JSON), whole or not at all."""
        write_text(path, json.dumps({"schema": _SCHEMA, **content}, indent=1) + "\n")


def load_characterisation(name: str | Path) -> Characterisation:
    """A bundled one by technology name, or a JSON file. Raises InputError: unknown, not characterised, or a field that is wrong."""
    path = technology_path(name)
    if path.suffix != ".json":
        raise InputError(
            f"technology: {str(name)!r} was not characterised, it has coefficients only; 'hd-plugin characterize' makes such a file, "
            "and hd_generic45 and sg13g2 come with the package"
        )
    try:
        data = json.loads(path.read_text(encoding="utf8"))
        if data["schema"] != _SCHEMA:
            raise InputError(f"{path}: schema: {data['schema']!r} found, {_SCHEMA!r} needed")
        models = {
            k: EnergyModel(
                {n: float(v) for n, v in m["coefficients_fJ"].items()},
                {n: float(v) for n, v in m["spread_fJ"].items()},
                Quality(**m["fit"]),
                Quality(**m["test"]),
                {kind: Quality(**q) for kind, q in m["alone"].items()},
            )
            for k, m in data["models"].items()
        }
        if not isinstance(data["conditions"], dict) or not 0 <= float(data["clock_fJ"]) < 1e12:
            raise ValueError(f"conditions {type(data['conditions']).__name__}, clock_fJ {data['clock_fJ']}")
        return Characterisation(
            load_technology(path),
            {k: int(v) for k, v in data["array"].items()},
            models,
            float(data["clock_fJ"]),
            path.parent / data["circuit"],
            data["conditions"],
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{path}: not a characterisation, or not a whole one ({type(error).__name__}: {error}); make it again with 'hd-plugin characterize'"
        ) from error
