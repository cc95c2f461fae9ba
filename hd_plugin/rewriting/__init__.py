"""Method direct for a whole network: output channels reordered, and all that depends on them (paper, section 5, Figure 7).

The two front ends load torch or onnx; take them from ``hd_plugin.rewriting.torch_network`` and ``.onnx_network``.
"""

from hd_plugin.rewriting._channels import ChannelGraph, Space
from hd_plugin.rewriting._solve import Rewriting, Solution, solve

__all__ = ["ChannelGraph", "Rewriting", "Solution", "Space", "solve"]
