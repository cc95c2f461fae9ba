"""One run of Timeloop: a fresh folder, checked outputs, and a cache of what was run before."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hd_plugin._accelergy_config import ensure_config, plug_in_files
from hd_plugin._atomic import atomic_path, write_text
from hd_plugin._data_files import cache_folder
from hd_plugin._guard import read_bytes, why
from hd_plugin._parsed import parse_json
from hd_plugin.energy import COMPONENTS
from hd_plugin.engines._accesses import ComponentResult
from hd_plugin.engines.timeloop._process import run_to_end
from hd_plugin.engines.timeloop._results import RunError, check_table, read_stats, reference_table, refused
from hd_plugin.engines.timeloop._tools import Tools
from hd_plugin.engines.timeloop._v4_text import to_yaml
from hd_plugin.errors import InputError

__all__ = ["Job", "Outcome", "Runs", "default_cache", "reason"]

_FRONT_END = Path(__file__).with_name("_front_end.py")
_LOG_HEAD = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \w+ *")
_EXCEPTION = re.compile(r"\w*(?:Error|Exception)\b")
_NAMED_FILE = re.compile(
    r'"(/[^"\n]+)"'
)  # a technology or a plan; relative paths mean nothing in a fresh folder
_BULKY = (
    "*.map+stats.xml",
    "*.map.tensella.txt",
    "*.map.cpp",
    "*.flattened_architecture.yaml",
    "*.orojenesis.csv",
    "*_summary.yaml",
)


@dataclass(frozen=True)
class Job:
    """One run of ``program``: model or mapper.

    content : the v4 input beside the architecture (variables, problem, ...). replay : entries of a map.yaml
    that the mapper wrote.
    """

    program: str
    architecture: Path
    content: Mapping[str, Any]
    replay: list[dict[str, Any]] | None = None

    def text(self) -> str:
        """The content as a v4 input file."""
        return to_yaml(self.content)


@dataclass(frozen=True)
class Outcome:
    """Checked results of a run: sums by component, cycles, and the folder with Timeloop's own files."""

    components: dict[str, ComponentResult]
    cycles: int
    folder: Path


def default_cache() -> Path:
    """Of finished runs: HD_PLUGIN_CACHE, or hd_plugin/timeloop in the user's cache folder."""
    return cache_folder("timeloop")


class Runs:
    """Runs jobs with ``tools``; a job whose inputs were all run before is answered from ``cache``.

    Runs happen in the system's temporary folder, since Timeloop cannot work below a path with spaces, and
    move to the cache when they are done. Accelergy's configuration is there and whole before the first of
    them starts. Raises InputError when the cache folder cannot be written or that configuration is broken.
    """

    def __init__(self, tools: Tools, cache: Path) -> None:
        self.tools, self.cache = tools, Path(cache).absolute()
        with atomic_path(self.cache / "writable"):
            pass
        (self.cache / "writable").unlink(missing_ok=True)
        self._common = hashlib.sha256(tools.digest.encode())
        config = ensure_config(tools.accelergy)
        for path in [config, *sorted(_code()), *plug_in_files(config)]:
            self._common.update(path.read_bytes() if path.is_file() else b"-")
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def digest(self, job: Job) -> str:
        """SHA-256 of all that the result depends on.

        That is the inputs with the files that they name, the programs, Accelergy's configuration with the
        estimators that it names, and the code here.
        """
        total = self._common.copy()
        architecture = job.architecture.read_bytes()
        named = [Path(p) for p in _NAMED_FILE.findall(architecture.decode("utf8", "replace"))]
        named += [
            Path(v)
            for v in job.content.get("variables", {}).values()
            if isinstance(v, str) and v.startswith("/")
        ]
        for part in [
            job.program.encode(),
            architecture,
            job.text().encode(),
            json.dumps(job.replay).encode(),
            *(path.read_bytes() for path in named if path.is_file()),
        ]:
            total.update(len(part).to_bytes(8, "little") + part)
        return total.hexdigest()

    def cached(self, job: Job) -> Outcome | None:
        """The outcome of an earlier run of the same job."""
        return self._load(self.cache / self.digest(job))

    def run(self, job: Job) -> Outcome:
        """The outcome of ``job``. Raises RunError that names the folder with the logs and keeps no result."""
        digest = self.digest(job)
        with self._lock:
            lock = self._locks.setdefault(digest, threading.Lock())
        with lock:
            return self._load(self.cache / digest) or self._run(job, digest)

    def _run(self, job: Job, digest: str) -> Outcome:
        folder = Path(tempfile.mkdtemp(prefix="hd-plugin-run-"))
        try:
            outcome = self._fresh(job, folder)
        except RunError as error:
            failed = self._move(folder, f"failed-{digest[:12]}")
            raise RunError(str(error).replace(str(folder), str(failed))) from error
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        write_text(
            folder / "result.json",
            json.dumps(
                {
                    "cycles": outcome.cycles,
                    "components": {n: c.to_dict() for n, c in outcome.components.items()},
                },
                indent=1,
            )
            + "\n",
        )
        for pattern in _BULKY:
            for path in folder.glob(pattern):
                path.unlink()
        return Outcome(outcome.components, outcome.cycles, self._move(folder, digest))

    def _move(self, folder: Path, name: str) -> Path:
        """``folder`` as cache/name, whole at once even from another file system; a result there stays."""
        target, coming = self.cache / name, Path(tempfile.mkdtemp(prefix="incoming-", dir=self.cache))
        shutil.move(folder, coming / name)
        if not (target / "result.json").is_file():
            shutil.rmtree(target, ignore_errors=True)
            with contextlib.suppress(OSError):  # another process has just put the same run there
                (coming / name).rename(target)
        shutil.rmtree(coming)
        return target

    def call(self, job: Job, folder: Path) -> Path:
        """Start the front end in ``folder`` and wait; returns its log. Raises RunError when it fails."""
        shutil.copyfile(job.architecture, folder / "architecture.yaml")
        write_text(folder / "inputs.yaml", job.text())
        write_text(
            folder / "job.json",
            json.dumps(
                {
                    "program": job.program,
                    "files": [str(folder / "architecture.yaml"), str(folder / "inputs.yaml")],
                    "folder": str(folder),
                    "log": str(folder / "program.log"),
                    "replay": job.replay,
                }
            ),
        )
        log = folder / "front_end.log"
        command = [str(self.tools.python), str(_FRONT_END), str(folder / "job.json")]
        if ended := run_to_end(command, folder, log, self.tools.environment()):
            raise RunError(f"timeloop {job.program}: {ended}: {reason(folder)} (logs in {folder})")
        return log

    def _fresh(self, job: Job, folder: Path) -> Outcome:
        self.call(job, folder)
        prefix = f"timeloop-{job.program}"
        log = folder / f"{prefix}.accelergy.log"
        for needed in (f"{prefix}.ERT.yaml", f"{prefix}.map+stats.xml"):
            if not (folder / needed).is_file():
                raise RunError(
                    f"timeloop {job.program}: {needed} was not written: {reason(folder)} (logs in {folder})"
                )
        table = reference_table(folder / f"{prefix}.ERT.yaml")
        check_table(folder, table, log)
        dataspaces = [space["name"] for space in job.content["problem"]["shape"]["data_spaces"]]
        return Outcome(*read_stats(folder, prefix, table, dataspaces), folder)

    def _load(self, folder: Path) -> Outcome | None:
        try:
            path = folder / "result.json"
            if not path.exists():
                return None
            data = parse_json(read_bytes(path), path, "delete this folder and run again")
            return Outcome(
                {n: ComponentResult.from_dict(c) for n, c in data["components"].items()},
                data["cycles"],
                folder,
            )
        except InputError:
            raise
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"{folder}: result.json is damaged ({why(error)}); delete this folder and run again"
            ) from error


def _code() -> list[Path]:
    """What prices components, answers Accelergy, and reads results."""
    import hd_plugin.energy

    here = Path(__file__).parent
    energy = Path(hd_plugin.energy.__file__).parent
    folders = energy, energy.parent / "hosts", here
    found = [p for folder in folders for p in folder.rglob("*") if p.suffix in (".py", ".yaml", ".json")]
    return [*found, here.parent / "_accesses.py"]


def reason(folder: Path) -> str:
    """Why a run failed: what hd_plugin refuses, or the lines that most likely say so: Accelergy's errors,
    Timeloop's, or ends of logs.
    """
    if wrong := refused(folder):
        return _short("; ".join(wrong))

    def lines(pattern: str) -> list[str]:
        return [
            line.strip()
            for log in sorted(folder.glob(pattern))
            for line in log.read_text(encoding="utf8", errors="replace").splitlines()
            if line.strip()
        ]

    accelergy = [
        _LOG_HEAD.sub("", line)
        for line in lines("*accelergy.log") + lines("program.log")
        if " ERROR " in line or "cannot estimate" in line
    ]
    told = [
        line for line in accelergy if line and "=====" not in line and not line.startswith(("Logs for", "|"))
    ]
    if told:
        missing = told[0].startswith("Can not find an") and any(f" {name}(" in told[0] for name in COMPONENTS)
        hint = (
            "; Accelergy does not see the plug-in: run 'hd-plugin register', then 'hd-plugin doctor'"
            if missing
            else ""
        )
        return _short(told[0]) + hint
    if crash := _crash(lines("*accelergy.log") + lines("program.log")):
        return _short(crash)
    program = lines("program.log")
    told = [line for line in program if "ERROR" in line] or (program or lines("front_end.log"))[-3:]
    return _short(" | ".join(told)) or "no output"


def _crash(lines: list[str]) -> str:
    """What Accelergy says of an exception that ended it: the end of the traceback that it frames."""
    framed = [line.removeprefix("||").strip() for line in lines if line.startswith("||")]
    at = next((i for i in reversed(range(len(framed))) if _EXCEPTION.match(framed[i])), None)
    return " ".join(framed[at:]) if at is not None else ""


def _short(text: str) -> str:
    return text if len(text) < 600 else text[:600] + " ..."
