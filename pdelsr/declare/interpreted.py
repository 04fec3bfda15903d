"""Values of an expression and of all its parts at points, without compiling it.

Compiling does not pay for an expression that is evaluated once, or at few points.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from functools import lru_cache, reduce
from typing import Any, TypeAlias, cast

import numpy as np
import sympy as sp
from jaxtyping import Float
from sympy.core.relational import Relational
from sympy.logic.boolalg import And, BooleanFalse, BooleanTrue, Not, Or

from pdelsr.declare.symbols import Coefficient

Known: TypeAlias = dict[sp.Basic, Any]
"""Values, arrays (n,) or numbers, by expression; at first those of the coordinates."""

UFUNCS: dict[Any, Callable[..., Any]] = {
    sp.exp: np.exp,
    sp.log: np.log,
    sp.sin: np.sin,
    sp.cos: np.cos,
    sp.tan: np.tan,
    sp.sinh: np.sinh,
    sp.cosh: np.cosh,
    sp.tanh: np.tanh,
    sp.atan: np.arctan,
    sp.atan2: np.arctan2,
    sp.Abs: np.abs,
    sp.sign: np.sign,
    sp.floor: np.floor,
    sp.ceiling: np.ceil,
}
COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def columns(coordinates: tuple[sp.Symbol, ...], points: Float[np.ndarray, "n d"]) -> Known:
    """The values of the coordinates at points."""
    return dict(zip(coordinates, points.T, strict=True))


def value(
    expression: sp.Basic,
    known: Known,
    called: Callable[[Any, Known], Any] = lambda applied, known: math.nan,
) -> Any:
    """The values of an expression, nan where there is none; adds those of its parts to `known`.

    Args:
        expression: of the coordinates in `known`.
        known: values by expression; extended in place.
        called: gives the values of a user's callable.
    """
    if expression in known:
        return known[expression]
    with np.errstate(all="ignore"):
        return _Interpreter(known, called).value(expression)


class _Interpreter:
    def __init__(self, known: Known, called: Callable[[Any, Known], Any]) -> None:
        self.known, self.called = known, called

    def value(self, expression: sp.Basic) -> Any:
        if expression not in self.known:
            self.known[expression] = self._fresh(expression)
        return self.known[expression]

    def _fresh(self, e: Any) -> Any:
        if isinstance(e, sp.Expr) and e.is_number:
            return _number(e)
        if isinstance(e, BooleanTrue | BooleanFalse):
            return bool(e)
        if isinstance(e, Coefficient):
            return self.called(e, self.known)
        if isinstance(e, sp.Piecewise):
            return self._chosen(e)
        arguments = [self.value(a) for a in e.args]
        if isinstance(e, sp.Add):
            return reduce(operator.add, arguments)
        if isinstance(e, sp.Mul):
            return reduce(operator.mul, arguments)
        if isinstance(e, sp.Pow):
            return np.power(np.asarray(arguments[0], dtype=float), arguments[1])
        if isinstance(e, Relational):
            return COMPARISONS[cast(Any, e).rel_op](*arguments)
        if isinstance(e, And | Or):
            return reduce(np.logical_and if isinstance(e, And) else np.logical_or, arguments)
        if isinstance(e, Not):
            return np.logical_not(arguments[0])
        ufunc = UFUNCS.get(e.func) or _printed(e.func, len(arguments))
        try:
            return ufunc(*arguments)
        except Exception:  # what numpy and scipy lack has no values
            return math.nan

    def _chosen(self, e: Any) -> Any:
        """The values of a Piecewise: at each point the first piece whose condition holds."""
        found: Any = math.nan
        for piece, condition in reversed(e.args):
            found = np.where(self.value(condition), self.value(piece), found)
        return found


@lru_cache(maxsize=4096)
def _number(e: sp.Expr) -> float:
    try:
        return float(e)
    except (TypeError, OverflowError):
        return math.nan


@lru_cache(maxsize=256)
def _printed(function: Any, count: int) -> Callable[..., Any]:
    """Any other sympy function, by numpy or scipy."""
    arguments = sp.symbols(f"a:{count}", real=True)
    try:
        return sp.lambdify(arguments, function(*arguments), modules=["scipy", "numpy"])
    except Exception:  # anything a printer raises
        return lambda *_: math.nan
