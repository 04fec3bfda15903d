"""Neural operators: DeepONet and MultiONet, their training, and data to try them on."""

from pdelsr.operators.burgers import OperatorData, periodic_burgers
from pdelsr.operators.networks import DeepONet, MultiONet
from pdelsr.operators.physics import PIDeepONet, published_operator
from pdelsr.operators.training import relative_error, train
from pdelsr.regression.separable import Separable

__all__ = [
    "DeepONet",
    "MultiONet",
    "OperatorData",
    "PIDeepONet",
    "Separable",
    "periodic_burgers",
    "published_operator",
    "relative_error",
    "train",
]
