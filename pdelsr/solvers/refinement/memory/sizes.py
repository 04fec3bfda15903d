"""The sizes of a refinement, and how many numbers it holds at once."""

from __future__ import annotations

from dataclasses import dataclass

from pdelsr.errors import SettingsError
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
        """Numbers held at once: while the basis is built, or by V and the solve.

        Raises:
            SettingsError: a basis or solver of a user's tells no number.
        """
        n, r, m = self.rows, self.rank, self.parameters
        solve = _told(solver.numbers(n, r), solver, "numbers")
        solve += self.of_directions(basis) + self.jets * r
        return max(_told(basis.numbers_at_most(r, m), basis, "numbers_at_most"), solve)

    def of_directions(self, basis: Basis) -> int | float:
        """The size of V in numbers."""
        return _told(basis.numbers(self.rank, self.parameters), basis, "numbers")


def _told(size: object, part: object, method: str) -> int | float:
    """What a part says of its memory, if it is a number."""
    if isinstance(size, bool) or not isinstance(size, int | float) or not size >= 0:
        raise SettingsError(
            f"{type(part).__name__}.{method} gives {size!r:.60}: expected how many numbers "
            "are held in memory, from 0 on."
        )
    return size
