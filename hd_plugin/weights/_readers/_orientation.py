"""Which 2-D weights are stored [C, K]: those of transformers' Conv1D, which GPT-2 is made of."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from hd_plugin.weights._readers._raw import RawLayer
from hd_plugin.weights._told import Note

__all__ = ["oriented"]

# transformers' models of Conv1D layers, and how these are called (nanoGPT has the names, not the order)
_MODELS = ("gpt2", "openai-gpt", "imagegpt", "decision_transformer")
_NAMES = ("c_attn", "q_attn", "c_proj", "c_fc")
_LIMIT = 1 << 20  # bytes of a config.json
_SAID = "stored [C, K] as in transformers' Conv1D, and read so"
_OVERRIDE = "; a spec with transposed: false says otherwise (--spec FILE)"


def oriented(
    path: Path, layers: Sequence[RawLayer], biases: Mapping[str, tuple[int, ...]]
) -> tuple[list[RawLayer], list[Note]]:
    """``layers`` with those that are stored [C, K] marked, and what that was concluded from.

    A bias has K numbers, which settles every layer that is not square and has one. What is left is taken as
    the layers of the same name at its end, else as the config.json says that lies beside the file. biases :
    shapes by layer.
    """
    flat = [la for la in layers if len(la.shape) == 2]
    settled: dict[str, bool] = {}
    for la in flat:
        first, second = la.shape[:1], la.shape[1:]
        if first != second and biases.get(la.name) in (first, second):
            settled[la.name] = biases[la.name] == second
    by_leaf: dict[str, set[bool]] = {}
    for name, transposed in settled.items():
        by_leaf.setdefault(_leaf(name), set()).add(transposed)
    model = _model_type(path)
    why: dict[str, str] = {name: "their biases have K numbers" for name, is_so in settled.items() if is_so}
    for la in flat:
        if la.name in settled:
            continue
        kin = by_leaf.get(_leaf(la.name), set())
        if kin == {True} and la.name in biases:
            why[la.name] = "an assumption, since layers of the same name are and a square shape does not tell"
        elif not kin and model in _MODELS and _leaf(la.name) in _NAMES:
            why[la.name] = f"an assumption, since config.json beside the file says {model}"
    notes: dict[str, list[str]] = {}
    for name, reason in why.items():
        notes.setdefault(reason, []).append(name)
    return (
        [replace(la, transposed=True) if la.name in why else la for la in layers],
        [Note(f"{_SAID} ({reason}{_OVERRIDE})", tuple(names)) for reason, names in notes.items()],
    )


def _leaf(name: str) -> str:
    return name.rsplit(".", 1)[-1]


def _model_type(path: Path) -> str | None:
    """``model_type`` of config.json beside the file; None where there is none that can be read."""
    config = path.parent / "config.json"
    try:
        if not config.is_file() or config.stat().st_size > _LIMIT:
            return None
        told = json.loads(config.read_text(encoding="utf8"))
    except (OSError, ValueError, RecursionError):
        return None
    found = told.get("model_type") if isinstance(told, dict) else None
    return found if isinstance(found, str) else None
