"""The residual of a statement at points where its fields are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, cast

import numpy as np
import sympy as sp
from jaxtyping import Float

from pdelsr.declare.callables import Values
from pdelsr.declare.expressions import jets, multiplied_out
from pdelsr.declare.symbols import normal

MANY = 128  # terms with jets to which a residual is multiplied out; each is compiled
FEW = 8  # terms that one term may always become


@dataclass(frozen=True, eq=False)
class Sizes:
    """A residual at points, and the sizes of its terms.

    Attributes:
        residual: F, (n,).
        terms: Σ |terms of F|, (n,).
    """

    residual: Float[np.ndarray, " n"]
    terms: Float[np.ndarray, " n"]


@dataclass(frozen=True, eq=False)
class KnownResidual:
    """F where its jets are known as expressions.

    Attributes:
        residual: F, with the values of the parameters.
        known: maps a jet to its expression in the coordinates, or to None if unknown.
        coordinates: symbols of the columns of the points.
    """

    residual: sp.Expr
    known: Callable[[sp.Expr], sp.Expr | None]
    coordinates: tuple[sp.Symbol, ...]

    @cached_property
    def is_known(self) -> bool:
        """Whether every jet is known."""
        return all(e is not None for e in self._jets.values())

    def at(
        self,
        points: Float[np.ndarray, "n d"],
        normals: Float[np.ndarray, "n d"] | None = None,
    ) -> Sizes | None:
        """F and the size of its terms at points; None if they cannot be evaluated.

        Args:
            points: (n, d).
            normals: outward normals there; ones if there are none, which bound every term.
        """
        normals = np.ones_like(points) if normals is None else normals
        columns = [points, normals]
        for value in self._jet_values:
            found = value(points)
            if found is None:
                return None
            columns.append(found[:, None])
        table = np.hstack(columns)
        found = [term(table) for term in self._terms]
        if any(f is None for f in found):
            return None
        terms = np.array(cast(Any, found))
        return Sizes(terms.sum(axis=0), np.abs(terms).sum(axis=0))

    @cached_property
    def _jets(self) -> dict[sp.Expr, sp.Expr | None]:
        return {jet: self.known(jet) for jet in jets(self.residual)}

    @cached_property
    def _jet_values(self) -> list[Values]:
        return [_compiled(cast(sp.Expr, e), self.coordinates) for e in self._jets.values()]

    @cached_property
    def _terms(self) -> list[Values]:
        symbols = {jet: cast(sp.Symbol, sp.Dummy(real=True)) for jet in self._jets}
        normals = (normal(c) for c in self.coordinates)
        columns = (*self.coordinates, *normals, *symbols.values())
        F = cast(sp.Expr, self.residual.xreplace(cast(Any, symbols)))
        own = set(symbols.values())
        terms = _multiplied_out(sp.Add.make_args(F), own)
        with_jets = [term for term in terms if term.free_symbols & own]
        data = sp.Add(*(term for term in terms if not term.free_symbols & own))
        return [Values(term, columns) for term in (*with_jets, data)]


@lru_cache(maxsize=256)
def _compiled(expression: sp.Expr, coordinates: tuple[sp.Symbol, ...]) -> Values:
    """The values of an expression, compiled once for all statements about the same fields."""
    return Values(expression, coordinates)


def _multiplied_out(terms: tuple[sp.Expr, ...], own: set[sp.Symbol]) -> tuple[sp.Expr, ...]:
    """The terms with jets multiplied out, to measure sizes before anything cancels.

    Together they become at most `MANY` terms, or `FEW` for each given one.
    """
    count = sum(bool(term.free_symbols & own) for term in terms)
    most = max(MANY // max(count, 1), FEW)
    sums = (multiplied_out(t, most) if t.free_symbols & own else t for t in terms)
    return sp.Add.make_args(sp.Add(*sums))
