"""EncodingNet: the multiplier replaced by simple gates whose outputs are counted down a column and weighted
once.
"""

from hd_plugin.encoding_mac._cases import exact, truncated
from hd_plugin.encoding_mac._encoding import AREA_NAND2, Encoding, Gate
from hd_plugin.encoding_mac._errors import EncodingErrors, errors_between
from hd_plugin.encoding_mac._operands import operand_distribution, operand_values

__all__ = [
    "AREA_NAND2",
    "Encoding",
    "EncodingErrors",
    "Gate",
    "errors_between",
    "exact",
    "operand_distribution",
    "operand_values",
    "truncated",
]
