"""Values of an expression and of all its parts at points, without compiling it.

A survey looks at arguments of functions, at few points and only once, so that printing code for
them would cost more than it saves.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from functools import lru_cache, reduce
from typing import Any, TypeAlias, cast

import numpy as np
import sympy as sp
import torch
from jaxtyping import Float
from sympy.core.relational import Relational
from sympy.logic.boolalg import And, BooleanFalse, BooleanTrue, Not, Or

from pdelsr.declare.symbols import Coefficient
from pdelsr.survey.recorded import Call, recorded

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


def value(expression: sp.Basic, known: Known) -> Any:
    """The values of an expression, nan where there is none; those of its parts join `known`.

    Args:
        expression: in the coordinates that `known` begins with.
        known: changed: values by expression.
    """
    if expression not in known:
        with np.errstate(all="ignore"):
            known[expression] = _fresh(expression, known)
    return known[expression]


def columns(coordinates: tuple[sp.Symbol, ...], points: Float[np.ndarray, "n d"]) -> Known:
    """The values of the coordinates at points."""
    return dict(zip(coordinates, points.T, strict=True))


def _fresh(e: Any, known: Known) -> Any:
    if isinstance(e, sp.Expr) and e.is_number:
        return _number(e)
    if isinstance(e, BooleanTrue | BooleanFalse):
        return bool(e)
    if isinstance(e, Coefficient):
        return _called(e, known)
    if isinstance(e, sp.Piecewise):
        return _chosen(e, known)
    arguments = [value(a, known) for a in e.args]
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
    except Exception:  # whatever numpy and scipy lack is not surveyed
        return math.nan


@lru_cache(maxsize=4096)
def _number(e: sp.Expr) -> float:
    try:
        return float(e)
    except (TypeError, OverflowError):
        return math.nan


def _chosen(e: Any, known: Known) -> Any:
    """A Piecewise: the first piece whose condition holds."""
    found: Any = math.nan
    for piece, condition in reversed(e.args):
        found = np.where(value(condition, known), value(piece, known), found)
    return found


@lru_cache(maxsize=256)
def _printed(function: Any, count: int) -> Callable[..., Any]:
    """Any other function of sympy's, as numpy or scipy have it."""
    arguments = sp.symbols(f"a:{count}", real=True)
    try:
        return sp.lambdify(arguments, function(*arguments), modules=["scipy", "numpy"])
    except Exception:  # whatever a printer raises
        return lambda *_: math.nan


def calls_in(applied: Any, known: Known) -> list[Call]:
    """What a callable of the user's computes on its way to its values."""
    return recorded(applied._imp_, _tensors(applied, known))


def _called(applied: Any, known: Known) -> Any:
    """A callable of the user's; one that fails is told of by the stage that needs it."""
    tensors = _tensors(applied, known)
    try:
        given = applied._imp_(*tensors)
        given = given.detach().cpu().numpy() if isinstance(given, torch.Tensor) else given
        values = np.asarray(given, dtype=float).reshape(-1)
        return np.broadcast_to(values, len(tensors[0]))
    except (Exception, SystemExit):  # whatever a user's function raises
        return math.nan


def _tensors(applied: Any, known: Known) -> list[torch.Tensor]:
    """The arguments of a callable at all points."""
    n = next((len(v) for k, v in known.items() if isinstance(k, sp.Symbol)), 1)
    arguments = (value(a, known) for a in applied.args)
    return [torch.as_tensor(np.broadcast_to(a, n).astype(float)) for a in arguments]
