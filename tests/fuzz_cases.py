"""One honest file of every kind that the project reads, the reader, and what the file says by another's word.

A ``Case`` makes its file, reads it with the project (``answer``) and with plain libraries (``said``). Both
give the same nested value: what the file says that the reader is there for. tests/fuzzing.py mutates the
files, and takes an answer that is not ``said`` by the mutated file for a silent one.
"""

from __future__ import annotations

import importlib.util

import fuzz_gates
import fuzz_texts
import fuzz_training
import fuzz_weights
from fuzz_case import Case

__all__ = ["cases"]

_NEEDS = {"pt": "torch", "onnx": "onnx", "tflite": "tflite", "safetensors": "safetensors"}


def cases() -> list[Case]:
    """Those whose libraries are installed."""
    return [
        c
        for c in (*fuzz_weights.CASES, *fuzz_texts.CASES, *fuzz_gates.CASES, *fuzz_training.CASES)
        if _there(c)
    ]


def _there(case: Case) -> bool:
    needed = (
        {"torch"}
        if case in fuzz_training.CASES
        else {v for k, v in _NEEDS.items() if case.name.startswith(k)}
    )
    if case.name == "images":
        needed.add("PIL")
    return all(importlib.util.find_spec(name) for name in needed)
