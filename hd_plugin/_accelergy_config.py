"""Accelergy's configuration: there, and whole, before anything that starts Accelergy reads it.

An Accelergy that finds none writes one, without a lock and not at once. Two that start together write into
each other, and the file stays broken for every later run. So nothing here starts Accelergy before
``ensure_config`` has seen a whole file.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hd_plugin._atomic import write_text
from hd_plugin._data_files import accelergy_config
from hd_plugin._guard import read_text
from hd_plugin._parsed import parse_yaml
from hd_plugin._wording import one_line
from hd_plugin.errors import InputError, MissingTool

if TYPE_CHECKING:
    from ruamel.yaml import (
        YAML,
    )  # not with the estimators, which Accelergy loads: imported where it is needed

try:
    import fcntl
except ImportError:  # no such locks on Windows; files appear whole there, too
    fcntl = None  # type: ignore[assignment]

__all__ = ["config_yaml", "default_config", "ensure_config", "locked", "plug_in_files", "read_config"]

_LISTS = ("estimator_plug_ins", "primitive_components")  # Accelergy stops without them
_PLUG_INS = ("estimator_plug_ins", "python_plug_ins")
_CODE_AND_TABLES = (".py", ".yaml", ".csv")
_PATIENCE_S = 2.0  # an Accelergy that someone else has just started may be writing
_STEP_S = 0.1
_START_S = 120


def config_yaml() -> YAML:
    """A reader and writer that keeps comments and order, and refuses a key that stands twice."""
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def ensure_config(program: str | Path) -> Path:
    """The user's accelergy_config.yaml, after looking that it is whole; made where there is none.

    ``program`` : the accelergy to make it for. Any number of processes may call this at once: all find
    the same whole file. Raises InputError: a file that is broken (and what to do), a folder that cannot be
    written; MissingTool: an Accelergy that makes no configuration.
    """
    path = accelergy_config()
    if not path.exists():
        with locked(path):
            if not path.exists():
                write_text(path, default_config(program))
    _whole(path)
    return path


def _whole(path: Path) -> None:
    """Raise InputError unless the file has what Accelergy needs, now or in a moment."""
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            data = read_config(path)
            missing = [name for name in _LISTS if not isinstance(data.get(name), list)]
            if not missing:
                return
            error = InputError(f"{path}: no list {' and no list '.join(missing)}; {_advice(path)}")
        except InputError as found:
            error = found
        if time.monotonic() > until:
            raise error
        time.sleep(_STEP_S)


def read_config(path: Path) -> Any:
    """The mapping of a configuration, comments with it. Raises InputError: a file that is none or broken."""
    from ruamel.yaml.constructor import DuplicateKeyError

    try:
        text = read_text(path, kind="YAML")
        data = config_yaml().load(text)
        parse_yaml(text, path)  # its limits: ruamel keeps comments, and has none
    except DuplicateKeyError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise InputError(
            f"{path}: line {line}: a key stands twice, as when two Accelergys write the file together; "
            + _advice(path)
        ) from error
    except InputError as error:
        raise InputError(f"{error}; {_advice(path)}") from error
    except Exception as error:  # of scalars that are none, ruamel lets through whatever comes
        told = one_line(str(error), 200)
        raise InputError(f"{path}: not readable as YAML ({told}); {_advice(path)}") from error
    if not isinstance(data, dict) or "version" not in data:
        raise InputError(
            f"{path}: not an Accelergy configuration: a mapping with 'version' and a list "
            f"'estimator_plug_ins' is needed; {_advice(path)}"
        )
    return data


def plug_in_files(path: Path) -> list[Path]:
    """Code and tables of the estimators that a configuration names, ours among them, in a fixed order."""
    data = read_config(path)
    entries = [Path(str(entry)) for name in _PLUG_INS for entry in data.get(name) or ()]
    found = {file for entry in entries for file in (entry.rglob("*") if entry.is_dir() else [entry])}
    return sorted(file for file in found if file.suffix in _CODE_AND_TABLES and file.is_file())


def _advice(path: Path) -> str:
    return (
        f"move it away (mv '{path}' '{path}.broken'), run 'hd-plugin register', which makes a whole one, and "
        "copy plug-in folders of your own over from the old file"
    )


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Nobody else who asks for this works on ``path`` meanwhile. Raises InputError: it cannot be made."""
    lock = path.with_name(f".{path.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(lock, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror}), and Accelergy needs it there; make its folder "
            "writable, or set HOME to one that is"
        ) from error
    try:
        if fcntl is not None:
            with contextlib.suppress(OSError):  # a file system without locks: files still appear whole
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def default_config(program: str | Path) -> str:
    """The configuration that this Accelergy writes by itself, made in a home of its own.

    Only it knows where its plug-ins lie and which keys its version has. Raises MissingTool: it makes none.
    """
    with tempfile.TemporaryDirectory(prefix="hd-plugin-home-") as home:
        # a pip install --user lies in the real home
        packages = os.environ.get("PYTHONUSERBASE") or str(Path.home() / ".local")
        try:
            done = subprocess.run(
                [str(program)],
                cwd=home,
                env={**os.environ, "HOME": home, "PYTHONUSERBASE": packages},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_START_S,
                check=False,
            )
            told = " | ".join([line.strip() for line in done.stderr.splitlines() if line.strip()][-2:])
        except (OSError, subprocess.TimeoutExpired) as error:
            told = str(error)
        made = Path(home, ".config", "accelergy", "accelergy_config.yaml")
        try:
            read_config(made)
            return made.read_text(encoding="utf8")
        except (OSError, InputError) as error:
            raise MissingTool(
                f"{program}: made no accelergy_config.yaml ({told[:300] or 'no output'}); see that this "
                "Accelergy runs by itself, without arguments, and try again"
            ) from error
