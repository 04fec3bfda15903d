"""Numerical values of expressions with callables, as far as they can be evaluated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
import sympy as sp
from jaxtyping import Float

from pdelsr.declare.evaluate import numpy_function
from pdelsr.declare.expressions import outermost
from pdelsr.declare.symbols import Coefficient

AS_ARGUMENT: list[Callable[[np.ndarray], Any]] = []
"""Converts an array to the argument of a callable; `compile`, which knows torch, sets it."""


@dataclass(frozen=True, eq=False)
class Values:
    """The values of an expression at points, by numpy; not finite where there is none.

    Attributes:
        expression: of the symbols and of callables of them.
        symbols: of the columns of the points.
    """

    expression: sp.Expr
    symbols: tuple[sp.Symbol, ...]

    def __call__(self, points: Float[np.ndarray, "n s"]) -> Float[np.ndarray, " n"] | None:
        """Values, (n,), or None if numpy or a callable fails: the compilation says why."""
        if self.expression.is_Rational:
            return np.full(len(points), float(cast(Any, self.expression)))
        columns = list(points.T)
        for call in self._calls:
            found = self._called(call, points)
            if found is None:
                return None
            columns.append(found)
        try:
            with np.errstate(all="ignore"):
                values = np.asarray(self._function(*columns))
        except Exception:  # anything a printer raises; the compilation explains it better
            return None
        if values.dtype.kind == "c":
            values = np.where(np.imag(values) == 0, np.real(values), np.nan)
        if values.dtype.kind not in "fiub":
            return None
        return np.broadcast_to(values.astype(np.float64), len(points))

    @property
    def has_callables(self) -> bool:
        """Whether the expression contains a callable."""
        return bool(self._calls)

    @cached_property
    def _calls(self) -> list[Any]:
        return sorted(outermost_calls(self.expression), key=sp.default_sort_key)

    @cached_property
    def _arguments(self) -> dict[Any, list[Values]]:
        return {c: [Values(a, self.symbols) for a in c.args] for c in self._calls}

    @cached_property
    def _function(self) -> Callable[..., Any]:
        stand_ins = [sp.Dummy(f"k{i}", real=True) for i in range(len(self._calls))]
        plain = self.expression.xreplace(dict(zip(self._calls, stand_ins, strict=True)))
        return numpy_function(plain, (*self.symbols, *stand_ins))

    def _called(
        self, call: Any, points: Float[np.ndarray, "n s"]
    ) -> Float[np.ndarray, " n"] | None:
        arguments = [argument(points) for argument in self._arguments[call]]
        if any(a is None for a in arguments):
            return None
        convert = AS_ARGUMENT[0] if AS_ARGUMENT else np.asarray
        try:
            with np.errstate(all="ignore"):
                given = call._imp_(*(convert(cast(Any, a).copy()) for a in arguments))
            given = given.detach().cpu().numpy() if hasattr(given, "detach") else given
            values = np.asarray(given)
        except (Exception, SystemExit):  # anything a user's function raises; the run reports it
            return None
        if values.dtype.kind not in "fiub" or values.size not in (1, len(points)):
            return None
        return np.broadcast_to(values.astype(np.float64).reshape(-1), len(points))


def outermost_calls(expression: sp.Basic) -> set[Any]:
    """The callables in an expression that are not arguments of other callables."""
    return outermost(expression, lambda e: isinstance(e, Coefficient))
