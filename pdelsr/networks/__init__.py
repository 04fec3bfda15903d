"""Torch modules with closed-form jets and parameter Jacobians."""

from pdelsr.networks.activations import ACTIVATIONS, Activation, UserActivation, activation_named
from pdelsr.networks.base import Network
from pdelsr.networks.feature_network import FeatureNetwork
from pdelsr.networks.generic import ModuleNetwork
from pdelsr.networks.hard import HardConditions, LiftAndFactor
from pdelsr.networks.index_set import Index, IndexSet, closure
from pdelsr.networks.layers import Affine
from pdelsr.networks.mlp import MLP
from pdelsr.networks.modified_mlp import ModifiedMLP
from pdelsr.networks.registry import build_network, network_settings
from pdelsr.networks.taylor import compose, multiply

__all__ = [
    "ACTIVATIONS",
    "MLP",
    "Activation",
    "Affine",
    "FeatureNetwork",
    "HardConditions",
    "Index",
    "IndexSet",
    "LiftAndFactor",
    "ModifiedMLP",
    "ModuleNetwork",
    "Network",
    "UserActivation",
    "activation_named",
    "build_network",
    "closure",
    "compose",
    "multiply",
    "network_settings",
]
