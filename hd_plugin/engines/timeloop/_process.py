"""A program of another project, run to its end in a folder of its own."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["run_to_end"]

_LONGEST_S = 3600


def run_to_end(command: Sequence[str], folder: Path, log: Path, environment: Mapping[str, str]) -> str:
    """Start ``command`` in ``folder``, all its output into ``log``, and wait; a Ctrl-C kills it, too.

    Returns "" when it ended well, else what ended it, as in "exit code 1".
    """
    with log.open("w") as file:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdout=file,
            stderr=file,
            stdin=subprocess.DEVNULL,
            env=dict(environment),
            start_new_session=True,
        )
        try:
            code = process.wait(_LONGEST_S)
        except BaseException as error:  # it and all that it started must not go on alone
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            return f"no end within {_LONGEST_S} s"
    return f"exit code {code}" if code else ""
