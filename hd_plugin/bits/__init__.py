"""Number formats, bit flips (the definition that everything rests on) and transition-cost tables."""

from hd_plugin.bits._flips import hamming, plane_flips, stream_flips
from hd_plugin.bits._formats import NUMBER_FORMATS, NumberFormat, check_bits, decode, encode
from hd_plugin.bits._tables import TransitionTable, hamming_table

__all__ = [
    "NUMBER_FORMATS",
    "NumberFormat",
    "TransitionTable",
    "check_bits",
    "decode",
    "encode",
    "hamming",
    "hamming_table",
    "plane_flips",
    "stream_flips",
]
