"""The parts of a fit to data, as the user chose them."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pdelsr.lstsq import LeastSquares
from pdelsr.regression.model import Inputs
from pdelsr.subspace import Basis


@dataclass(frozen=True)
class Parts:
    """The parts of a fit.

    Args:
        basis: recipe for V.
        solver: of the linear least-squares problems.
        newton_steps: linearizations of F.
        products: how J V is formed.
        probe: samples on which the ways to form J V are timed.
        budget: bytes of one chunk of rows; None for a share of what is free.
        generator: of bases.
    """

    basis: Basis
    solver: LeastSquares
    newton_steps: int
    products: str
    probe: Inputs
    budget: int | None
    generator: torch.Generator
