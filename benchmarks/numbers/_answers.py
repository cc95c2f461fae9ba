"""Commands run, or their answers of an earlier time taken from a folder."""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.numbers._runs import RUNS

__all__ = ["Answers"]

_ROOT = Path(__file__).parents[2]


def _told(command: list[str]) -> str:
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def machine() -> str:
    """Processor, cores and Python."""
    names = [
        line.partition(":")[2].strip()
        for line in (Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else "").splitlines()
        if line.startswith("model name")
    ]
    processor = names[0] if names else platform.machine()
    return f"{processor}, {os.cpu_count()} cores, Python {platform.python_version()}"


class Answers:
    """Answers by run, each with where it comes from; ``work`` keeps them, and the files that runs write."""

    def __init__(self, work: Path) -> None:
        self.work = work
        work.mkdir(parents=True, exist_ok=True)
        data = Path(os.environ.get("HD_PLUGIN_DATA", "/nowhere"))
        for file in data.iterdir() if data.is_dir() else ():
            if not (work / file.name).exists():
                (work / file.name).symlink_to(file)

    def missing(self, name: str) -> list[str]:
        """What a run needs that is not here."""
        run, found = RUNS[name], []
        for need in run.needs:
            if need == "data":
                here = bool(os.environ.get("HD_PLUGIN_DATA"))
            elif need == "hours":
                here = False
            elif need == "timeloop":
                here = shutil.which("timeloop-model") is not None
            elif need == "torch":
                here = importlib.util.find_spec("torch") is not None
            else:
                here = shutil.which(need) is not None
            found += [] if here else ["HD_PLUGIN_DATA" if need == "data" else need]
        return found + [need for name in run.after for need in self.missing(name)]

    def run(self, name: str) -> dict[str, Any]:
        """{"answer", "source"}: the command's JSON; command, date, commit, machine, seconds."""
        kept = self.work / f"{name}.answer.json"
        if kept.exists():
            return json.loads(kept.read_text(encoding="utf8"))
        for other in RUNS[name].after:
            self.run(other)
        program, *words = shlex.split(RUNS[name].command)
        own = ["-m", "hd_plugin.cli", *words, "--json"] if program == "hd-plugin" else words
        path = os.pathsep.join([str(_ROOT), os.environ.get("PYTHONPATH", "")])
        start = time.time()
        done = subprocess.run(
            [sys.executable, *own],
            cwd=self.work,
            env=os.environ | {"PYTHONPATH": path},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{name}: exit {done.returncode}: {program} {' '.join(words)}")
        dirty = _told(["git", "status", "--porcelain", "--untracked-files=no", "hd_plugin"])
        source = {
            "command": RUNS[name].command,
            "date": time.strftime("%Y-%m-%d", time.gmtime()),
            "commit": _told(["git", "rev-parse", "--short", "HEAD"]) + ("+" if dirty else ""),
            "machine": machine(),
            "seconds": round(time.time() - start, 1),
        }
        found = {"source": source, "answer": json.loads(done.stdout)}
        kept.write_text(json.dumps(found), encoding="utf8")
        return found
