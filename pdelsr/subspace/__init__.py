"""Parameter directions in which the reduced problem is solved: one file per basis."""

from pdelsr.subspace.base import Basis, Subspace
from pdelsr.subspace.coordinate import Coordinate
from pdelsr.subspace.count_sketch import CountSketch
from pdelsr.subspace.full import Full
from pdelsr.subspace.gaussian import Gaussian
from pdelsr.subspace.last_layer import LastLayer
from pdelsr.subspace.registry import BASES, basis_named
from pdelsr.subspace.rsvd import OutputRSVD, ResidualRSVD

__all__ = [
    "BASES",
    "Basis",
    "Coordinate",
    "CountSketch",
    "Full",
    "Gaussian",
    "LastLayer",
    "OutputRSVD",
    "ResidualRSVD",
    "Subspace",
    "basis_named",
]
