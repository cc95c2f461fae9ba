"""The group of commands, and what becomes of errors: 0 done, 1 a check failed, 2 bad input or a missing tool."""

from __future__ import annotations

import click

from hd_plugin import __version__
from hd_plugin.cli._characterize_command import characterize
from hd_plugin.cli._commands import compare, measure, networks
from hd_plugin.cli._host_commands import doctor, layers, register
from hd_plugin.cli._optimize_command import optimize
from hd_plugin.cli._rewrite_command import rewrite
from hd_plugin.cli._train_command import train
from hd_plugin.cli._verify_command import verify
from hd_plugin.errors import HdPluginError

__all__ = ["main"]


class _Group(click.Group):
    def invoke(self, context: click.Context):
        try:
            return super().invoke(context)
        except HdPluginError as error:
            click.echo(f"error: {error}", err=True)
            context.exit(2)
        except BrokenPipeError:
            context.exit(0)
        except OSError as error:
            click.echo(f"error: {error.filename or 'file'}: {error.strerror or error}", err=True)
            context.exit(2)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="hd-plugin")
def main() -> None:
    """Measure and minimise the bit flips of weights that stream into a systolic array, and price them in energy."""


for command in (
    characterize,
    compare,
    doctor,
    layers,
    measure,
    networks,
    optimize,
    register,
    rewrite,
    train,
    verify,
):
    main.add_command(command)
