"""Weight files (.npz .safetensors .pt .pth .th .tflite .onnx) -> a Network of Layers of bit patterns."""

from hd_plugin.weights._layer import Layer, Window
from hd_plugin.weights._load import as_layer, bundled_networks, locate
from hd_plugin.weights._network import Network, NetworkChoice, load_network
from hd_plugin.weights._quantise import optimal_scale, quantise
from hd_plugin.weights._readers._onnx import layer_names as onnx_layer_names
from hd_plugin.weights._readers._onnx import load_model as load_onnx_model
from hd_plugin.weights._readers._onnx_graph import stored_tensors
from hd_plugin.weights._readers._plain_torch import load_plain
from hd_plugin.weights._save import save_layers
from hd_plugin.weights._sizes import image_size
from hd_plugin.weights._spec import LayerSpec, NetworkSpec, bundled_specs, load_spec
from hd_plugin.weights._told import Note, Unmapped

__all__ = [
    "Layer",
    "LayerSpec",
    "Network",
    "NetworkChoice",
    "NetworkSpec",
    "Note",
    "Unmapped",
    "Window",
    "as_layer",
    "bundled_networks",
    "bundled_specs",
    "image_size",
    "load_network",
    "load_onnx_model",
    "load_plain",
    "load_spec",
    "locate",
    "onnx_layer_names",
    "optimal_scale",
    "quantise",
    "save_layers",
    "stored_tensors",
]
