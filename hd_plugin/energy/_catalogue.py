"""Component classes by the names that architecture files use, built from their attributes. Hosts share this catalogue."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from hd_plugin._yaml import Problems
from hd_plugin.energy._components import (
    AddressLut,
    Clock,
    Component,
    Mac,
    MainMemory,
    PsumHop,
    Sram,
    StationaryRegister,
    WeightHop,
)
from hd_plugin.energy._flip_rate import FlipRate, find_flip_rate
from hd_plugin.energy._technology import load_technology
from hd_plugin.errors import InputError, did_you_mean

__all__ = ["ALIASES", "CLASSES", "attributes_of", "build_component", "served_class"]

CLASSES: dict[str, type[Component]] = {
    "hd_mac": Mac,
    "hd_weight_hop": WeightHop,
    "hd_psum_hop": PsumHop,
    "hd_address_lut": AddressLut,
    "hd_clock": Clock,
    "hd_sram": Sram,
    "hd_stationary_register": StationaryRegister,
    "hd_main_memory": MainMemory,
}
# classes of other plug-ins, taken only when the component gives a flip_rate
ALIASES = {
    "mac": "hd_mac",
    "intmac": "hd_mac",
    "reg": "hd_weight_hop",
    "register": "hd_weight_hop",
    "aladdin_register": "hd_weight_hop",
}
# an alias comes with the other plug-in's attributes: one datawidth for all operands
_DATAWIDTH_FOR = ("weight_bits", "activation_bits")
_ALIAS_PSUM_BITS = 32
_RANGES = {
    "weight_bits": (1, 64, True),
    "activation_bits": (1, 64, True),
    "psum_bits": (1, 128, True),
    "hops": (1, 65536, True),
    "pes": (1, 2**24, True),
    "entries": (1, 2**24, True),
    "entry_bits": (0, 64, True),
    "reads_per_cycle": (0, 64, False),
    "width": (1, 2**20, True),
    "depth": (1, 2**48, True),
    "read_scale": (0, 1e3, False),
    "write_scale": (0, 1e3, False),
    "update_scale": (0, 1e3, False),
    "copies": (1, 2**16, True),
    "energy_pJ_per_bit": (0, 1e4, False),
}


def served_class(class_name: str, attributes: Mapping[str, Any]) -> str | None:
    """The catalogue's name for ``class_name``; None when it is not ours (an alias is ours only with a flip_rate)."""
    if class_name in CLASSES:
        return class_name
    return ALIASES.get(class_name) if attributes.get("flip_rate") is not None else None


def attributes_of(class_name: str) -> dict[str, bool]:
    """Attribute name -> whether it is required, technology left out."""
    return {
        f.name: f.default is dataclasses.MISSING
        for f in dataclasses.fields(CLASSES[class_name])
        if f.name != "technology"
    }


def build_component(class_name: str, attributes: Mapping[str, Any]) -> tuple[Component, FlipRate | None]:
    """The component that an architecture's attributes describe, and where its flip rate came from (if it has one).

    Attributes that the class does not know are left alone: hosts hand every variable to every component.
    Raises InputError that lists all wrong attributes: unknown class, missing or out of range values, an unknown
    technology, a flip_rate that is no rate or whose file is for another layer.
    """
    ours = served_class(class_name, attributes)
    if ours is None:
        raise InputError(f"class {class_name!r} is not hd_plugin's; " + did_you_mean(class_name, CLASSES))
    given = dict(attributes)
    if class_name in ALIASES:
        for name in _DATAWIDTH_FOR:
            given.setdefault(name, given.get("datawidth", given.get("width")))
        given.setdefault("psum_bits", _ALIAS_PSUM_BITS)
    problems = Problems(f"component of class {class_name}")
    if "technology" not in given:
        problems.add('technology: missing; a bundled name, a node such as "45nm", or a YAML file')
    rate, values = None, {}
    for name, required in attributes_of(ours).items():
        if given.get(name) is None:
            if required:
                problems.add(f"{name}: missing")
        elif name == "flip_rate":
            rate = _noted(problems, lambda: find_flip_rate(given))
            values[name] = rate.value if rate else 0.0
        else:
            low, high, whole = _RANGES[name]
            values[name] = problems.number(given[name], name, low, high, whole)
    technology = (
        _noted(problems, lambda: load_technology(str(given["technology"]))) if "technology" in given else None
    )
    problems.raise_any()
    return CLASSES[ours](technology, **values), rate


def _noted(problems: Problems, make: Any) -> Any:
    """``make()``, or None with its InputError noted."""
    try:
        return make()
    except InputError as error:
        problems.add(str(error))
        return None
