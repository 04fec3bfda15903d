"""Reference solutions that are better than the solver: each is a callable of points (n, d)."""

from __future__ import annotations

from pdelsr.reference.cole_hopf import ColeHopf, cole_hopf
from pdelsr.reference.equations import allen_cahn, burgers, kdv
from pdelsr.reference.gridded import Gridded, gridded
from pdelsr.reference.parametric import Parametric
from pdelsr.reference.spectral import Spectral, spectral

__all__ = [
    "ColeHopf",
    "Gridded",
    "Parametric",
    "Spectral",
    "allen_cahn",
    "burgers",
    "cole_hopf",
    "gridded",
    "kdv",
    "spectral",
]
