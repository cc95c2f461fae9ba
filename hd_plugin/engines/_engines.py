"""Engines by name; another one is a class and a line of registration."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, get_type_hints

from pydantic import create_model

from hd_plugin._checked import Checked, check
from hd_plugin._registry import Registry
from hd_plugin.engines._analytic import AnalyticEngine
from hd_plugin.engines._protocol import Engine
from hd_plugin.engines.timeloop import TimeloopEngine
from hd_plugin.errors import InputError

__all__ = ["ENGINES", "check_engine_options", "engine_options", "get_engine"]

ENGINES: Registry[type[Engine]] = Registry("engine")
ENGINES.register("analytic", AnalyticEngine)
ENGINES.register("timeloop", TimeloopEngine)

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def engine_options(name: str) -> dict[str, bool]:
    """What an engine's class takes -> whether it is required. Raises InputError for an unknown engine."""
    return {p.name: p.default is inspect.Parameter.empty for p in _parameters(ENGINES[name])}


def check_engine_options(name: str, options: Mapping[str, Any]) -> Checked:
    """``options`` as the engine's class takes them, checked by its annotations; no engine is made.

    Raises InputError: an unknown engine (with the nearest), an option that it does not take or that is
    missing, and all values that are of another type or out of range.
    """
    known = engine_options(name)
    if unknown := sorted(set(options) - set(known)):
        raise InputError(
            f"engine {name!r} has no option {', '.join(unknown)}; it takes {', '.join(known) or 'none'}"
        )
    if missing := [option for option, required in known.items() if required and option not in options]:
        raise InputError(f"engine {name!r} needs {', '.join(missing)} as an option")
    return check(_form(ENGINES[name]), options, f"engine {name!r}")


def get_engine(name: str, **options: Any) -> Engine:
    """The engine called ``name``, made with ``options``.

    Raises InputError as ``check_engine_options``, and what the engine itself raises (MissingTool, say).
    """
    made = check_engine_options(name, options)
    return ENGINES[name](**{option: getattr(made, option) for option in options})


def _parameters(cls: type[Engine]) -> list[inspect.Parameter]:
    return [p for p in inspect.signature(cls).parameters.values() if p.kind in _NAMED]


def _form(cls: type[Engine]) -> type[Checked]:
    """The options of an engine as pydantic checks them: names, annotations and defaults of its class."""
    hints = get_type_hints(cls.__init__, include_extras=True)
    fields: dict[str, Any] = {
        p.name: (hints.get(p.name, Any), ... if p.default is inspect.Parameter.empty else p.default)
        for p in _parameters(cls)
    }
    return create_model("Options", __base__=Checked, **fields)
