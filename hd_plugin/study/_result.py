"""What every result has: a schema, a dictionary for JSON, a summary."""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from hd_plugin._atomic import write_text
from hd_plugin._notebook import notebook_table
from hd_plugin._wording import one_line
from hd_plugin.errors import MissingTool

if TYPE_CHECKING:
    import pandas

__all__ = ["Result"]

_SHOWN = 30  # lines of a table in a notebook


class Result(ABC):
    """A frozen answer. schema : name and version of its JSON; file : what its JSON is called in a folder of
    results; lines : where in the JSON its table stands.

    ``interrupted`` results are whole, but hold less than was asked for.
    """

    schema: ClassVar[str]
    file: ClassVar[str]
    lines: ClassVar[str] = "layers"
    interrupted: bool = False

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """The content of its JSON file."""

    @abstractmethod
    def summary(self) -> Mapping[str, Any]:
        """The few numbers that a reader looks at first."""

    @property
    def ok(self) -> bool:
        """False when the result is that a check failed."""
        return True

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader has to know before using the numbers, a sentence each; shown with the tables and held
        by the JSON.
        """
        return ()

    def to_records(self) -> list[dict[str, Any]]:
        """The result as one flat table: a dictionary of numbers and words a line, units as in the JSON."""
        return [_flat(line) for line in self.to_dict()[self.lines]]

    def to_frame(self) -> pandas.DataFrame:
        """``to_records`` as a pandas DataFrame. Raises MissingTool without pandas."""
        try:
            import pandas
        except ImportError as error:
            raise MissingTool("a data frame needs pandas; run: pip install pandas") from error
        return pandas.DataFrame(self.to_records())

    def __repr__(self) -> str:
        """One short line: what it is, of what, and the first numbers."""
        of = next((str(getattr(self, k)) for k in ("network", "source", "model") if hasattr(self, k)), "")
        told = ", ".join(f"{name} {_first(value)}" for name, value in self.summary().items())
        more = ", interrupted" if self.interrupted else ""
        between = ": " if of and told else ""
        told = f"{one_line(of, 60)}{between}{one_line(told, 160)}{more}"
        return one_line(f"{type(self).__name__}({told})", 250)

    def _repr_html_(self) -> str:
        """The first lines as a table, for notebooks."""
        lines = self.to_records()
        names = list(dict.fromkeys(name for line in lines[:_SHOWN] for name in line))
        rows = [[_first(line.get(name, "")) for name in names] for line in lines[:_SHOWN]]
        left = [f"{len(lines) - _SHOWN} more lines"] if len(lines) > _SHOWN else []
        return notebook_table(repr(self), names, rows, [*left, *self.notes])

    def json_text(self) -> str:
        """``to_dict`` as JSON; what is infinite (a reduction to no flips at all) is null there."""
        return json.dumps(_finite(self.to_dict()), indent=1, allow_nan=False)

    def to_json(self, path: str | Path) -> None:
        """Write ``json_text``, whole or not at all."""
        write_text(path, self.json_text() + "\n")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _flat(line: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Dictionaries in a line as names with dots."""
    out: dict[str, Any] = {}
    for name, value in line.items():
        out |= _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return out


def _first(value: Any) -> str:
    """A value in a few characters; of several numbers the first."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Mapping):
        value = next(iter(value.values()), "")
    if isinstance(value, float):
        return f"{value:.4g}"
    return one_line(str(value), 60)
