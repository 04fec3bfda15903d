"""The polynomials that the problem leaves open of an unknown that enters by derivatives only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import sympy as sp

from pdelsr.declare.expressions import field, jets, multi_index
from pdelsr.declare.regions import PeriodicPair
from pdelsr.declare.system import System

CONSTANT = "a constant"
POWERS = ("", "²", "³")
ORDINALS = ("first", "second", "third", "fourth")


@dataclass(frozen=True)
class OpenLevel:
    """Polynomials of a degree below the lowest order in which an unknown enters.

    None of its derivatives in the statements sees them. In several dimensions more may stay unseen,
    such as f(x) + g(y) under u_xy.

    Attributes:
        u: the unknown.
        order: the lowest order of its derivatives, at least 1.
        along: coordinates by which it is differentiated and in which it is not periodic.
        free: coordinates by which it is not differentiated; coefficients may depend on them.
    """

    u: sp.Expr
    order: int
    along: tuple[str, ...]
    free: tuple[str, ...]

    @property
    def is_constant(self) -> bool:
        """Whether only a constant is open."""
        return self.order == 1 or not self.along

    @property
    def text(self) -> str:
        """The open term: "a constant", "a function of t", "a + b x"."""
        if self.is_constant:
            return f"a function of {', '.join(self.free)}" if self.free else CONSTANT
        more = ", and perhaps more" if len(self.u.args) > 1 else ""
        return f"{self._polynomial}{more}"

    @property
    def advice(self) -> str:
        """The conditions that fix it, and those that do not."""
        what = f"there may be no solution unless the data balance, {self.balance}"
        return f"{what}. {self.remedy}; nothing but the data themselves mends a balance"

    @property
    def balance(self) -> str:
        """The data that must balance."""
        return "sources against fluxes" if self.is_constant else "such as loads and moments"

    @property
    def remedy(self) -> str:
        """The remedy: "A value at one point fixes the level, as in pl.Observations(…)"."""
        if self.is_constant:
            return f"{self._fixing} the level, as in {self._observed(1)}"
        return f"{self._fixing} it, as in {self._observed(self._count)}"

    @cached_property
    def _count(self) -> int:
        """The number of monomials of a degree below the order, and so of the values to give."""
        return math.comb(self.order - 1 + len(self.along), len(self.along))

    @property
    def _fixing(self) -> str:
        if self.free:
            over = "time" if self.free == ("t",) else ", ".join(self.free)
            return f"Values over {over} fix"
        if self.is_constant:
            return "A value at one point fixes"
        at = "different points" if len(self.along) == 1 else "points in general position"
        return f"{self._count} values at {at}, or values and slopes, fix"

    def _observed(self, count: int) -> str:
        point = "(…)" if len(self.u.args) > 1 else "…"
        points, values = ", ".join([point] * count), ", ".join(["0"] * count)
        return f"pl.Observations({cast(Any, self.u).name}, points=[{points}], values=[{values}])"

    @property
    def _polynomial(self) -> str:
        degree = self.order - 1
        if degree > 1 and len(self.along) > 1:
            over = f" with coefficients that depend on {', '.join(self.free)}" if self.free else ""
            return f"a polynomial of degree {degree} in {', '.join(self.along)}{over}"
        powers = [f" {c}{POWERS[n]}" for n in range(degree) for c in self.along]
        of = f"({', '.join(self.free)})" if self.free else ""
        return " + ".join(f"{'abcdefgh'[i]}{of}{power}" for i, power in enumerate(["", *powers]))


def positions_of_levels(system: System) -> dict[int, int | None]:
    """Unknowns whose level is open, by position, with that of time if it may change over time.

    Only the constant of an open polynomial counts here: the other terms change the solution, not
    its level.
    """
    t = system.domain.time
    found: dict[int, int | None] = {}
    for k, u in enumerate(system.unknowns):
        level = open_level(u, system)
        if level is not None:
            over_time = t is not None and level.is_constant and level.free == (str(t),)
            found[k] = system.coordinates.index(t) if t is not None and over_time else None
    return found


def open_level(u: sp.Expr, system: System) -> OpenLevel | None:
    """The open level of an unknown, or None if it enters a statement itself.

    A period fixes no level, but it leaves no slope open along its coordinate.
    """
    periods = [s for s in system.statements if isinstance(s.region, PeriodicPair)]
    seen = [
        multi_index(jet, system.coordinates)
        for s in system.statements
        if not isinstance(s.region, PeriodicPair)
        for jet in jets(s.residual)
        if field(jet) == u
    ]
    order = min(map(sum, seen), default=0)
    if order == 0:
        return None
    closed = {cast(PeriodicPair, s.region).coordinate for s in periods if u in jets(s.lhs)}
    moved = {c for index in seen for c, k in zip(system.coordinates, index, strict=True) if k}
    along = tuple(str(c) for c in system.coordinates if c in moved - closed)
    free = tuple(str(c) for c in system.coordinates if c not in moved)
    return OpenLevel(u, order, along, free)
