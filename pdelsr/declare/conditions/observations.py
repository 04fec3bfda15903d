"""Observed values at given points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import sympy as sp

from pdelsr.declare.conditions.base import (
    AbstractCondition,
    Order,
)
from pdelsr.declare.conditions.given import (
    Expression,
    GivenArray,
    GivenField,
    Places,
    Values,
)
from pdelsr.declare.domains import Domain
from pdelsr.declare.expressions import as_expression, jet_name, jets
from pdelsr.declare.regions import AtPoints
from pdelsr.declare.statements import Statement
from pdelsr.errors import ProblemError


@dataclass(frozen=True, eq=False)
class Observations(AbstractCondition):
    """Observed values of an unknown, or of an expression in the unknowns, at given points.

    Attributes:
        u: the unknown, or an expression such as `u.diff(x)` or `u**2 + v**2`.
        points: array of shape (n, d), columns in the order of the domain's coordinates.
        values: array of shape (n,).

    Raises:
        ProblemError: a shape is wrong, or a number is NaN or infinite.

    Example:
        >>> import sympy as sp
        >>> import pdelsr as pl
        >>> x, t = pl.coordinates("x t")
        >>> u = pl.unknown("u", x, t)
        >>> measured = pl.Observations(u, points=[(0.5, 0.1), (0.5, 0.2)], values=[1.0, 0.9])
    """

    u: Expression
    points: Places
    values: Values

    if TYPE_CHECKING:

        def __init__(
            self,
            u: GivenField,
            points: GivenArray,
            values: GivenArray,
        ) -> None: ...

    def __post_init__(self) -> None:
        expression = as_expression(self.u, "Observations")
        if not jets(expression):
            raise ProblemError(f"Observations of {expression}: expected an unknown, such as u.")
        object.__setattr__(self, "u", expression)
        points, values = (_numbers(self, name) for name in ("points", "values"))
        points = points[:, None] if points.ndim == 1 else points
        if points.ndim != 2 or values.shape != (len(points),) or not len(points):
            raise ProblemError(
                f"{self.title}: points have shape {points.shape} and values {values.shape}; "
                "expected (n, d) and (n,) with the same n >= 1."
            )
        object.__setattr__(self, "points", points)
        object.__setattr__(self, "values", values)

    @property
    def title(self) -> str:
        """The condition's name in messages."""
        return f"Observations of {self.u}"

    def statements(self, domain: Domain, order: Order) -> tuple[Statement, ...]:
        """u = the observed values, which enter as a column of the points, not as symbols."""
        self._require_inside(domain)
        is_jet = self.u in jets(self.u)
        name = jet_name(self.u, domain.coordinates) if is_jet else str(self.u)
        where = AtPoints(self.points, self.values)
        zero = sp.Integer(0)
        return (Statement(f"observations {name}", "observations", self.u, zero, where, self.title),)

    def _require_inside(self, domain: Domain) -> None:
        names = ", ".join(map(str, domain.coordinates))
        if self.points.shape[1] != domain.dim:
            raise ProblemError(
                f"{self.title}: points have {self.points.shape[1]} columns; expected "
                f"{domain.dim}, one for each coordinate ({names})."
            )
        outside = ~domain.contains(self.points, 1e-6 * domain.diameter)
        if outside.any():
            i = int(np.argmax(outside))
            raise ProblemError(
                f"{self.title}: point {i}, ({names}) = {tuple(self.points[i].tolist())}, is "
                "outside the domain; remove it, or enlarge the domain."
            )


def _numbers(observations: Observations, name: str) -> np.ndarray:
    """One array of the observations, in double precision and finite."""
    try:
        array = np.array(getattr(observations, name), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ProblemError(
            f"{observations.title}: {name} cannot be read as an array of numbers ({error})."
        ) from error
    bad = ~np.isfinite(array)
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ProblemError(
            f"{observations.title}: {name} contain {array[where]} at index {where}; remove the "
            "rows that are not finite."
        )
    return array
