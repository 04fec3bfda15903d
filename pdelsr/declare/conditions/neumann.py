"""Normal derivatives on parts of the boundary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pdelsr.declare.conditions.base import (
    AbstractCondition,
    Order,
    convert_data,
    refuse_hard,
    require_unknown,
    select_sides,
)
from pdelsr.declare.conditions.given import (
    LEFT_OUT,
    Expression,
    GivenNumber,
)
from pdelsr.declare.domains import Domain, On
from pdelsr.declare.regions import OnParts
from pdelsr.declare.statements import Statement
from pdelsr.declare.symbols import OneUnknown, normal_derivative


@dataclass(frozen=True)
class Neumann(AbstractCondition):
    """n · ∇u = value on parts of the boundary, n the outward unit normal.

    Attributes:
        u: the unknown.
        value: number or sympy expression in the coordinates.
        on: part name, names, or sympy predicate in the coordinates; all sides by default.
        hard: refused, since no hard form of a Neumann condition is built in.

    Raises:
        ProblemError: `u` is no unknown, `value` is missing or no expression, or `hard` is true.

    Example:
        >>> import sympy as sp
        >>> import pdelsr as pl
        >>> x, y = pl.coordinates("x y")
        >>> u = pl.unknown("u", x, y)
        >>> insulated = pl.Neumann(u, 0, on=["y=0", "y=1"])
    """

    u: OneUnknown
    value: Expression = LEFT_OUT
    on: On = None
    hard: bool = False

    if TYPE_CHECKING:

        def __init__(
            self,
            u: OneUnknown,
            value: GivenNumber = LEFT_OUT,
            on: On = None,
            hard: bool = False,
        ) -> None: ...

    def __post_init__(self) -> None:
        require_unknown(self.u, "Neumann")
        convert_data(self, "value")
        refuse_hard(self, self.hard)

    @property
    def title(self) -> str:
        """The condition's name in messages."""
        return f"Neumann on {self.u}"

    def statements(self, domain: Domain, order: Order) -> tuple[Statement, ...]:
        """n · ∇u = value."""
        where = OnParts(select_sides(self, domain, self.on))
        lhs = normal_derivative(self.u)
        return (Statement(f"neumann {self.u.name}", "neumann", lhs, self.value, where, self.title),)
