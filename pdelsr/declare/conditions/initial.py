"""Values, or derivatives in time, at the initial time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sympy as sp

from pdelsr.declare.conditions.base import (
    AbstractCondition,
    Order,
    require_data,
    solved_for_jet,
)
from pdelsr.declare.conditions.given import Equation, GivenEquation
from pdelsr.declare.domains import Domain, Part
from pdelsr.declare.expressions import as_equation, jet_name, sides
from pdelsr.declare.regions import OnParts
from pdelsr.declare.statements import Statement
from pdelsr.errors import ProblemError


@dataclass(frozen=True)
class Initial(AbstractCondition):
    """u = u0 or ∂u/∂t = u1 at the initial time.

    Attributes:
        equation: `sp.Eq(u, u0)` or `sp.Eq(u.diff(t), u1)`.
        hard: insist on the ansatz u0 + (t - t0) N, or u0 + (t - t0) u1 + (t - t0)² N.

    Raises:
        ProblemError: neither side is an unknown or a derivative of one, or the other side is
            not an expression in the coordinates.

    Example:
        >>> import sympy as sp
        >>> import pdelsr as pl
        >>> x, t = pl.coordinates("x t")
        >>> u = pl.unknown("u", x, t)
        >>> at_rest = [pl.Initial(sp.Eq(u, sp.sin(sp.pi * x))), pl.Initial(sp.Eq(u.diff(t), 0))]
    """

    equation: Equation
    hard: bool = False

    if TYPE_CHECKING:

        def __init__(self, equation: GivenEquation, hard: bool = False) -> None: ...

    def __post_init__(self) -> None:
        if not isinstance(self.equation, sp.Eq):
            as_equation(self.equation, "Initial")
            raise ProblemError(
                f"Initial({self.equation}): expected sp.Eq(u, value) or sp.Eq(u.diff(t), value)."
            )
        equation = solved_for_jet(self.equation, "Initial")
        require_data(sides(equation)[1], f"Initial on {equation.lhs}")
        object.__setattr__(self, "equation", equation)

    @property
    def title(self) -> str:
        """The condition's name in messages."""
        return f"Initial on {self.equation.lhs}"

    def statements(self, domain: Domain, order: Order) -> tuple[Statement, ...]:
        """u = u0, or u_t = u1, at the initial time."""
        lhs, rhs = sides(self.equation)
        if domain.time is None:
            raise ProblemError(
                f"{self.title}: the domain has no time; multiply it by a TimeInterval, or use "
                "Dirichlet for a condition on a side."
            )
        if isinstance(lhs, sp.Derivative) and set(lhs.variables) != {domain.time}:
            raise ProblemError(
                f"{self.title}: expected the unknown or its derivative by time {domain.time}; "
                f"use Condition(equation, on='{_initial(domain)[0].name}') for anything else."
            )
        where = OnParts(_initial(domain))
        name = f"initial {jet_name(lhs, domain.coordinates)}"
        return (Statement(name, "initial", lhs, rhs, where, self.title, self.hard),)


def _initial(domain: Domain) -> tuple[Part, ...]:
    return tuple(part for part in domain.parts if part.kind == "initial")
