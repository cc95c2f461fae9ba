"""Where Timeloop, Accelergy and pytimeloop are. No package index has them; they are found at run time."""

from __future__ import annotations

import functools
import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from hd_plugin.errors import MissingTool

__all__ = ["PYTHON_VARIABLE", "Tools", "environment_of", "find_accelergy", "find_front_end", "find_tools"]

PYTHON_VARIABLE = "HD_PLUGIN_TIMELOOP_PYTHON"
_PATIENCE_S = 600  # for one line of Python, on a loaded machine
_PROGRAMS = ("timeloop-model", "timeloop-mapper", "accelergy")
_INSTALL = (
    (
        ("timeloop-model", "timeloop-mapper"),
        "build Timeloop (github.com/NVlabs/timeloop) and put its bin folder on the PATH",
    ),
    (
        ("accelergy",),
        "install Accelergy 0.4 (github.com/Accelergy-Project/accelergy) and put its program on the PATH",
    ),
    (
        ("pytimeloop",),
        "install pytimeloop (github.com/Accelergy-Project/timeloop-python) beside Accelergy, and set "
        f"{PYTHON_VARIABLE} to that Python unless it is the one that runs hd-plugin",
    ),
)


@dataclass(frozen=True)
class Tools:
    """Absolute paths of the programs, and of the Python that has pytimeloop."""

    timeloop_model: Path
    timeloop_mapper: Path
    accelergy: Path
    python: Path

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 of the programs, of Timeloop's libraries, and of the packages' files (name, size, time)."""
        total = hashlib.sha256(str(self.python).encode())
        for program in (self.timeloop_model, self.timeloop_mapper, self.accelergy):
            total.update(program.read_bytes())
            for library in _linked(program):
                total.update(library.read_bytes())
        for folder in _packages(str(self.python)):
            for path in sorted(p for p in Path(folder).rglob("*") if p.suffix in (".py", ".so", ".yaml")):
                stat = path.stat()
                total.update(f"{path} {stat.st_size} {stat.st_mtime_ns}".encode())
        return total.hexdigest()

    def environment(self) -> dict[str, str]:
        """The environment for a run: the programs found here come first on the PATH."""
        return environment_of(self.timeloop_model, self.timeloop_mapper, self.accelergy)


def environment_of(*programs: Path) -> dict[str, str]:
    """The environment for a run: these programs come first on the PATH."""
    folders = dict.fromkeys(str(program.parent) for program in programs)
    clean = {k: v for k, v in os.environ.items() if not k.startswith("TIMELOOP_")}
    return {**clean, "PATH": os.pathsep.join([*folders, os.environ.get("PATH", "")])}


def find_accelergy() -> Path:
    """The accelergy program. Raises MissingTool."""
    found = shutil.which("accelergy")
    if found is None:
        raise MissingTool(_how("accelergy"))
    return Path(found).absolute()


def find_front_end() -> Path:
    """The Python with pytimeloop, whose front end reads architectures of ``nodes``. Raises MissingTool."""
    wanted, python = _python()
    if python is None or not _packages(str(Path(python).absolute())):
        raise MissingTool(_how("pytimeloop") + _wanted(wanted, python))
    return Path(python).absolute()


def _how(tool: str) -> str:
    return f"{tool} is missing: {next(how for names, how in _INSTALL if tool in names)}"


def _python() -> tuple[str | None, str | None]:
    """The Python that the user names, and the one that is there for it."""
    wanted = os.environ.get(PYTHON_VARIABLE)
    return wanted, shutil.which(os.path.expanduser(wanted)) if wanted else sys.executable


def _wanted(wanted: str | None, python: str | None) -> str:
    if not wanted:
        return ""
    return f" ({PYTHON_VARIABLE}: {wanted!r} found, which " + ("has none)" if python else "is no program)")


def find_tools() -> Tools:
    """Raises MissingTool that lists ALL missing tools, each with what to do."""
    found = {program: shutil.which(program) for program in _PROGRAMS}
    missing = [program for program, path in found.items() if path is None]
    wanted, python = _python()
    if python is None or not _packages(str(Path(python).absolute())):
        missing.append("pytimeloop")
    if missing:
        told = [(", ".join(n for n in names if n in missing), how) for names, how in _INSTALL]
        text = "the timeloop engine needs " + "; ".join(f"{names}: {how}" for names, how in told if names)
        if "pytimeloop" in missing:
            text += _wanted(wanted, python)
        raise MissingTool(text + ". The analytic engine needs none of them.")
    model, mapper, accelergy = (Path(str(found[program])).absolute() for program in _PROGRAMS)
    return Tools(model, mapper, accelergy, Path(str(python)).absolute())


@functools.cache
def _packages(python: str) -> tuple[str, ...]:
    """The folders of accelergy and pytimeloop; empty when that Python lacks one."""
    code = (
        "import importlib.util as u\n"
        "for name in ('accelergy', 'pytimeloop'):\n"
        "    print(list(u.find_spec(name).submodule_search_locations)[0])"
    )
    try:
        done = subprocess.run(
            [python, "-c", code], capture_output=True, text=True, timeout=_PATIENCE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return tuple(done.stdout.splitlines()) if done.returncode == 0 else ()


def _linked(program: Path) -> list[Path]:
    """Timeloop's own libraries that a program loads; none where there is no ldd."""
    if shutil.which("ldd") is None:
        return []
    done = subprocess.run(
        ["ldd", str(program)], capture_output=True, text=True, timeout=_PATIENCE_S, check=False
    )
    return [Path(path) for path in re.findall(r"=> (\S*timeloop\S*) \(", done.stdout)]
