"""Values of an expression and of all its parts at points, without compiling it.

Compiling does not pay for an expression that is evaluated once, or at few points.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from functools import lru_cache, reduce
from typing import Any, NamedTuple, TypeAlias, cast

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
    left = [expression]  # a loop instead of a recursion, since it runs thousands of times
    with np.errstate(all="ignore"):
        while left:
            e = left[-1]
            if e in known:
                left.pop()
                continue
            step = _step(e)
            if step is None:
                known[e] = called(e, known)
                continue
            try:
                given = [known[a] for a in step.arguments]
            except KeyError:
                left += [a for a in reversed(step.arguments) if a not in known]
            else:
                known[e] = step.operate(given)
    return known[expression]


class _Step(NamedTuple):
    """How the values of an expression follow from those of others."""

    operate: Callable[[list[Any]], Any]
    arguments: tuple[sp.Basic, ...] = ()


@lru_cache(maxsize=4096)
def _step(e: Any) -> _Step | None:
    """The last step to the values of an expression; None if a user's callable gives them."""
    if isinstance(e, sp.Expr) and e.is_number:
        number = _number(e)
        return _Step(lambda _: number)
    if isinstance(e, BooleanTrue | BooleanFalse):
        truth = bool(e)
        return _Step(lambda _: truth)
    if isinstance(e, Coefficient):
        return None
    if isinstance(e, sp.Piecewise):
        pairs = reversed(cast(Any, e.args))
        return _Step(_chosen, tuple(part for piece, holds in pairs for part in (holds, piece)))
    return _Step(_operation(e), cast(Any, e).args)


def _operation(e: Any) -> Callable[[list[Any]], Any]:
    """The values of an expression from those of its arguments."""
    if isinstance(e, sp.Add):
        return lambda given: reduce(operator.add, given)
    if isinstance(e, sp.Mul):
        return lambda given: reduce(operator.mul, given)
    if isinstance(e, sp.Pow):
        return lambda given: np.power(np.asarray(given[0], dtype=float), given[1])
    if isinstance(e, Relational):
        compare = COMPARISONS[cast(Any, e).rel_op]
        return lambda given: compare(*given)
    if isinstance(e, And | Or):
        combine = np.logical_and if isinstance(e, And) else np.logical_or
        return lambda given: reduce(combine, given)
    if isinstance(e, Not):
        return lambda given: np.logical_not(given[0])
    ufunc = UFUNCS.get(e.func) or _printed(e.func, len(e.args))
    return lambda given: _applied(ufunc, given)


def _applied(ufunc: Callable[..., Any], given: list[Any]) -> Any:
    try:
        return ufunc(*given)
    except Exception:  # what numpy and scipy lack has no values
        return math.nan


def _chosen(given: list[Any]) -> Any:
    """The values of a Piecewise: at each point the first piece whose condition holds."""
    found: Any = math.nan
    for holds, piece in zip(given[::2], given[1::2], strict=True):  # the last pair first
        found = np.where(holds, piece, found)
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
