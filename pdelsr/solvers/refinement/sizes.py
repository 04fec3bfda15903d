"""The sizes of a refinement, and the numbers that are alive at once in it."""

from __future__ import annotations

from dataclasses import dataclass

from pdelsr.lstsq import LeastSquares
from pdelsr.subspace import Basis


@dataclass(frozen=True)
class Sizes:
    """Of one refinement.

    Args:
        rows: n.
        rank: r.
        parameters: m.
        jets: numbers in the jets that Newton steps keep of the basis, per direction; 0 for none.
    """

    rows: int | float
    rank: int
    parameters: int
    jets: int | float = 0.0

    def numbers(self, basis: Basis, solver: LeastSquares) -> int | float:
        """Numbers alive at once: those of the basis, or V with what the solve holds."""
        n, r, m = self.rows, self.rank, self.parameters
        solve = basis.numbers(r, m) + self.jets * r + solver.numbers(n, r)
        return max(basis.numbers_at_most(r, m), solve)
