"""Thin adapters that other programs load. They import the energy room and nothing else of hd_plugin."""
