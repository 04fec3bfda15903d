"""Values of an expression and of all its parts at points, without compiling it.

What is looked at once, or at few points, is not worth code: printing it costs more than it saves.
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
"""Arrays (n,) of values, and numbers, by expression; that of each coordinate to begin with."""

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
    """The values of an expression, nan where there is none; those of its parts join `known`.

    Args:
        expression: in the coordinates that `known` begins with.
        known: changed: values by expression.
        called: gives the values of a callable of the user's.
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
        except Exception:  # whatever numpy and scipy lack has no values
            return math.nan

    def _chosen(self, e: Any) -> Any:
        """A Piecewise: the first piece whose condition holds."""
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
    """Any other function of sympy's, as numpy or scipy have it."""
    arguments = sp.symbols(f"a:{count}", real=True)
    try:
        return sp.lambdify(arguments, function(*arguments), modules=["scipy", "numpy"])
    except Exception:  # whatever a printer raises
        return lambda *_: math.nan
