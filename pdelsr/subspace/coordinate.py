"""A random subset of the parameters."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pdelsr.linearize import Columns, RowSource
from pdelsr.linearize.random_positions import drawn
from pdelsr.subspace.base import Basis, Subspace, clipped


@dataclass(frozen=True)
class Coordinate(Basis):
    """V = r distinct unit vectors: the rows of G are read, never multiplied."""

    name = "coordinate"

    def numbers(self, rank: int, parameters: int) -> int:
        return 0

    def row_width(self, rank: int, parameters: int) -> int:
        return rank

    def build(self, rows: RowSource, rank: int | None, generator: torch.Generator) -> Subspace:
        m = rows.parameter_count
        index = drawn(m, clipped(rank, m), generator, rows.device)
        return Subspace(Columns(index, m))
