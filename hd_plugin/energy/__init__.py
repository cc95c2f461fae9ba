"""Flips -> joules: sourced coefficients per technology, and the paper's section 2. No host in here."""

from hd_plugin.energy._catalogue import ALIASES, COMPONENTS, attributes_of, build_component, served_class
from hd_plugin.energy._characterisation import Characterisation, EnergyModel, Quality, load_characterisation
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
    flip_scale,
)
from hd_plugin.energy._encoded import EncodedColumn, EncodedMac
from hd_plugin.energy._flip_rate import FlipRate, find_flip_rate
from hd_plugin.energy._model import PARTS, TOTALS, ActionCounts, EnergyBreakdown, Total, price
from hd_plugin.energy._scaled import Scaled
from hd_plugin.energy._technology import SCHEMA as CHARACTERISATION_SCHEMA
from hd_plugin.energy._technology import Technology, load_technology, technologies, technology_path
from hd_plugin.energy._widths import Widths

__all__ = [
    "ALIASES",
    "CHARACTERISATION_SCHEMA",
    "COMPONENTS",
    "PARTS",
    "TOTALS",
    "ActionCounts",
    "AddressLut",
    "Characterisation",
    "Clock",
    "Component",
    "EncodedColumn",
    "EncodedMac",
    "EnergyBreakdown",
    "EnergyModel",
    "FlipRate",
    "Mac",
    "MainMemory",
    "PsumHop",
    "Quality",
    "Scaled",
    "Sram",
    "StationaryRegister",
    "Technology",
    "Total",
    "WeightHop",
    "Widths",
    "attributes_of",
    "build_component",
    "find_flip_rate",
    "flip_scale",
    "load_characterisation",
    "load_technology",
    "price",
    "served_class",
    "technologies",
    "technology_path",
]
