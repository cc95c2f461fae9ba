"""What an answer uses of a scenario, and the scenario that its report holds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hd_plugin.errors import InputError
from hd_plugin.study._scenario import Scenario
from hd_plugin.weights import Network

__all__ = ["answered", "question", "used"]

# questions about energy and about other networks, which only a comparison answers
_OF_A_COMPARISON = ("trained", "engine", "energy", "macs", "clock", "studies")


def used(scenario: Scenario, network: Network, what: str, **fields: Any) -> Scenario:
    """``scenario`` with ``fields``, as an answer about ``network`` that is no comparison holds it.

    Raises InputError, before any work is done: another network, or what only a comparison would answer, so
    that nothing that is asked is passed over.
    """
    asked, plain = answered(scenario.but(**fields), network), Scenario()
    idle = [name for name in _OF_A_COMPARISON if getattr(asked, name) != getattr(plain, name)]
    if asked.activations is not None and not asked.needs_gates:
        idle.append("activations")
    if idle:
        raise InputError(f"{', '.join(idle)}: {what} does not use it; leave it out (a comparison does)")
    return asked


def answered(scenario: Scenario, network: Network, **chosen: Any) -> Scenario:
    """The scenario that was answered: of this network, and with what was ``chosen`` on the way.

    Raises InputError for a scenario that names another network.
    """
    named = scenario.network
    if named is not None and network.asked is not None and _file(named.source) != _file(network.asked.source):
        raise InputError(
            f"network: {network.name!r} was given, and the scenario names {named.source!r}; keep one of them"
        )
    return scenario.but(network=network.asked, **chosen)


def question(command: str, scenario: Scenario, *networks: Network, **more: Any) -> Mapping[str, object]:
    """What makes a run this run, for its journal: the command, all that is asked, and the weights."""
    digests = [network.digest for network in networks]
    return {"command": command, "weights": digests, "scenario": scenario.to_dict(), **more}


def _file(source: str) -> str:
    """A file as an absolute path, a bundled name as it is."""
    return str(Path(source).resolve()) if Path(source).exists() else source
