"""A seeded fuzz of every reader: honest files, mutated, read in processes of their own with little memory.

    python tests/fuzzing.py --seed 7 --count 3000     # or: make fuzz SEED=7 COUNT=3000

What may come of a mutated file:

- same      the answer of the file as it was: the mutation changed nothing that is read
- refused   one InputError (or MissingTool) of one printable line
- other     another answer, and the one that the mutated file gives: it agrees with what plain libraries
            find in it (``Case.said``). Other numbers in the same tensors are other weights, and right.

and what may not:

- silent     an answer that the mutated file does not give: something was cut, misread or passed over
- traceback  any other exception
- wordy      an error of several lines, of unprintable characters or too long
- bomb       1 GiB of memory more than the honest file took
- hang       60 s without an answer
- crash      the process died
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import select
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["FINE", "WRONG", "Outcome", "fuzz", "judged"]

HERE = Path(__file__).parent
FINE, WRONG = ("same", "refused", "other"), ("silent", "traceback", "wordy", "bomb", "hang", "crash")
MEMORY, PATIENCE_S, LONGEST = 1 << 30, 60, 1000
_MEMORY_WORDS = ("MemoryError", "nable to allocate", "can't allocate memory", "bad_alloc", "bad allocation")


@dataclass(frozen=True)
class Outcome:
    """What came of one file: ``kind`` as above, what was told, and where the file is."""

    case: str
    kind: str
    told: str
    file: Path
    seconds: float


# The process that reads


def work(folder: Path) -> None:
    """Read files by (case, path) lines from stdin, and answer each with a line."""
    from fuzz_cases import cases

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    warnings.simplefilter("ignore")
    known, honest = {case.name: case for case in cases()}, {}
    for name, case in known.items():
        honest[name] = _answer(case, folder / name / case.file)
    _limit(MEMORY)
    print(json.dumps(["ready", ""]), file=answers, flush=True)
    for line in sys.stdin:
        name, path = json.loads(line)
        print(json.dumps(judged(known[name], Path(path), honest[name])), file=answers, flush=True)


def _limit(more: int) -> None:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + more, used + more))


def _answer(case: Any, path: Path) -> str:
    return _plain(case.answer(path))


def _plain(value: Any) -> str:
    """As JSON, with keys in order; those of YAML may be of any type."""

    def named(found: Any) -> Any:
        if isinstance(found, dict):
            return {str(key): named(item) for key, item in found.items()}
        return [named(item) for item in found] if isinstance(found, (list, tuple)) else found

    return json.dumps(named(value), sort_keys=True, default=str)


def judged(case: Any, path: Path, honest: str) -> tuple[str, str]:
    from hd_plugin.errors import HdPluginError

    try:
        found = _answer(case, path)
    except HdPluginError as error:
        text = str(error).replace(str(path), path.name)
        if any(word in text for word in _MEMORY_WORDS):
            return "bomb", text
        fine = text.isprintable() and len(text) <= LONGEST
        return ("refused" if fine else "wordy"), text
    except MemoryError:
        return "bomb", "MemoryError"
    except Exception as error:
        told = f"{type(error).__name__}: {error}"[:300]
        return ("bomb" if any(word in told for word in _MEMORY_WORDS) else "traceback"), told
    if found == honest:
        return "same", ""
    try:
        said = _plain(case.said(path))
    except Exception as error:  # plain libraries cannot read it at all
        return "silent", f"plain libraries refuse it: {type(error).__name__}: {str(error)[:150]}"
    if problem := _missing(json.loads(said), json.loads(found)):
        return "silent", problem
    return "other", ""


def _missing(said: Any, found: Any, where: str = "") -> str:
    """What the file says that the answer does not; empty when all of it is there."""
    if isinstance(said, dict) and isinstance(found, dict):
        for key, value in said.items():
            if key not in found and value is not None:
                return f"{where}.{key}: not in the answer"
            if problem := _missing(value, found.get(key), f"{where}.{key}"):
                return problem
        return ""
    if isinstance(said, list) and isinstance(found, list):
        if where.endswith(".methods"):  # in the order of the registry, after the baseline
            return "" if set(said) | {"baseline"} == set(found) else f"{where}: {found} for {said}"
        if len(said) != len(found):
            return f"{where}: {len(found)} of {len(said)}"
        return next(
            (p for i, (s, f) in enumerate(zip(said, found)) if (p := _missing(s, f, f"{where}[{i}]"))), ""
        )
    if where.endswith(".at_least"):
        return "" if found >= said else f"{found} tensors are told of, {said} are there"
    alike = isinstance(said, bool) == isinstance(found, bool) and (said == found or said != said)
    return "" if alike else f"{where}: {str(found)[:60]!r} for {str(said)[:60]!r}"


# The processes, and who drives them


class _Reader:
    """A process with one file at a time; another one is started after a crash or a hang."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        settings = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
        command = [sys.executable, str(HERE / "fuzzing.py"), "--work", str(self.folder)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **settings}
        )
        if self.wait(300)[0] != "ready":
            raise RuntimeError("the reading process did not start; run tests/fuzzing.py --work by hand")

    def give(self, case: str, path: Path) -> None:
        if self.process is None:
            self.start()
        assert self.process is not None and self.process.stdin is not None
        self.process.stdin.write(json.dumps([case, str(path)]) + "\n")
        self.process.stdin.flush()

    def wait(self, patience: float) -> tuple[str, str]:
        assert self.process is not None and self.process.stdout is not None
        if not select.select([self.process.stdout], [], [], patience)[0]:
            self.stop()
            return "hang", f"no answer in {patience} s"
        line = self.process.stdout.readline()
        if not line:
            code = self.process.wait()
            self.process = None
            return "crash", f"exit code {code}"
        kind, told = json.loads(line)
        return kind, told

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            for pipe in (self.process.stdin, self.process.stdout):
                if pipe is not None:
                    pipe.close()
            self.process = None


def fuzz(folder: Path, seed: int, count: int, names: Iterable[str] = ()) -> Iterator[Outcome]:
    """``count`` mutated files of all cases (or those named), in turn; the same for the same seed."""
    from fuzz_cases import cases
    from fuzz_mutations import mutated

    chosen = [case for case in cases() if not list(names) or case.name in names]
    for case in cases():
        (folder / case.name).mkdir(parents=True, exist_ok=True)
        case.make(folder / case.name / case.file)
    honest = {case.name: (folder / case.name / case.file).read_bytes() for case in chosen}
    reader = _Reader(folder)
    try:
        for number in range(count):
            case = chosen[number % len(chosen)]
            rng = random.Random(f"{seed}.{number}")
            place = folder / case.name / str(number)
            place.mkdir()
            path = place / case.file
            path.write_bytes(mutated(case.kind, honest[case.name], rng))
            begun = time.monotonic()
            reader.give(case.name, path)
            kind, told = reader.wait(PATIENCE_S)
            yield Outcome(case.name, kind, told, path, time.monotonic() - begun)
            if kind in FINE:
                path.unlink()
                place.rmdir()
    finally:
        reader.stop()


def main() -> int:
    parser = argparse.ArgumentParser(description="Mutated files through every reader.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--case", action="append", default=[])
    parser.add_argument("--keep", type=Path, help="folder for files that were read wrongly")
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.work:
        work(asked.work)
        return 0
    folder = asked.keep or Path(tempfile.mkdtemp(prefix="hd-plugin-fuzz-"))
    counts: Counter[tuple[str, str]] = Counter()
    for outcome in fuzz(folder, asked.seed, asked.count, asked.case):
        counts[outcome.case, outcome.kind] += 1
        if outcome.kind in WRONG:
            print(f"{outcome.kind}: {outcome.case}: {outcome.told} ({outcome.file})", flush=True)
    for name in dict.fromkeys(case for case, _ in counts):
        told = ", ".join(f"{counts[name, kind]} {kind}" for kind in (*FINE, *WRONG) if counts[name, kind])
        print(f"{name:18} {told}")
    total = Counter({kind: sum(n for (_, k), n in counts.items() if k == kind) for kind in (*FINE, *WRONG)})
    print(f"seed {asked.seed}: " + ", ".join(f"{total[kind]} {kind}" for kind in (*FINE, *WRONG)))
    return int(any(total[kind] for kind in WRONG))


if __name__ == "__main__":
    sys.path[:0] = [str(HERE), str(HERE.parent)]
    sys.exit(main())
