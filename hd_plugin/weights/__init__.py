"""Weight files (.npz .safetensors .pt .pth .th .tflite .onnx) -> a Network of Layers of bit patterns."""

from hd_plugin.weights._load import bundled_networks, load_network, locate
from hd_plugin.weights._quantise import optimal_scale, quantise
from hd_plugin.weights._save import save_layers
from hd_plugin.weights._spec import LayerSpec, NetworkSpec, bundled_specs, load_spec
from hd_plugin.weights.network import Layer, Network, Unmapped

__all__ = [
    "Layer",
    "LayerSpec",
    "Network",
    "NetworkSpec",
    "Unmapped",
    "bundled_networks",
    "bundled_specs",
    "load_network",
    "load_spec",
    "locate",
    "optimal_scale",
    "quantise",
    "save_layers",
]
