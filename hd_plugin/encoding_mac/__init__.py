"""EncodingNet: the multiplier replaced by simple gates whose outputs are counted down a column and weighted
once.
"""

from hd_plugin.encoding_mac._activity import OutputActivity, output_activity, output_classes
from hd_plugin.encoding_mac._booth import booth
from hd_plugin.encoding_mac._cases import exact, truncated, weighted
from hd_plugin.encoding_mac._column_area import column_area
from hd_plugin.encoding_mac._columns import column_design, tree_design
from hd_plugin.encoding_mac._convolve import check_operands, encoded_convolution, table_sums, weight_places
from hd_plugin.encoding_mac._encoding import AREA_NAND2, Encoding, Gate
from hd_plugin.encoding_mac._errors import EncodingErrors, errors_between
from hd_plugin.encoding_mac._file import SCHEMA as ENCODING_SCHEMA
from hd_plugin.encoding_mac._front import Candidate, front
from hd_plugin.encoding_mac._gradients import activation_gradient, table_slopes, weight_gradient
from hd_plugin.encoding_mac._mac import MACS, load_mac, mac_stem, split_mac
from hd_plugin.encoding_mac._named import load_encoding
from hd_plugin.encoding_mac._operands import operand_distribution, operand_values
from hd_plugin.encoding_mac._search import EncodingSearch, search_encodings
from hd_plugin.encoding_mac._shipped import shipped_encodings
from hd_plugin.encoding_mac._ways import SearchSettings

__all__ = [
    "AREA_NAND2",
    "ENCODING_SCHEMA",
    "MACS",
    "Candidate",
    "Encoding",
    "EncodingErrors",
    "EncodingSearch",
    "Gate",
    "OutputActivity",
    "SearchSettings",
    "activation_gradient",
    "booth",
    "check_operands",
    "column_area",
    "column_design",
    "encoded_convolution",
    "errors_between",
    "exact",
    "front",
    "load_encoding",
    "load_mac",
    "mac_stem",
    "operand_distribution",
    "operand_values",
    "output_activity",
    "output_classes",
    "search_encodings",
    "shipped_encodings",
    "split_mac",
    "table_slopes",
    "table_sums",
    "tree_design",
    "truncated",
    "weight_gradient",
    "weight_places",
    "weighted",
]
