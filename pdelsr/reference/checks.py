"""Checks that the reference solutions share, with messages for the user."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np
import sympy as sp
from jaxtyping import Float
from numpy.typing import ArrayLike
from sympy.core.function import AppliedUndef

from pdelsr.errors import ProblemError, described
from pdelsr.resources.deadline import given_up_after

if TYPE_CHECKING:
    Function: TypeAlias = Callable[[np.ndarray], np.ndarray]
else:
    Function = object  # checked by require_function, with messages for the user

VARIABLE = sp.Symbol("s", real=True)
PATIENCE = 10.0  # seconds that sympy may take to rewrite an expression
TIME_SLACK = 1e-12


def require_number(value: Any, name: str) -> float:
    """A finite real float from a number or a sympy constant."""
    symbols = getattr(value, "free_symbols", set())
    if symbols:
        listed = ", ".join(sorted(map(str, symbols)))
        raise ProblemError(
            f"{name} = {value} contains {listed}: expected a number. Substitute values for the "
            f"parameters first."
        )
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise ProblemError(f"{name} = {value!r}: expected a real number.") from error
    if not np.isfinite(number):
        raise ProblemError(f"{name} = {value}: expected a finite number.")
    return number


def require_positive(value: Any, name: str) -> float:
    """A finite positive float."""
    number = require_number(value, name)
    if number <= 0:
        raise ProblemError(f"{name} = {value}: expected a positive number.")
    return number


def require_count(value: Any, name: str, least: int) -> int:
    """A whole number that is at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ProblemError(f"{name} = {value!r}: expected a whole number, at least {least}.")
    return int(value)


def values_of(
    function: Callable[..., Any], title: str, *places: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """A user's function at places, given as an array for each coordinate.

    Raises:
        ProblemError: it fails, or gives no finite real number for each place.
    """
    try:
        given = np.asarray(function(*places))
    except Exception as error:  # anything a user's function raises
        raise ProblemError(
            f"{title} fails with {described(error)}: it is called with {len(places)} array(s) of "
            "coordinates."
        ) from error
    fits = given.dtype.kind in "iuf" and given.shape in ((), places[0].shape)
    if not fits or not np.isfinite(given).all():
        raise ProblemError(
            f"{title} gives {given.dtype} {given.shape} at {places[0].size} points, or values that "
            "are not finite: expected a finite real number for each."
        )
    return np.broadcast_to(given.astype(float), places[0].shape)


def require_interval(bounds: Any, name: str) -> tuple[float, float]:
    """An interval (low, high) with low < high."""
    if not isinstance(bounds, Sequence) or len(bounds) != 2:
        raise ProblemError(f"{name} = {bounds}: expected two numbers (low, high).")
    low, high = (require_number(bound, name) for bound in bounds)
    if low >= high:
        raise ProblemError(f"{name} = ({low:g}, {high:g}) is empty: expected low < high.")
    return low, high


def require_one_variable(expression: Any, name: str) -> sp.Expr:
    """The expression in its only variable (a symbol, or an unknown such as u(x, t)), renamed.

    Unknowns are replaced first, so that u(x, t) counts as one variable and not as two.
    """
    try:
        expr = sp.sympify(expression)
    except (sp.SympifyError, TypeError) as error:
        raise ProblemError(f"{name} = {expression!r}: expected a sympy expression.") from error
    if not isinstance(expr, sp.Expr):
        raise ProblemError(f"{name} = {expression!r}: expected a sympy expression.")
    fields = expr.atoms(AppliedUndef)
    expr = expr.xreplace({field: sp.Dummy(str(field)) for field in fields})
    variables = sorted(expr.free_symbols, key=str)
    if len(variables) > 1:
        listed = ", ".join(str(v).lstrip("_") for v in variables)
        raise ProblemError(
            f"{name} = {expression} contains {listed}: expected an expression in one variable. "
            f"Substitute values for the parameters first."
        )
    return expr.xreplace({variable: VARIABLE for variable in variables})


@lru_cache(maxsize=256)
def as_function(expression: sp.Expr) -> Callable[[Float[np.ndarray, "..."]], np.ndarray]:
    """The numpy function of an expression in `VARIABLE`, constants broadcast.

    Polynomials go through Horner's form, because numpy's general power is slow.
    """
    if expression.is_polynomial(VARIABLE) and VARIABLE in expression.free_symbols:
        with given_up_after(PATIENCE, alone=True):  # horner first multiplies out powers of sums
            expression = sp.horner(expression, wrt=VARIABLE)
    function = sp.lambdify(VARIABLE, expression, modules=["numpy", "scipy"])
    return lambda s: np.broadcast_to(np.asarray(function(s), dtype=float), np.shape(s))


def require_points(points: ArrayLike, name: str, dim: int) -> Float[np.ndarray, "n d"]:
    """Points as a finite float array (n, dim)."""
    array = np.asarray(points, dtype=float)
    if array.ndim != 2 or array.shape[1] != dim:
        raise ProblemError(
            f"{name}: points have shape {array.shape}; expected (n, {dim}), one row a point."
        )
    if not np.isfinite(array).all():
        row = int(np.argmin(np.isfinite(array).all(axis=1)))
        raise ProblemError(f"{name}: point {row} is {array[row]}; expected finite coordinates.")
    return array


def require_within(
    values: Float[np.ndarray, " n"], low: float, high: float, name: str, axis: str
) -> Float[np.ndarray, " n"]:
    """The values clipped to [low, high]; refused if they lie outside by more than rounding."""
    slack = TIME_SLACK * max(1.0, abs(low), abs(high) if np.isfinite(high) else 0.0)
    outside = (values < low - slack) | (values > high + slack)
    if outside.any():
        row = int(np.argmax(outside))
        raise ProblemError(
            f"{name}: point {row} has {axis} = {values[row]:g}; the reference is known for "
            f"{low:g} <= {axis} <= {high:g}."
        )
    return np.clip(values, low, high)


def require_function(f: Any, name: str) -> Function:
    """A function of numpy arrays."""
    if not callable(f):
        raise ProblemError(f"{name} = {f!r}; expected a function of numpy arrays.")
    return cast(Function, f)
