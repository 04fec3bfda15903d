"""Boundary parts chosen by a sympy predicate in the coordinates, such as `sp.Eq(x, 0)`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
import sympy as sp
from jaxtyping import Bool, Float
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational
from sympy.logic.boolalg import Boolean, BooleanAtom

from pdelsr.declare.domains.checks import listed
from pdelsr.declare.domains.filtered import FilteredPart
from pdelsr.declare.evaluate import numpy_function, real
from pdelsr.declare.long_sums import text_of
from pdelsr.errors import ProblemError, described

_COMPARE: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "==": lambda gap, tolerance: np.abs(gap) <= tolerance,
    "!=": lambda gap, tolerance: np.abs(gap) > tolerance,
    "<": lambda gap, tolerance: gap < -tolerance,
    "<=": lambda gap, tolerance: gap <= tolerance,
    ">": lambda gap, tolerance: gap > tolerance,
    ">=": lambda gap, tolerance: gap >= -tolerance,
}


@dataclass(frozen=True, repr=False)
class PredicatePart(FilteredPart):
    """The points of a part where a predicate holds.

    Attributes:
        predicate: Sympy relation, or And, Or, Not of relations, in the coordinates.
        coordinates: Symbols of the columns of the points.
        tolerance: Distance within which two sides count as equal.
    """

    predicate: Boolean
    coordinates: tuple[sp.Symbol, ...]
    tolerance: float

    def keeps(self, points: Float[np.ndarray, "n d"]) -> Bool[np.ndarray, " n"]:
        return holds(self.predicate, self.coordinates, points, self.tolerance)


def require_known_coordinates(predicate: Boolean, coordinates: tuple[sp.Symbol, ...]) -> None:
    """Refuse a predicate with symbols other than the coordinates."""
    strangers = (predicate.free_symbols - set(coordinates)) | predicate.atoms(AppliedUndef)
    if strangers:
        raise ProblemError(
            f"the predicate {predicate} uses {listed(sorted(strangers, key=str))}; "  # pyright: ignore
            f"it may use the coordinates {listed(coordinates)} only"
        )


def holds(
    predicate: Boolean,
    coordinates: tuple[sp.Symbol, ...],
    points: Float[np.ndarray, "n d"],
    tolerance: float,
) -> Bool[np.ndarray, " n"]:
    """Whether a predicate holds at each point.

    Equality means |lhs - rhs| <= tolerance, and the inequalities agree with it: `<=` includes sides
    that count as equal, `<` excludes them.

    Args:
        predicate: Relation, or And, Or, Not of relations.
        coordinates: Symbols of the columns of `points`.
        points: Points, (n, d).
        tolerance: Absolute tolerance of equality.

    Raises:
        ProblemError: The predicate is built of something else.
    """
    if isinstance(predicate, BooleanAtom):
        return np.full(len(points), bool(predicate))
    if isinstance(predicate, Relational):
        return _compare(predicate, coordinates, points, tolerance)
    results = [holds(arg, coordinates, points, tolerance) for arg in predicate.args]  # pyright: ignore
    if isinstance(predicate, sp.And):
        return np.logical_and.reduce(results)
    if isinstance(predicate, sp.Or):
        return np.logical_or.reduce(results)
    if isinstance(predicate, sp.Not):
        return ~results[0]
    raise ProblemError(
        f"the predicate {predicate} is not understood; build it of Eq, Ne, <, <=, >, >=, "
        "And, Or and Not"
    )


def _compare(
    relation: Relational,
    coordinates: tuple[sp.Symbol, ...],
    points: Float[np.ndarray, "n d"],
    tolerance: float,
) -> Bool[np.ndarray, " n"]:
    """Where a relation holds; it does not where a side is undefined (NaN)."""
    gap = cast(sp.Expr, relation.lhs - relation.rhs)  # pyright: ignore
    try:
        with np.errstate(all="ignore"):
            found = real(np.asarray(numpy_function(gap, coordinates)(*points.T)))
            values = np.broadcast_to(found.astype(float), len(points))
    except Exception as error:  # anything a printer or numpy raises
        raise ProblemError(
            f"the predicate {text_of(relation)} cannot be evaluated ({described(error)}); build it "
            "of functions that numpy or scipy has"
        ) from error
    return _COMPARE[relation.rel_op](values, tolerance)  # pyright: ignore
