"""Studies of whole networks: a scenario says what is asked, a function answers with a typed result."""

from hd_plugin.study._catalogue import BundledNetwork, Catalogue, KnownComponent, KnownTechnology, catalogue
from hd_plugin.study._characterize import Characterised, CharacteriseRequest, characterize
from hd_plugin.study._combined import Combined
from hd_plugin.study._compare import compare, run
from hd_plugin.study._comparison import Comparison, MethodSummary, Provenance, Row
from hd_plugin.study._encode_evaluate import evaluate_encodings
from hd_plugin.study._encode_search import PUBLISHED, FoundEncodings, PublishedMultiplier, find_encodings
from hd_plugin.study._encoded_scores import EncodedLayer, EncodedRun, EncodingScores, TunedScore
from hd_plugin.study._energy_plan import EnergyPlannedLayer, EnergyPlanning, plan_for_energy
from hd_plugin.study._flips_only import FlipComparison
from hd_plugin.study._hosts import Diagnosis, Problems, Registered, doctor, problems, register
from hd_plugin.study._layer_studies import (
    ClusterSize,
    Convergence,
    LayerStudies,
    TableCost,
    convergence,
    flips_by_size,
    layer_studies,
)
from hd_plugin.study._macs import MacArray, MacComparison, MacRow, MacSummary
from hd_plugin.study._measure import MeasuredLayer, Measurement, measure
from hd_plugin.study._networks import read_network
from hd_plugin.study._plan import PlannedLayer, Planning, plan
from hd_plugin.study._policies import OBJECTIVES, SOURCES, Gates, Objective, Source
from hd_plugin.study._result import Result
from hd_plugin.study._rewrite import NetworkRewriting, RewriteRequest, rewrite_network
from hd_plugin.study._round import Roundings, round_weights
from hd_plugin.study._rounded import RoundedNetwork
from hd_plugin.study._scenario import ACTIVATIONS, EngineChoice, Scenario
from hd_plugin.study._training import RunRow, TrainingTable, training_table
from hd_plugin.study._verify import NetworkVerification, load_plans, verify_network

__all__ = [
    "ACTIVATIONS",
    "OBJECTIVES",
    "PUBLISHED",
    "SOURCES",
    "BundledNetwork",
    "Catalogue",
    "CharacteriseRequest",
    "Characterised",
    "ClusterSize",
    "Combined",
    "Comparison",
    "Convergence",
    "Diagnosis",
    "EncodedLayer",
    "EncodedRun",
    "EncodingScores",
    "EnergyPlannedLayer",
    "EnergyPlanning",
    "EngineChoice",
    "FlipComparison",
    "FoundEncodings",
    "Gates",
    "KnownComponent",
    "KnownTechnology",
    "LayerStudies",
    "MacArray",
    "MacComparison",
    "MacRow",
    "MacSummary",
    "MeasuredLayer",
    "Measurement",
    "MethodSummary",
    "NetworkRewriting",
    "NetworkVerification",
    "Objective",
    "PlannedLayer",
    "Planning",
    "Problems",
    "Provenance",
    "PublishedMultiplier",
    "Registered",
    "Result",
    "RewriteRequest",
    "RoundedNetwork",
    "Roundings",
    "Row",
    "RunRow",
    "Scenario",
    "Source",
    "TableCost",
    "TrainingTable",
    "TunedScore",
    "catalogue",
    "characterize",
    "compare",
    "convergence",
    "doctor",
    "evaluate_encodings",
    "find_encodings",
    "flips_by_size",
    "layer_studies",
    "load_plans",
    "measure",
    "plan",
    "plan_for_energy",
    "problems",
    "read_network",
    "register",
    "rewrite_network",
    "round_weights",
    "run",
    "training_table",
    "verify_network",
]
