"""What every result has: a schema, a dictionary for JSON, a summary."""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from hd_plugin._atomic import write_text

__all__ = ["Result", "reduction"]


class Result(ABC):
    """A frozen answer. schema : name and version of its JSON; file : what its JSON is called in a folder of
    results.

    ``interrupted`` results are whole, but hold less than was asked for.
    """

    schema: ClassVar[str]
    file: ClassVar[str]
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


def reduction(before: float, after: float) -> float:
    """before / after; what had nothing to lose is unchanged (1), what lost all is infinitely better."""
    return before / after if after else (1.0 if not before else math.inf)
