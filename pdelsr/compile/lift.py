"""Lifts g and factors D: expressions that meet data on faces and at the initial time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sympy as sp

from pdelsr.declare.domains import Domain, Part
from pdelsr.declare.domains.exact_number import exact_number
from pdelsr.declare.expressions import at, derivative


def lift_sides(domain: Domain, values: Mapping[Part, sp.Expr]) -> sp.Expr:
    """An expression that equals the given value on each of the given sides.

    One value for all sides is its own lift. Different values on faces of a box are blended
    coordinate by coordinate: with ξ from 0 to 1 across the box,
    g ← g + (1 - ξ)(a - g|low) + ξ (b - g|high), which keeps earlier faces if the values agree on
    common edges.

    Raises:
        ProblemError: the sides are curved and their values differ.
    """
    different = set(values.values())
    if len(different) == 1:
        return different.pop()
    lift: sp.Expr = sp.Integer(0)
    for x in domain.space.coordinates:
        low, high = domain.faces(x)
        ends = [
            (face, exact_number(v)) for face, v in zip((low, high), domain.bounds(x), strict=True)
        ]
        lift = _blend(lift, x, [(values[f], at) for f, at in ends if f in values], ends)
    return lift


def lift_initial(lift: sp.Expr, t: sp.Symbol, start: float, data: Sequence[sp.Expr]) -> sp.Expr:
    """Correct a lift so that u, u_t, ... at the initial time are the data.

    g ← g + Σ_k (t - t0)^k / k! (u_k - ∂_t^k g|t0).
    """
    t0 = exact_number(start)
    correction: sp.Expr = sp.Integer(0)
    for k, value in enumerate(data):
        now = at(derivative(lift, (k,), (t,)), t, t0)
        gap = at(value, t, t0) - now
        correction += (t - t0) ** k / sp.factorial(k) * gap
    return lift + correction


def factor_initial(t: sp.Symbol, start: float, count: int) -> sp.Expr:
    """(t - t0)^count, which leaves the first `count` time derivatives at t0 unchanged."""
    return (t - exact_number(start)) ** count


def _blend(
    lift: sp.Expr,
    x: sp.Symbol,
    given: list[tuple[sp.Expr, sp.Rational]],
    ends: list[tuple[Part, sp.Rational]],
) -> sp.Expr:
    """Correct a lift on the faces across one coordinate."""
    (_, low), (_, high) = ends
    xi = (x - low) / (high - low)
    weights = {low: 1 - xi, high: xi} if len(given) == 2 else {low: 1, high: 1}
    corrections = (weights[end] * at(value - lift, x, end) for value, end in given)
    return lift + sp.Add(*corrections)
