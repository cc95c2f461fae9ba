"""Flips -> joules: coefficients with their sources, per technology, and the paper's section 2. No host in here."""
from hd_plugin.energy._model import ActionCounts, EnergyBreakdown, flip_scale, price
from hd_plugin.energy._technology import Technology, load_technology, technologies
from hd_plugin.energy._widths import Widths

__all__ = ["ActionCounts", "EnergyBreakdown", "Technology", "Widths", "flip_scale", "load_technology", "price",
           "technologies"]
