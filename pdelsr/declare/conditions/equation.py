"""Any sympy equation on parts of the boundary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pdelsr.declare.conditions.base import (
    AbstractCondition,
    Order,
    refuse_hard,
    require_name,
    select,
)
from pdelsr.declare.conditions.given import Equation, GivenEquation, Name
from pdelsr.declare.domains import Domain, On
from pdelsr.declare.expressions import as_equation, sides
from pdelsr.declare.long_sums import short_text
from pdelsr.declare.regions import OnParts
from pdelsr.declare.statements import Statement


@dataclass(frozen=True)
class Condition(AbstractCondition):
    """Any sympy equation (or expression that should vanish) on parts of the boundary.

    It may use the components `normal(x)` of the outward normal and `normal_derivative(u)`.

    Attributes:
        equation: `sp.Eq(lhs, rhs)`, or an expression meant to be zero.
        on: part name, names, or sympy predicate in the coordinates; all sides by default.
        hard: refused, since a general equation has no hard form.
        name: of its block in options, tables and results; by default "condition", followed by its
            region and a number if needed to tell several apart.

    Raises:
        ProblemError: `equation` is no equation or sympy already decided it, `hard` is true, or the
            name is not text.

    Example:
        >>> import sympy as sp
        >>> import pdelsr as pl
        >>> x, y = pl.coordinates("x y")
        >>> u = pl.unknown("u", x, y)
        >>> radiating = pl.Condition(sp.Eq(pl.normal_derivative(u), -(u**4)), on="x=1")
    """

    equation: Equation
    on: On = None
    hard: bool = False
    name: Name = "condition"

    if TYPE_CHECKING:

        def __init__(
            self,
            equation: GivenEquation,
            on: On = None,
            hard: bool = False,
            name: Name = "condition",
        ) -> None: ...

    def __post_init__(self) -> None:
        object.__setattr__(self, "equation", as_equation(self.equation, "Condition"))
        refuse_hard(self, self.hard)
        require_name(self)

    @property
    def title(self) -> str:
        """The condition's name in messages."""
        return f"Condition {short_text(self.equation.lhs)} = {short_text(self.equation.rhs)}"

    def statements(self, domain: Domain, order: Order) -> tuple[Statement, ...]:
        """The equation itself."""
        where = OnParts(select(self, domain, self.on))
        lhs, rhs = sides(self.equation)
        return (Statement(self.name, "condition", lhs, rhs, where, self.title),)
