"""Mixtures of value and normal derivative on parts of the boundary."""

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
class Robin(AbstractCondition):
    """alpha u + beta n · ∇u = value on parts of the boundary, n the outward unit normal.

    Note that alpha and beta have the same sign if heat is lost to the surroundings. With opposite
    signs the inflow grows with u. That is allowed without a warning, but at some values of alpha /
    beta the solution is not unique or does not exist.

    Attributes:
        u: the unknown.
        alpha: factor of u, number or expression in the coordinates.
        beta: factor of the normal derivative, number or expression in the coordinates.
        value: number or sympy expression in the coordinates.
        on: part name, names, or sympy predicate in the coordinates; all sides by default.
        hard: refused, since no hard form of a Robin condition is built in.

    Raises:
        ProblemError: `u` is no unknown, a number is missing or no expression, or `hard` is true.

    Example:
        >>> import sympy as sp
        >>> import pdelsr as pl
        >>> x, y = pl.coordinates("x y")
        >>> u = pl.unknown("u", x, y)
        >>> cooled = pl.Robin(u, alpha=2, beta=1, value=sp.cos(y), on="x=1")  # 2 u + ∂u/∂n = cos y
    """

    u: OneUnknown
    alpha: Expression = LEFT_OUT
    beta: Expression = LEFT_OUT
    value: Expression = LEFT_OUT
    on: On = None
    hard: bool = False

    if TYPE_CHECKING:

        def __init__(
            self,
            u: OneUnknown,
            alpha: GivenNumber = LEFT_OUT,
            beta: GivenNumber = LEFT_OUT,
            value: GivenNumber = LEFT_OUT,
            on: On = None,
            hard: bool = False,
        ) -> None: ...

    def __post_init__(self) -> None:
        require_unknown(self.u, "Robin")
        for name in ("alpha", "beta", "value"):
            convert_data(self, name)
        refuse_hard(self, self.hard)

    @property
    def title(self) -> str:
        """The condition's name in messages."""
        return f"Robin on {self.u}"

    def statements(self, domain: Domain, order: Order) -> tuple[Statement, ...]:
        """alpha u + beta n · ∇u = value."""
        where = OnParts(select_sides(self, domain, self.on))
        lhs = self.alpha * self.u + self.beta * normal_derivative(self.u)
        return (Statement(f"robin {self.u.name}", "robin", lhs, self.value, where, self.title),)
