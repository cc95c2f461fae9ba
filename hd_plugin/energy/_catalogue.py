"""Components by the names that architecture files use, built from their attributes.

The Accelergy plug-in, the timeloop engine and its doctor serve what is registered here.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from pydantic import ValidationError, create_model

from hd_plugin._checked import Checked, Whole, told
from hd_plugin._registry import Registry
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
from hd_plugin.energy._encoded import EncodedColumn, EncodedMac
from hd_plugin.energy._flip_rate import FlipRate, find_flip_rate
from hd_plugin.energy._scaled import Scaled
from hd_plugin.energy._technology import Technology, load_technology
from hd_plugin.errors import InputError, did_you_mean

__all__ = ["ALIASES", "COMPONENTS", "attributes_of", "build_component", "served_class"]

COMPONENTS: Registry[type[Component]] = Registry("component class")
COMPONENTS.register("hd_mac", Mac)
COMPONENTS.register("hd_weight_hop", WeightHop)
COMPONENTS.register("hd_psum_hop", PsumHop)
COMPONENTS.register("hd_address_lut", AddressLut)
COMPONENTS.register("hd_clock", Clock)
COMPONENTS.register("hd_sram", Sram)
COMPONENTS.register("hd_stationary_register", StationaryRegister)
COMPONENTS.register("hd_main_memory", MainMemory)
COMPONENTS.register("hd_encoded_mac", EncodedMac)
COMPONENTS.register("hd_encoded_column", EncodedColumn)
COMPONENTS.register("hd_scaled", Scaled)

# Classes of other plug-ins, taken only when the component gives a flip_rate. A register is read, written and
# updated by whoever uses it, and what each of these costs only its own estimator knows: so it is scaled.
ALIASES = {
    "mac": "hd_mac",
    "intmac": "hd_mac",
    "reg": "hd_scaled",
    "register": "hd_scaled",
    "aladdin_register": "hd_scaled",
}
# an alias comes with the other plug-in's attributes: one datawidth for all operands
_DATAWIDTH_FOR = ("weight_bits", "activation_bits")
_ALIAS_PSUM_BITS = 32


def served_class(class_name: str, attributes: Mapping[str, Any]) -> str | None:
    """The catalogue's name for ``class_name``, or None: an alias is ours only with a flip_rate."""
    if class_name in COMPONENTS:
        return class_name
    return ALIASES.get(class_name) if attributes.get("flip_rate") is not None else None


def attributes_of(class_name: str) -> dict[str, bool]:
    """Attribute name -> whether it is required, without the technology. Raises InputError: unknown class."""
    return {f.name: f.default is dataclasses.MISSING for f in _attributes(COMPONENTS[class_name])}


def build_component(class_name: str, attributes: Mapping[str, Any]) -> tuple[Component, FlipRate | None]:
    """The component that an architecture's attributes describe, and its flip rate with its source, if any.

    Attributes that the class does not know are left alone: hosts hand every variable to every component.
    Raises InputError: an unknown class, or a list of all wrong attributes (missing, out of range, an
    unknown technology, a flip_rate that is no rate or whose file is for another layer).
    """
    ours = served_class(class_name, attributes)
    if ours is None:
        raise InputError(f"class {class_name!r} is not hd_plugin's; {did_you_mean(class_name, COMPONENTS)}")
    cls = COMPONENTS[ours]
    given = {k: v for k, v in _of_alias(class_name, attributes).items() if v is not None}
    values = {f.name: given[f.name] for f in _attributes(cls) if f.name in given}
    problems: list[str] = []
    technology = _technology(given, problems)
    rate = _rate(given, problems) if "flip_rate" in values else None
    if "flip_rate" in values:
        values["flip_rate"] = rate.value if rate else 0.0
    form = _form(cls)  # type: ignore[arg-type]  # mypy takes the hash of an instance for that of its class
    try:
        checked = dict(form.model_validate(values))
    except ValidationError as error:
        problems += told(form, error)
    component = None if problems or technology is None else cls(technology, **checked)
    if component is not None:
        problems += component.problems()
    if component is None or problems:
        raise InputError(f"component of class {class_name}: " + "; ".join(problems))
    return component, rate


def _attributes(cls: type[Any]) -> list[dataclasses.Field[Any]]:
    return [f for f in dataclasses.fields(cls) if f.name != "technology"]


@functools.cache
def _form(cls: type[Any]) -> type[Checked]:
    """The attributes of a component class as pydantic checks them: its fields, with bounds and defaults."""
    hints = get_type_hints(cls, include_extras=True)
    fields: dict[str, Any] = {
        f.name: (_from_a_host(hints[f.name]), ... if f.default is dataclasses.MISSING else f.default)
        for f in _attributes(cls)
    }
    return create_model(cls.__name__, __base__=Checked, **fields)


def _from_a_host(hint: Any) -> Any:
    """``hint``, but an int may come as 8.0: hosts hand every number over as a float."""
    kind, *bounds = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    return Annotated[(*get_args(Whole), *bounds)] if kind is int else hint


def _of_alias(class_name: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes; those of an alias with what they stand for: widths, or the class that is scaled."""
    given = dict(attributes)
    if ALIASES.get(class_name) == "hd_scaled":
        given.setdefault("reference_class", class_name)
    elif class_name in ALIASES:
        for name in _DATAWIDTH_FOR:
            given.setdefault(name, given.get("datawidth", given.get("width")))
        given.setdefault("psum_bits", _ALIAS_PSUM_BITS)
    return given


def _technology(given: Mapping[str, Any], problems: list[str]) -> Technology | None:
    """The technology, or None with what is wrong noted."""
    if "technology" not in given:
        problems.append('technology: missing; a bundled name, a node such as "45nm", or a YAML file')
        return None
    try:
        return load_technology(str(given["technology"]))
    except InputError as error:
        problems.append(str(error))
        return None


def _rate(given: Mapping[str, Any], problems: list[str]) -> FlipRate | None:
    """The flip rate, or None with what is wrong noted."""
    try:
        return find_flip_rate(given)
    except InputError as error:
        problems.append(str(error))
        return None
