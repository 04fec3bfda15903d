"""The sizes of a refinement, and how many numbers it holds at once."""

from __future__ import annotations

from dataclasses import dataclass

from pdelsr.lstsq import LeastSquares
from pdelsr.subspace import Basis


@dataclass(frozen=True)
class Sizes:
    """The sizes of one refinement.

    Args:
        rows: n.
        rank: r.
        parameters: m.
        jets: numbers in the kept jets of the basis, per direction; 0 if they are not kept.
    """

    rows: int | float
    rank: int
    parameters: int
    jets: int | float = 0.0

    def numbers(self, basis: Basis, solver: LeastSquares) -> int | float:
        """Numbers held at once: while the basis is built, or by V and the solve."""
        n, r, m = self.rows, self.rank, self.parameters
        solve = basis.numbers(r, m) + self.jets * r + solver.numbers(n, r)
        return max(basis.numbers_at_most(r, m), solve)
