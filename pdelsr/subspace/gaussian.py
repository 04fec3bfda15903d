"""Gaussian random directions."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pdelsr.linearize import Dense, RowSource
from pdelsr.subspace.base import Basis, Subspace, clipped, gaussian


@dataclass(frozen=True)
class Gaussian(Basis):
    """V with independent entries N(0, 1/m): no decomposition, hardly worse than the SVD."""

    name = "gaussian"

    def build(self, rows: RowSource, rank: int | None, generator: torch.Generator) -> Subspace:
        m = rows.parameter_count
        V = gaussian(m, clipped(rank, m), rows.like, generator).div_(m**0.5)
        return Subspace(Dense(V))
