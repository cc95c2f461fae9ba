"""Engines by name; another one is a class and a line of registration."""

from __future__ import annotations

import inspect
from typing import Any

from hd_plugin._registry import Registry
from hd_plugin.engines._analytic import AnalyticEngine
from hd_plugin.engines._protocol import Engine
from hd_plugin.engines.timeloop import TimeloopEngine
from hd_plugin.errors import InputError

__all__ = ["ENGINES", "engine_options", "get_engine"]

ENGINES: Registry[type[Engine]] = Registry("engine")
ENGINES.register("analytic", AnalyticEngine)
ENGINES.register("timeloop", TimeloopEngine)

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def engine_options(name: str) -> dict[str, bool]:
    """What an engine's class takes -> whether it is required. Raises InputError for an unknown engine."""
    parameters = inspect.signature(ENGINES[name]).parameters.values()
    return {p.name: p.default is inspect.Parameter.empty for p in parameters if p.kind in _NAMED}


def get_engine(name: str, **options: Any) -> Engine:
    """The engine called ``name``, made with ``options``.

    Raises InputError: an unknown engine (with the nearest), an option that it does not take or that is
    missing; and what the engine raises for their values (MissingTool, say).
    """
    known = engine_options(name)
    if unknown := sorted(set(options) - set(known)):
        raise InputError(
            f"engine {name!r} has no option {', '.join(unknown)}; it takes {', '.join(known) or 'none'}"
        )
    if missing := [option for option, required in known.items() if required and option not in options]:
        raise InputError(f"engine {name!r} needs {', '.join(missing)} as an option")
    return ENGINES[name](**options)
