"""What the shell offers when a value is completed: the names that the package knows, and files."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import get_args

import click
from click.shell_completion import CompletionItem

from hd_plugin.errors import HdPluginError

__all__ = ["completion", "network_names"]

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]

# option -> where its names are (a room's registry, type, list or function), and whether a file is taken too
_OPTIONS: dict[str, tuple[str, str, bool]] = {
    "--method": ("streaming", "METHODS", False),
    "--effort": ("streaming", "EFFORTS", False),
    "--objective": ("study", "OBJECTIVES", False),
    "--energy": ("study", "SOURCES", False),
    "--activations": ("study", "ACTIVATIONS", False),
    "--engine": ("engines", "ENGINES", False),
    "--number-format": ("bits", "NumberFormat", False),
    "--array": ("engines", "arrays", True),
    "--technology": ("energy", "technologies", True),
    "--spec": ("weights", "bundled_specs", True),
    "--trained": ("weights", "bundled_networks", True),
}


def completion(option: str) -> Completer | None:
    """What click calls to complete the option's value; None for an option without names."""
    if option == "--layer":
        return _layers
    if option not in _OPTIONS:
        return None
    room, names, files = _OPTIONS[option]
    return lambda context, param, begun: _begin(_names(room, names), begun, files)


def network_names(context: click.Context, param: click.Parameter, begun: str) -> list[CompletionItem]:
    """For the argument NETWORK: bundled networks and files."""
    return _begin(_names("weights", "bundled_networks"), begun, True)


def _names(room: str, names: str) -> Iterable[str]:
    known = getattr(import_module(f"hd_plugin.{room}"), names)
    if names == "arrays":
        return list(known("input_stationary"))  # the others cannot be planned for
    return map(str, get_args(known) or (known() if callable(known) else known))


def _layers(context: click.Context, param: click.Parameter, begun: str) -> list[CompletionItem]:
    """The layers of the network that stands on the line before."""
    from hd_plugin.weights import load_network

    # click stops at an option that lacks its value, and leaves the arguments before it unassigned
    source = context.args[0] if context.args else context.params.get("source")
    try:
        network = load_network(str(source))
    except HdPluginError:
        return []
    return _begin((layer.name for layer in network.layers), begun, False)


def _begin(names: Iterable[str], begun: str, files: bool) -> list[CompletionItem]:
    found = [CompletionItem(name) for name in names if name.startswith(begun)]
    return [*found, CompletionItem(begun, type="file")] if files else found
