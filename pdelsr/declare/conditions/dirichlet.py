"""Values on parts of the boundary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sympy as sp
from sympy.logic.boolalg import BooleanAtom

from pdelsr.declare.conditions.base import (
    AbstractCondition,
    Order,
    convert_data,
    require_unknown,
    select,
    solved_for_jet,
)
from pdelsr.declare.conditions.given import (
    LEFT_OUT,
    Expression,
    GivenField,
    GivenNumber,
)
from pdelsr.declare.domains import Domain, On
from pdelsr.declare.regions import OnParts
from pdelsr.declare.statements import Statement
from pdelsr.declare.symbols import OneUnknown, Unknown
from pdelsr.errors import ProblemError


@dataclass(frozen=True)
class Dirichlet(AbstractCondition):
    """u = value on parts of the boundary; also written `Dirichlet(sp.Eq(u, value))`.

    Attributes:
        u: the unknown, or `sp.Eq(u, value)`.
        value: number or sympy expression in the coordinates.
        on: part name, names, or sympy predicate in the coordinates; all sides by default.
        hard: insist that the ansatz satisfies it exactly (Interval, Box, Disk, Ball).

    Raises:
        ProblemError: `u` is no unknown, or `value` is missing or is no expression.

    Example:
        >>> import sympy as sp
        >>> import pdelsr as pl
        >>> x, y = pl.coordinates("x y")
        >>> u = pl.unknown("u", x, y)
        >>> wall = pl.Dirichlet(u, sp.sin(sp.pi * y), on="x=0")
        >>> others = pl.Dirichlet(u, 0, on=["x=1", "y=0", "y=1"])
        >>> right_half = pl.Dirichlet(u, 0, on=x > 0)
    """

    u: OneUnknown
    value: Expression = LEFT_OUT
    on: On = None
    hard: bool = False

    if TYPE_CHECKING:

        def __init__(
            self,
            u: GivenField,
            value: GivenNumber = LEFT_OUT,
            on: On = None,
            hard: bool = False,
        ) -> None: ...

    def __post_init__(self) -> None:
        if isinstance(self.u, sp.Eq | bool | BooleanAtom) and self.value is LEFT_OUT:
            equation = _solved_for_unknown(self.u)
            object.__setattr__(self, "u", equation.lhs)
            object.__setattr__(self, "value", equation.rhs)
        require_unknown(self.u, "Dirichlet")
        convert_data(self, "value")

    @property
    def title(self) -> str:
        """The condition's name in messages."""
        return f"Dirichlet on {self.u}"

    def statements(self, domain: Domain, order: Order) -> tuple[Statement, ...]:
        """u = value."""
        where = OnParts(select(self, domain, self.on))
        name = f"dirichlet {self.u.name}"
        return (Statement(name, "dirichlet", self.u, self.value, where, self.title, self.hard),)


def _solved_for_unknown(given: Any) -> sp.Eq:
    """The equation with the unknown alone on its left side."""
    equation = solved_for_jet(given, "Dirichlet")
    if not isinstance(equation.lhs, Unknown):
        raise ProblemError(
            f"Dirichlet({equation}): expected sp.Eq(u, value) with an unknown u; use Neumann or "
            "Condition for derivatives."
        )
    return equation
