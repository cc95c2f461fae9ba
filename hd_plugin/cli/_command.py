"""Commands whose options stand in groups in the help text, and options that moved to another command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from hd_plugin.cli._names import completion, network_names

__all__ = ["Command", "F", "command", "moved", "network_argument", "option", "stack"]

F = TypeVar("F", bound=Callable[..., Any])

_ORDER = (
    "Network",
    "Array",
    "Search",
    "Energy",
    "Rounding",
    "Training",
    "Synthesis",
    "Proof",
    "Host",
    "Output",
)


class _Option(click.Option):
    """An option of a group. ``default`` may be None with a ``show_default`` text: then nobody answered for
    the user.
    """

    def __init__(self, *names: Any, group: str = "Output", **settings: Any) -> None:
        super().__init__(*names, **settings)
        self.group = group


class Command(click.Command):
    """Its help lists options by group."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        groups: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None and isinstance(param, click.Option):
                groups.setdefault(getattr(param, "group", "Output"), []).append(record)
        for title in sorted(groups, key=lambda g: _ORDER.index(g) if g in _ORDER else len(_ORDER)):
            with formatter.section(title):
                formatter.write_dl(groups[title])


def command(name: str, example: str) -> Callable[[Callable[..., Any]], click.Command]:
    """A command with an example under its help."""
    return click.command(name, cls=Command, epilog=f"\b\nExample:\n  {example}")


def option(group: str, *names: str, **settings: Any) -> Callable[[F], F]:
    """An option of a group; defaults are shown, and the shell completes names that the package knows."""
    settings.setdefault("show_default", True)
    return click.option(*names, cls=_Option, group=group, shell_complete=completion(names[0]), **settings)


def network_argument(default: str | None = None) -> Callable[[F], F]:
    """What every command calls NETWORK: a bundled name or a weights file (parameter ``source``)."""
    metavar = "NETWORK" if default is None else "[NETWORK]"
    given: dict[str, Any] = {} if default is None else {"default": default}
    return click.argument("source", metavar=metavar, shell_complete=network_names, **given)


def stack(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Several options as one decorator, in this order."""

    def apply(function: F) -> F:
        for one in reversed(options):
            function = one(function)
        return function

    return apply


def moved(*names: str, to: str, is_flag: bool = False) -> Callable[[F], F]:
    """An old spelling: using it is an error that names the new one."""

    def refuse(ctx: click.Context, param: click.Parameter, value: Any) -> None:
        if ctx.get_parameter_source(str(param.name)) is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{names[0].split('/')[0]} has moved: {to}", ctx)

    kind: dict[str, Any] = {} if is_flag else {"multiple": True}
    return click.option(*names, hidden=True, expose_value=False, callback=refuse, **kind)
