"""The options of a refinement: subspace, rank, least squares, Newton steps."""

from __future__ import annotations

from dataclasses import dataclass

from pdelsr.lstsq import LeastSquares, solver_named
from pdelsr.solvers.state.discretization import Discretization
from pdelsr.solvers.state.settings import require_whole
from pdelsr.subspace import Basis, basis_named
from pdelsr.subspace.base import is_searched, width_of

FULL_LIMIT = 5000  # parameters up to which the whole tangent space is the default basis
FIRST_RANK = 250  # from which a rank is doubled
LARGEST_RANK = 4000


@dataclass(frozen=True)
class RefinerOptions:
    """The options of a linearized refinement, which `LSR`, `ILSR` and `Refiner` share.

    Args:
        basis: recipe for V, or its name; None for all parameters of a small network, and the
            randomized SVD of the output Jacobian of a large one.
        rank: r; None for a choice by the held-out residual, or for all directions of a basis
            without a rank.
        lstsq: solver of the reduced problem, or its name.
        newton_steps: in the tangent space; 1 is the published method.
    """

    basis: str | Basis | None = None
    rank: int | None = None
    lstsq: str | LeastSquares = "qr"
    newton_steps: int = 5

    def __post_init__(self) -> None:
        if self.basis is not None:
            basis_named(self.basis)
        solver_named(self.lstsq)
        require_whole("newton_steps", self.newton_steps, 1)
        if self.rank is not None:
            require_whole("rank", self.rank, 1)

    def basis_for(self, parameters: int) -> Basis:
        """The recipe for a network with `parameters` parameters."""
        return basis_named(self.basis or ("full" if parameters <= FULL_LIMIT else "output"))

    def first_rank(
        self, discretization: Discretization, factor: int | float, rank: int | None = None
    ) -> int:
        """Number of directions of a refinement, or the one from which a search begins.

        Args:
            discretization: network, blocks and points.
            factor: times the planned points.
            rank: chosen by an earlier refinement.
        """
        m = discretization.network.parameter_count
        basis, chosen = self.basis_for(m), self.rank or rank
        width = width_of(basis, discretization.network)
        if width is not None:
            return width
        if chosen is None and not basis.takes_all:
            rows = discretization.plan.row_count(discretization.compiled.blocks, factor)
            chosen = initial_rank(largest_rank(m, int(rows)))
        return min(chosen or m, m)

    def rank_is_open(self, discretization: Discretization) -> bool:
        """Whether the user's choice allows fewer directions."""
        if self.rank is not None:
            return False
        basis = self.basis_for(discretization.network.parameter_count)
        return self.basis is None or is_searched(basis, discretization.network)


def initial_rank(most: int) -> int:
    """The rank from which a search among `most` directions begins."""
    return min(FIRST_RANK, most)


def largest_rank(parameters: int, rows: int) -> int:
    """The rank up to which a search goes: two rows per direction, unless all are few."""
    return min(LARGEST_RANK, parameters, max(FIRST_RANK, rows // 2))
