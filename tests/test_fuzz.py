"""Every reader under mutated files: an answer that the file gives, or one short error; and nothing else."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import pytest
from fuzz_case import Case, json_of
from fuzz_cases import cases
from fuzz_mutations import mutated
from fuzzing import FINE, WRONG, fuzz, judged

from hd_plugin.errors import InputError

SEED, EACH = 2026, 5  # `make fuzz` takes others


@pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="memory is limited as Linux does it")
def test_no_reader_is_misled_by_a_mutated_file(tmp_path):
    found = list(fuzz(tmp_path, SEED, EACH * len(cases())))
    assert [f"{o.kind}: {o.case}: {o.told}" for o in found if o.kind in WRONG] == []
    kinds = Counter(outcome.kind for outcome in found)
    assert set(kinds) <= set(FINE) and kinds["refused"] > len(found) / 3  # the mutations do reach the readers


def test_the_same_seed_mutates_alike_and_another_one_does_not(tmp_path):
    for case in cases():
        path = tmp_path / case.name / case.file
        path.parent.mkdir()
        case.make(path)
        data = path.read_bytes()
        made = [
            [mutated(case.kind, data, random.Random(f"{seed}.{i}")) for i in range(4)] for seed in (1, 1, 2)
        ]
        assert made[0] == made[1] != made[2] and data not in made[0]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (lambda data: data, "other"),
        (lambda data: {"rows": 8, "list": [1, 2]}, "same"),
        (lambda data: {**data, "rows": 7}, "silent"),  # another number than the file's
        (lambda data: {**data, "rows": int(data["rows"])}, "silent"),  # cut to an integer
        (lambda data: {k: v for k, v in data.items() if k != "more"}, "silent"),  # passed over
        (lambda data: {**data, "list": data["list"][:1]}, "silent"),
        (lambda data: {**data, "rows": True}, "silent"),
        (lambda data: 1 / 0, "traceback"),
        (lambda data: bytearray(1 << 62), "bomb"),
    ],
)
def test_what_came_of_a_file_is_told_apart(tmp_path, answer, kind):
    path = tmp_path / "f.json"
    path.write_text(json.dumps({"rows": 9.5, "list": [1, 3], "more": "x"}))
    case = Case("c", "f.json", "json", None, lambda p: answer(json_of(p)), json_of)
    assert judged(case, path, json.dumps({"list": [1, 2], "rows": 8}))[0] == kind


def test_an_error_on_purpose_is_a_refusal(tmp_path):
    def refuse(path):
        raise InputError(f"{path}: \x1b[31m no\n such\tthing" + "x" * 10**6)

    path = tmp_path / "f.json"
    path.write_text("{}")
    assert judged(Case("c", "f.json", "json", None, refuse, refuse), path, "")[0] == "refused"
