"""All parameters: the whole tangent space, for small networks."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pdelsr.linearize import Identity, RowSource
from pdelsr.subspace.base import Basis, Subspace
from pdelsr.subspace.coordinate import Coordinate


@dataclass(frozen=True)
class Full(Basis):
    """V = I. A rank below m keeps a random choice of parameters.

    It costs no matrix product, so for networks of a few thousand parameters nothing is faster or
    more accurate per second.
    """

    name = "full"
    takes_all = True

    def numbers(self, rank: int, parameters: int) -> int:
        return 0

    def build(self, rows: RowSource, rank: int | None, generator: torch.Generator) -> Subspace:
        m = rows.parameter_count
        if rank is not None and rank < m:
            return Coordinate().build(rows, rank, generator)
        return Subspace(Identity(m))
