"""Agreement of an unknown and its derivatives on two opposite faces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import sympy as sp

from pdelsr.declare.conditions.base import (
    AbstractCondition,
    Order,
    require_unknown,
)
from pdelsr.declare.conditions.given import Coordinate, GivenCoordinate, GivenFields, Unknowns
from pdelsr.declare.domains import Domain
from pdelsr.declare.expressions import jet_name
from pdelsr.declare.regions import PeriodicPair
from pdelsr.declare.statements import Statement
from pdelsr.errors import ProblemError


@dataclass(frozen=True)
class Periodic(AbstractCondition):
    """u and its derivatives agree on the two faces of a coordinate.

    One statement for each derivative order below the order of the equations in this coordinate.

    Attributes:
        u: the unknown, or a tuple of unknowns.
        coordinate: the periodic coordinate.
        hard: insist on inputs sin and cos of the coordinate (then all unknowns must be periodic).

    Raises:
        ProblemError: `u` is no unknown, or `coordinate` is no symbol.

    Example:
        >>> import sympy as sp
        >>> import pdelsr as pl
        >>> x, t = pl.coordinates("x t")
        >>> u = pl.unknown("u", x, t)
        >>> ring = pl.Periodic(u, x)
    """

    u: Unknowns
    coordinate: Coordinate
    hard: bool = False

    if TYPE_CHECKING:

        def __init__(
            self,
            u: GivenFields,
            coordinate: GivenCoordinate,
            hard: bool = False,
        ) -> None: ...

    def __post_init__(self) -> None:
        fields = tuple(self.u) if isinstance(self.u, list | tuple) else (self.u,)
        for u in fields:
            require_unknown(u, "Periodic")
        if not fields or not isinstance(self.coordinate, sp.Symbol):
            raise ProblemError(
                f"Periodic({self.u}, {self.coordinate}): expected an unknown and a coordinate, "
                "such as Periodic(u, x)."
            )
        object.__setattr__(self, "u", fields)

    @property
    def title(self) -> str:
        """The condition's name in messages."""
        return f"Periodic on {', '.join(map(str, self.u))} in {self.coordinate}"

    def statements(self, domain: Domain, order: Order) -> tuple[Statement, ...]:
        """u(high) = u(low), u_x(high) = u_x(low), ..."""
        try:
            domain.bounds(self.coordinate)
        except ProblemError as error:
            raise ProblemError(f"{self.title}: {error}") from error
        return tuple(
            self._statement(u, k, domain)
            for u in self.u
            for k in range(max(1, order(u, self.coordinate)))
        )

    def _statement(self, u: sp.Expr, k: int, domain: Domain) -> Statement:
        lhs = cast(sp.Expr, u.diff(self.coordinate, k) if k else u)
        name = f"periodic {jet_name(lhs, domain.coordinates)}"
        where = PeriodicPair(self.coordinate)
        return Statement(name, "periodic", lhs, sp.Integer(0), where, self.title, self.hard)
