"""The methods, by name, from the one that moves least to the one that moves most."""

from __future__ import annotations

from hd_plugin._registry import Registry
from hd_plugin.streaming._baseline import Baseline
from hd_plugin.streaming._cluster import Cluster
from hd_plugin.streaming._direct import Direct
from hd_plugin.streaming._method import Method
from hd_plugin.streaming._segment import Segment

__all__ = ["METHODS"]

METHODS: Registry[Method] = Registry("method")
METHODS.register("baseline", Baseline())
METHODS.register("direct", Direct())
METHODS.register("segment", Segment())
METHODS.register("cluster", Cluster())
