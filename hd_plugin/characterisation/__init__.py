"""What a layer costs on a synthesised array: streams through its gates, energy models fitted to what they
spend, technology files, and plans for least energy.
"""

from hd_plugin.characterisation._array_energy import ArrayEnergy
from hd_plugin.characterisation._characterise import characterise, check_names
from hd_plugin.characterisation._fit import MODELS, counts_of, quality
from hd_plugin.characterisation._inner import area_per_pe, clock_per_pe_fJ, net_shares
from hd_plugin.characterisation._make_circuit import make_circuit
from hd_plugin.characterisation._objective import energy_objective, transition_energies
from hd_plugin.characterisation._simulate import ArraySimulator, SimulatedEnergy
from hd_plugin.characterisation._stream import Stimulus, stimulus

__all__ = [
    "MODELS",
    "ArrayEnergy",
    "ArraySimulator",
    "SimulatedEnergy",
    "Stimulus",
    "area_per_pe",
    "characterise",
    "check_names",
    "clock_per_pe_fJ",
    "counts_of",
    "energy_objective",
    "make_circuit",
    "net_shares",
    "quality",
    "stimulus",
    "transition_energies",
]
