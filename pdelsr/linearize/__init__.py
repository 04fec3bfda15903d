"""The stacked residual of network and blocks, its rows and products, and the refined predictor."""

from pdelsr.linearize.bound_block import BoundBlock, Predictor
from pdelsr.linearize.directions import Columns, Dense, Directions, Groups, Identity
from pdelsr.linearize.products import reduced_matrix
from pdelsr.linearize.refined import RefinedPredictor
from pdelsr.linearize.residual import Jets, StackedResidual
from pdelsr.linearize.row_source import RowChunks, RowSource

__all__ = [
    "BoundBlock",
    "Columns",
    "Dense",
    "Directions",
    "Groups",
    "Identity",
    "Jets",
    "Predictor",
    "RefinedPredictor",
    "RowChunks",
    "RowSource",
    "StackedResidual",
    "reduced_matrix",
]
