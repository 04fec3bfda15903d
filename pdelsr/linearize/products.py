"""G V by explicit rows, or by forward-mode passes if a single row is too long to build."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from pdelsr.linearize.directions import Dense, Directions
from pdelsr.linearize.reference import times_by_jvp
from pdelsr.linearize.residual import Jets, StackedResidual
from pdelsr.resources.memory import row_fits


def reduced_matrix(
    residual: StackedResidual, directions: Directions, coefficients: Jets
) -> Float[Tensor, "n r"]:
    """G V for the given coefficients.

    Rows cost one reverse pass for all directions together, columns one forward pass for each
    direction: rows win by orders of magnitude, as long as one row fits into the memory budget.
    """
    if isinstance(directions, Dense) and not forms_rows(residual, directions):
        return times_by_jvp(residual, directions.V, coefficients)
    return residual.times(directions, coefficients)


def forms_rows(residual: StackedResidual, directions: Directions) -> bool:
    """Whether rows of G are formed, of which a single one must fit into the memory budget."""
    m = residual.network.parameter_count
    dense = isinstance(directions, Dense)
    return not dense or row_fits(m, residual.like, residual.memory_budget)
