"""Tables of Liberty files: values over a transition and a load."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hd_plugin._guard import why
from hd_plugin.errors import InputError
from hd_plugin.gates._liberty_text import Group

__all__ = ["Table", "read_table"]


@dataclass(frozen=True, eq=False)
class Table:
    """A look-up table over the input's transition (ns) and the load (pF)."""

    slews_ns: np.ndarray
    loads_pF: np.ndarray
    values: np.ndarray

    def at(self, slew_ns: float, load_pF: float) -> float:
        """Bilinear; outside of the table its edge counts, as nobody knows more."""

        def place(axis: np.ndarray, x: float) -> tuple[int, float]:
            if axis.size == 1:
                return 0, 0.0
            i = min(max(int(np.searchsorted(axis, x)) - 1, 0), axis.size - 2)
            return i, min(max((x - axis[i]) / (axis[i + 1] - axis[i]), 0.0), 1.0)

        (i, a), (j, b) = place(self.slews_ns, slew_ns), place(self.loads_pF, load_pF)
        v, k, m = self.values, min(i + 1, self.slews_ns.size - 1), min(j + 1, self.loads_pF.size - 1)
        return float((1 - a) * ((1 - b) * v[i, j] + b * v[i, m]) + a * ((1 - b) * v[k, j] + b * v[k, m]))


def read_table(
    at: str, group: Group, scale: dict[str, float], templates: dict[str, Group], unit: str
) -> Table:
    """A table of a group, in ns, pF and ``unit``; without one of the axes it has a single entry along it.

    at : what errors begin with. scale : of the file's units. templates : by name. Raises InputError.
    """
    template = templates.get(group.names[0]) if group.names else None

    def floats(name: str) -> np.ndarray:
        found = group.attributes.get(name) or (template.attributes.get(name) if template else None) or []
        try:
            return np.array([float(x) for part in found for x in part.replace(",", " ").split()])
        except ValueError as error:
            raise InputError(f"{at}: {name}: numbers are needed ({why(error)})") from error

    values, axes = floats("values"), [floats("index_1"), floats("index_2")]
    if values.size == 1:
        axes = [np.zeros(1), np.zeros(1)]
    axes = [axis if axis.size else np.zeros(1) for axis in axes]
    whole = all(np.isfinite(numbers).all() for numbers in (values, *axes))
    if values.size != axes[0].size * axes[1].size or not whole:
        raise InputError(f"{at}: {values.size} values found for {axes[0].size} x {axes[1].size} indices")
    grid = values.reshape(axes[0].size, axes[1].size) * scale[unit]
    if template is not None and "capacitance" in (template.text("variable_1", "") or ""):
        axes, grid = axes[::-1], grid.T
    if any((np.diff(axis) <= 0).any() for axis in axes):
        raise InputError(f"{at}: an index that does not rise")
    return Table(axes[0] * scale["ns"], axes[1] * scale["pF"], grid)
