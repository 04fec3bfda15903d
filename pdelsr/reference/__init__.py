"""Reference solutions that are better than the solver: each is a callable of points (n, d)."""

from __future__ import annotations

from pdelsr.reference.burgers_from_input import periodic_burgers
from pdelsr.reference.cole_hopf import ColeHopf, cole_hopf
from pdelsr.reference.equations import allen_cahn, burgers, kdv
from pdelsr.reference.gridded import Gridded, gridded
from pdelsr.reference.of_inputs import OfInputs
from pdelsr.reference.parametric import Parametric, parametric
from pdelsr.reference.porous import darcy
from pdelsr.reference.reacting import diffusion_reaction
from pdelsr.reference.reaction_diffusion import reaction_diffusion
from pdelsr.reference.spectral import Spectral, spectral
from pdelsr.reference.transport import advection, antiderivative

__all__ = [
    "ColeHopf",
    "Gridded",
    "OfInputs",
    "Parametric",
    "Spectral",
    "advection",
    "allen_cahn",
    "antiderivative",
    "burgers",
    "cole_hopf",
    "darcy",
    "diffusion_reaction",
    "gridded",
    "kdv",
    "parametric",
    "periodic_burgers",
    "reaction_diffusion",
    "spectral",
]
