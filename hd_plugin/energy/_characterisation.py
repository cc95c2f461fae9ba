"""What characterising a synthesised array found: energy per count of activity, and how well that predicts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field, ValidationError

from hd_plugin._atomic import write_text
from hd_plugin._checked import Checked, Whole, told
from hd_plugin._wording import joined
from hd_plugin.energy._technology import (
    SCHEMA,
    Technology,
    TechnologyFile,
    read_characterisation,
    technology_path,
)
from hd_plugin.errors import InputError, did_you_mean

__all__ = ["Characterisation", "EnergyModel", "Quality", "load_characterisation"]


@dataclass(frozen=True)
class Quality:
    """Modelled against simulated datapath energy over ``samples`` pairs of a layer and a method.

    mean_error, p95_error, worst_error : |modelled / simulated - 1|. r2 : of the energy per cycle, where large
    layers weigh no more than small ones; r2_energy : of the energy itself.
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
    """Energy of the datapath as a sum over counts of activity.

    coefficients_fJ : by the name of a count; spread_fJ : their standard deviation over resampled layers
    (counts go together, so that single ones are known far worse than their sum). fit, test : on the layers
    it was fitted to, and on those of another network; alone : as ``test``, but fitted and tested with
    activations of one kind.
    """

    coefficients_fJ: dict[str, float]
    spread_fJ: dict[str, float]
    fit: Quality
    test: Quality
    alone: dict[str, Quality]

    def energy_fJ(self, counts: Mapping[str, float]) -> float:
        """Datapath energy of counted activity, without the clock. Raises InputError for a missing count."""
        missing = [name for name in self.coefficients_fJ if name not in counts]
        if missing:
            raise InputError(
                f"energy model: no count of {missing[0]!r}; it was made for an array of other widths"
            )
        return sum(c * counts[name] for name, c in self.coefficients_fJ.items())


@dataclass(frozen=True, eq=False)
class Characterisation:
    """An array in one technology.

    models : from "flips", the paper's straight line, to "transitions", the best. array : its parameters.
    mac : what its PEs do, "binary" for the systolic array. encoding : of their outputs, as a file of
    ``encoding_mac.Encoding`` has it, None for the systolic array.
    clock_fJ : of one cycle of the whole array; area_um2 : of all of it. circuit : the file of its gates.
    conditions : of synthesis and simulation.
    """

    technology: Technology
    array: dict[str, int]
    models: dict[str, EnergyModel]
    clock_fJ: float
    area_um2: float
    circuit: Path
    conditions: dict[str, Any]
    mac: str = "binary"
    encoding: dict[str, Any] | None = None

    def model(self, name: str = "transitions") -> EnergyModel:
        """Raises InputError for an unknown one."""
        if name not in self.models:
            raise InputError(f"energy model: {name!r} is unknown; {did_you_mean(name, self.models)}")
        return self.models[name]

    @staticmethod
    def write(path: str | Path, content: Mapping[str, Any]) -> None:
        """Write what ``characterise`` found (JSON), whole or not at all."""
        write_text(path, json.dumps({"schema": SCHEMA, **content}, indent=1) + "\n")


class _Quality(Checked):
    samples: Whole
    mean_error: float
    p95_error: float
    worst_error: float
    bias: float
    r2: float
    r2_energy: float

    def value(self) -> Quality:
        return Quality(**dict(self))


class _Model(Checked):
    coefficients_fJ: dict[str, float]
    spread_fJ: dict[str, float]
    fit: _Quality
    test: _Quality
    alone: dict[str, _Quality]

    def value(self) -> EnergyModel:
        alone = {kind: quality.value() for kind, quality in self.alone.items()}
        return EnergyModel(self.coefficients_fJ, self.spread_fJ, self.fit.value(), self.test.value(), alone)


class _File(TechnologyFile):
    """What is read of a characterisation; it tells more to people."""

    model_config = ConfigDict(extra="ignore")
    array: dict[str, Whole]
    models: dict[str, _Model]
    clock_fJ: Annotated[float, Field(ge=0, le=1e12)]
    area_um2: Annotated[float, Field(ge=0, le=1e15)]
    circuit: str
    conditions: dict[str, Any]
    mac: str = "binary"
    encoding: dict[str, Any] | None = None


def load_characterisation(name: str | Path) -> Characterisation:
    """A bundled one by technology name, or a JSON file.

    Raises InputError: unknown, not characterised, or a file with ALL its wrong fields listed.
    """
    path = technology_path(name)
    if path.suffix != ".json":
        raise InputError(
            f"technology: {str(name)!r} was not characterised, it has coefficients only; "
            "'hd-plugin characterize' makes such a file, and hd_generic45 and sg13g2 come with the package"
        )
    try:
        file = _File.model_validate(read_characterisation(path))
    except ValidationError as error:
        problems = joined(told(_File, error), 400)
        raise InputError(
            f"{path}: not a characterisation, or not a whole one ({problems}); make it again with "
            "'hd-plugin characterize'"
        ) from error
    return Characterisation(
        file.as_read_from(path),
        file.array,
        {name: model.value() for name, model in file.models.items()},
        file.clock_fJ,
        file.area_um2,
        path.parent / file.circuit,
        file.conditions,
        file.mac,
        file.encoding,
    )
