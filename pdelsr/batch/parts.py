"""What a fit to data is made of, as the user chose it."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pdelsr.batch.model import Inputs
from pdelsr.lstsq import LeastSquares
from pdelsr.subspace import Basis


@dataclass(frozen=True)
class Parts:
    """The parts of a fit.

    Args:
        basis: recipe for V.
        solver: of the linear least-squares problems.
        newton_steps: linearizations of F.
        products: how J V is formed.
        probe: samples that ways to form it are timed on.
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
