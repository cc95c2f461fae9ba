"""Which sentence quotes which number: ``claims.yaml`` against the texts and the record.

A claim is a piece of a page with ``{run.name:format}`` where a number stands; blanks and line breaks are one
blank. Formats: ``x`` (2.31x, ``x1`` for one digit), ``%`` of a share (13.5 %, ``%0``, ``%2``),
``.0p`` of a share without the sign, ``t`` of seconds (2 min 27 s), ``e1`` (1.7e10), or Python's.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

__all__ = ["PAGES", "Page", "load_claims", "load_record", "plain", "shown"]

ROOT = Path(__file__).parents[2]
RECORD = ROOT / "docs" / "numbers.json"
_CLAIMS = Path(__file__).with_name("claims.yaml")
PAGES = ("README.md", *sorted(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md")))
_SLOT = re.compile(r"\{([\w.\-/]+):([^}]*)\}")
_UNIT = r"(?:x|\s?(?:%|ms|s|min|hours?|[afpnumkMG]?J|dB|um2|[KMG]B|points?))"
_NUMBER = re.compile(rf"(?<![\w.,/^-])[+-]?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?(?:{_UNIT}(?![\w-]))?(?!\.?\w)")
# with a unit, a decimal point, an exponent or thousands: what reads like a result
_LOUD = re.compile(rf"\d{_UNIT}$|\d\.\d|\d,\d\d\d|e[+-]\d")
# code, links' targets, pictures and comments say no numbers
_QUIET = re.compile(r"^```.*?^```|`[^`\n]*`|\]\([^)]*\)|<!--.*?-->", re.M | re.S)


@dataclass(frozen=True)
class Page:
    """claims : pieces with slots. definitions : pieces whose numbers are no results (sizes, options, the
    paper's own numbers).
    """

    name: str
    claims: tuple[str, ...]
    definitions: tuple[str, ...]

    def text(self) -> str:
        return plain((ROOT / self.name).read_text(encoding="utf8"))

    def uncovered(self, record: dict[str, float]) -> list[str]:
        """Numbers that read like results and are in no claim and no definition, with what is around them."""
        text = self.text()
        free = bytearray(b"1" * len(text))  # by character: not spoken for
        for claim in self.claims:
            piece, template = shown(claim, record), _SLOT.sub("\0", claim)
            _cover(text, free, plain(piece), plain(template))
        for piece in self.definitions:
            _cover(text, free, plain(piece), None)
        found = []
        for match in _NUMBER.finditer(text):
            digits = match.start() + (match[0][0] in "+-")  # the unit may stand outside of the slot
            if _LOUD.search(match[0]) and free[digits] == ord("1"):
                around = text[max(match.start() - 40, 0) : match.end() + 25]
                found.append(f"{self.name}: {match[0]!r} in ...{around}...")
        return found


def plain(text: str) -> str:
    """On one line, with code, targets of links and comments blotted out."""
    return " ".join(_QUIET.sub(_blank, text).split())


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"\S", "~", match[0])


def _cover(text: str, free: bytearray, piece: str, template: str | None) -> None:
    """Numbers of every occurrence of ``piece`` are spoken for; of a claim, those in its slots only."""
    spans = [(0, len(piece))]
    if template is not None:
        parts, spans, at = template.split("\0"), [], 0
        for i, part in enumerate(parts[:-1]):
            at += len(part)
            end = piece.index(parts[i + 1], at + 1) if parts[i + 1] else len(piece)
            spans.append((at, end))
            at = end
    start = text.find(piece)
    while start >= 0:
        for first, last in spans:
            free[start + first : start + last] = bytes(last - first)
        start = text.find(piece, start + 1)


def shown(claim: str, record: dict[str, float]) -> str:
    """The claim with its numbers as the record has them. Raises KeyError for one that was not recorded."""
    return _SLOT.sub(lambda m: _format(record[m[1]], m[2]), claim)


def _format(value: float, how: str) -> str:
    if match := re.fullmatch(r"([x%])(\d?)", how):
        digits = int(match[2] or (2 if match[1] == "x" else 1))
        return f"{value:.{digits}f}x" if match[1] == "x" else f"{100 * value:.{digits}f} %"
    if match := re.fullmatch(r"e(\d)", how):
        return re.sub(r"e\+0*", "e", f"{value:.{match[1]}e}")
    if how == "t":
        return f"{value // 60:.0f} min {value % 60:.0f} s" if value >= 60 else f"{value:.0f} s"
    if how.endswith("p"):
        return format(100 * value, f"{how[:-1]}f")
    return format(value, how)


def load_claims() -> list[Page]:
    told: dict[str, Any] = yaml.safe_load(_CLAIMS.read_text(encoding="utf8"))
    pages = [(name, told.get(name, {})) for name in PAGES]
    return [Page(n, tuple(t.get("claims", ())), tuple(t.get("definitions", ()))) for n, t in pages]


def load_record() -> dict[str, float]:
    """All recorded values by ``run.name``."""
    runs = json.loads(RECORD.read_text(encoding="utf8"))["runs"]
    return {f"{run}.{name}": value for run, told in runs.items() for name, value in told["values"].items()}
