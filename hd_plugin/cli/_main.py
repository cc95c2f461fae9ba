"""The group of commands, and exit codes: 0 done, 1 a check failed, 2 bad input, 130 or 143 interrupted."""

from __future__ import annotations

from typing import Any

import click

from hd_plugin._extras import missing_library
from hd_plugin._version import __version__
from hd_plugin.cli._characterize_command import characterize
from hd_plugin.cli._compare_command import compare
from hd_plugin.cli._encode_command import encode
from hd_plugin.cli._host_commands import doctor, layers, networks, register
from hd_plugin.cli._plan_commands import measure, optimize, round_
from hd_plugin.cli._proof_commands import rewrite, verify
from hd_plugin.cli._signals import exit_code, listening
from hd_plugin.cli._train_command import train
from hd_plugin.errors import HdPluginError

__all__ = ["main"]


class _Group(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of use, not of the alphabet."""
        return list(self.commands)

    def invoke(self, context: click.Context) -> Any:
        try:
            with listening(context):
                return super().invoke(context)
        except (HdPluginError, ModuleNotFoundError) as error:
            told = missing_library(error) if isinstance(error, ModuleNotFoundError) else error
            if told is None:
                raise
            click.echo(f"error: {told}", err=True)
            context.exit(2)
        except (KeyboardInterrupt, click.Abort):
            click.echo("interrupted", err=True)
            context.exit(exit_code())
        except MemoryError as error:
            click.echo(f"error: out of memory ({error}); fewer --threads or --layer need less", err=True)
            context.exit(2)
        except BrokenPipeError:
            context.exit(0)
        except OSError as error:
            click.echo(f"error: {error.filename or 'file'}: {error.strerror or error}", err=True)
            context.exit(2)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="hd-plugin")
def main() -> None:
    """Measure and minimise the bit flips of weights that stream into a systolic array, and price them in
    energy.
    """


for command in (
    measure,
    optimize,
    round_,
    compare,
    verify,
    rewrite,
    train,
    characterize,
    encode,
    layers,
    doctor,
    register,
    networks,
):
    main.add_command(command)
