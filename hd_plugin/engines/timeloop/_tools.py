"""Where Timeloop, Accelergy and pytimeloop are. None of them is on a package index, so they are looked for at run time."""
from __future__ import annotations

import functools
import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from hd_plugin.errors import MissingTool

__all__ = ["PYTHON_VARIABLE", "Tools", "accelergy_config", "find_tools"]

PYTHON_VARIABLE = "HD_PLUGIN_TIMELOOP_PYTHON"
_PROGRAMS = ("timeloop-model", "timeloop-mapper", "accelergy")
_INSTALL = (
    (("timeloop-model", "timeloop-mapper"), "build Timeloop (github.com/NVlabs/timeloop) and put its bin folder on the PATH"),
    (("accelergy",), "install Accelergy 0.4 (github.com/Accelergy-Project/accelergy) and put its program on the PATH"),
    (("pytimeloop",), "install pytimeloop (github.com/Accelergy-Project/timeloop-python) beside Accelergy, and set "
                      f"{PYTHON_VARIABLE} to that Python unless it is the one that runs hd-plugin"))


@dataclass(frozen=True)
class Tools:
    """Absolute paths of the programs, and of the Python that has pytimeloop."""

    timeloop_model: Path
    timeloop_mapper: Path
    accelergy: Path
    python: Path

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 of the programs' bytes: a rebuilt Timeloop is another one."""
        total = hashlib.sha256(str(self.python).encode())
        for program in (self.timeloop_model, self.timeloop_mapper, self.accelergy):
            total.update(program.read_bytes())
        return total.hexdigest()

    def environment(self) -> dict[str, str]:
        """The environment for a run: the programs found here come first on the PATH."""
        folders = dict.fromkeys(str(p.parent) for p in (self.timeloop_model, self.timeloop_mapper, self.accelergy))
        clean = {k: v for k, v in os.environ.items() if not k.startswith("TIMELOOP_")}
        return {**clean, "PATH": os.pathsep.join([*folders, os.environ.get("PATH", "")])}


def find_tools() -> Tools:
    """Raises MissingTool that lists ALL missing tools, each with what to do."""
    found = {program: shutil.which(program) for program in _PROGRAMS}
    missing = [program for program, path in found.items() if path is None]
    python = os.environ.get(PYTHON_VARIABLE) or sys.executable
    if not _has_pytimeloop(python):
        missing.append("pytimeloop")
    if missing:
        told = [(", ".join(n for n in names if n in missing), how) for names, how in _INSTALL]
        raise MissingTool("the timeloop engine needs " + "; ".join(f"{names}: {how}" for names, how in told if names)
                          + ". The analytic engine needs none of them.")
    return Tools(*(Path(found[p]).absolute() for p in _PROGRAMS), Path(python))


@functools.cache
def _has_pytimeloop(python: str) -> bool:
    code = "import importlib.util as u, sys; sys.exit(not (u.find_spec('pytimeloop') and u.find_spec('accelergy')))"
    try:
        return subprocess.run([python, "-c", code], capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def accelergy_config() -> Path:
    """The configuration that Accelergy reads when its working directory holds none."""
    return Path(os.path.expanduser("~")) / ".config" / "accelergy" / "accelergy_config.yaml"
