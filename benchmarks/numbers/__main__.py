"""``python -m benchmarks.numbers [RUN...]``: record the numbers that the README and docs/ quote.

Runs every command of ``_runs.py`` whose needs are here, writes docs/numbers.json and the pictures, and says
what it left out and which sentences the record no longer bears out. Without HD_PLUGIN_DATA, torch or
Timeloop, and for training, the numbers of the last run that had them stay, with its date, commit and machine.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.numbers._answers import Answers
from benchmarks.numbers._claims import RECORD, ROOT, load_claims, load_record, plain, shown
from benchmarks.numbers._runs import PICTURES, RUNS
from benchmarks.numbers._values import values

_DIGITS = 9


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="*", metavar="RUN", help=f"of: {', '.join(RUNS)} (default: all)")
    parser.add_argument("--work", type=Path, help="keep answers here, and take those that are there")
    args = parser.parse_args()
    for name in args.runs:
        if name not in RUNS:
            parser.error(f"{name}: no such run; known: {', '.join(RUNS)}")
    with tempfile.TemporaryDirectory() as folder:
        record(args.runs or list(RUNS), Answers(args.work or Path(folder)))
    check()


def record(names: list[str], answers: Answers) -> None:
    """Run what can be run, and write docs/numbers.json after each, so that an interruption costs one run."""
    told: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf8")) if RECORD.exists() else {"runs": {}}
    told.setdefault("pictures", {})
    for name in names:
        if missing := answers.missing(name):
            print(f"left out: {name}: needs {', '.join(dict.fromkeys(missing))}")
            continue
        print(f"{name}: {RUNS[name].command}", flush=True)
        found = answers.run(name)
        rounded = {k: float(f"{v:.{_DIGITS}g}") for k, v in values(found["answer"]).items()}
        rounded.setdefault("seconds", found["source"]["seconds"])
        told["runs"][name] = {**found["source"], "values": rounded}
        for picture, (run, made) in PICTURES.items():
            if run == name:
                shutil.copyfile(answers.work / made, ROOT / picture)
                told["pictures"][picture] = {
                    "command": RUNS[run].command,
                    "file": made,
                    "sha256": hashlib.sha256((ROOT / picture).read_bytes()).hexdigest(),
                }
        told["runs"] = {n: told["runs"][n] for n in RUNS if n in told["runs"]}
        RECORD.write_text(json.dumps(told, indent=1) + "\n", encoding="utf8")


def check() -> None:
    """Say which sentences are not what the record says."""
    known = load_record()
    for page in load_claims():
        text = page.text()
        for claim in page.claims:
            if (piece := plain(shown(claim, known))) not in text:
                print(f"{page.name} does not say: {piece}")


if __name__ == "__main__":
    main()
