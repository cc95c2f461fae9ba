"""Run by Accelergy's Python as its last plug-in, never imported by hd_plugin: a witness of every question.

Each is written down with all attributes as plug-ins see them, and one that no other plug-in answers is
answered with 0, so that Accelergy goes on to the next. Uses nothing but what Accelergy brings along.
"""

import json
from pathlib import Path

from accelergy.plug_in_interface.interface import AccelergyPlugIn, AccuracyEstimation, Estimation

_QUESTIONS = Path(__file__).with_name("questions.jsonl")
_LAST_PERCENT = 1e-9


class Witness(AccelergyPlugIn):
    def get_name(self):
        return "nobody"

    def primitive_action_supported(self, query):
        return self._noted("ENERGY", query)

    def primitive_area_supported(self, query):
        return self._noted("AREA", query)

    def estimate_energy(self, query):
        return Estimation(0.0, "p")

    def estimate_area(self, query):
        return Estimation(0.0, "u^2")

    def _noted(self, kind, query):
        asked = {"kind": kind, "class_name": query.class_name, "attributes": query.class_attrs}
        with _QUESTIONS.open("a", encoding="utf8") as file:
            file.write(json.dumps(asked, default=str) + "\n")
        return AccuracyEstimation(_LAST_PERCENT)
