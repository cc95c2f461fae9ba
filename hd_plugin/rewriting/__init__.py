"""Method direct for a whole network (paper, section 5, Figure 7): channels reordered, and what follows.

The two front ends load torch or onnx; take them from ``hd_plugin.rewriting.torch_network`` and
``.onnx_network``.
"""

from hd_plugin.rewriting._channels import ChannelGraph, Space
from hd_plugin.rewriting._solve import Rewriting, Solution, solve

__all__ = ["ChannelGraph", "Rewriting", "Solution", "Space", "solve"]
