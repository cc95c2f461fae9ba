"""Words of the field, explained where the page uses them."""

from __future__ import annotations

from hd_plugin.energy import TOTALS

__all__ = ["TERMS", "of_method"]

TERMS = {
    "PE": "Processing element: a multiplier with an adder, of which the array has rows x columns.",
    "file order": (
        "Output channels stream as they stand in the weights file: what all else is compared with "
        "(method baseline)."
    ),
    "NHD": (
        "Normalised Hamming distance: the share of weight bits that flip from one word to the next. 0.5 "
        "is what random words have."
    ),
    "flips": "Bits that change between weights that follow each other on the same wires.",
    "x": ("Before divided by after: 2.00x is half. Percent less is 1 - after / before: 2.00x is 50 % less."),
    "mean": (
        "Mean over layers of per-layer ratios (the paper's way); a small layer weighs as much as a large one."
    ),
    "best": "The layer that gains most.",
    "paper count": (
        "Every group of channels streams once: the count of the paper, and the one that reductions use."
    ),
    "hardware count": (
        "What the weight wires see in a whole layer: tile after tile, switches between groups and wraps "
        "between tiles included."
    ),
    "alternating": (
        "The hardware count when every other tile runs backwards, which makes the wraps between tiles free."
    ),
    "datapath": f"{TOTALS['datapath'].contents()}: the energy that follows the flips.",
    "with clock": f"{TOTALS['clocked'].contents()}.",
    "with memory": f"{TOTALS['total'].contents()}; leakage is told apart.",
    "MACs": "Energy of multiplying and adding.",
    "weight hops": "Energy of moving weights from PE to PE, idle columns included.",
    "partial-sum hops": "Energy of moving partial sums down a column.",
    "address table": (
        "A table that says which output channel a word belongs to. Methods that reorder each group of "
        "channels by itself need one; its look-ups are part of the datapath."
    ),
    "clock": "The clock of all registers, every cycle, whatever the data: no part of the datapath.",
    "memory": (
        "Reads and writes of weight, activation and accumulation buffers; they do not follow the flips."
    ),
    "leakage": "What the parts lose while powered; told where the engine models it, in no total.",
    "K": "Output channels: the words that stream one after another, and whose order is free.",
    "C": "Input channels: each holds a row of the array.",
    "taps": "Positions of the filter: 9 for 3 x 3, 1 for a pointwise or linear layer.",
    "P x Q": "Height x width of the layer's output; each column of the array holds one of these pixels.",
    "MAC count": "Multiply-accumulates of the layer: K x C x taps x P x Q.",
    "idle hops": (
        "Share of weight hops into columns that hold no output pixel; they cost energy and are counted."
    ),
    "technology": (
        "The table of energies for each action that all numbers of energy rest on; its sources stand below."
    ),
    "trained": (
        "A network of the same layers, trained for few flips; against the first network in file order, "
        "layer by layer."
    ),
    "accesses": "Dynamic energy of every part of the architecture that the engine looked at.",
}
_METHODS = {
    "baseline": "Output channels stream in the order of the file.",
    "direct": "One order of output channels for the whole layer; needs no table.",
    "segment": (
        "Input channels are cut into groups of as many as the array has rows, in file order; each group "
        "has an order of output channels of its own. Needs an address table."
    ),
    "cluster": (
        "Input channels that flip together share a group (never more than the array has rows), and each "
        "group has an order of its own. Needs an address table."
    ),
}


def of_method(name: str) -> str:
    """What a streaming method does; one that was registered later says it itself."""
    from hd_plugin.streaming import METHODS

    own = METHODS[name].__doc__ if name in METHODS else None
    return _METHODS.get(name) or (own or name).strip().split("\n\n")[0]
