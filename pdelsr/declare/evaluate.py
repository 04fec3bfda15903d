"""Numerical values of sympy expressions in the coordinates, by numpy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, cast

import numpy as np
import sympy as sp
from jaxtyping import Float

from pdelsr.declare.decimals import decimal_text
from pdelsr.declare.interpreted import UFUNCS, value
from pdelsr.declare.sharing import is_large, shared_subexpressions
from pdelsr.errors import ProblemError

ROUNDED = 1e-12  # of the largest value: an imaginary part below is rounding


def evaluate(
    expression: sp.Expr,
    coordinates: tuple[sp.Symbol, ...],
    points: Float[np.ndarray, "n d"],
    what: str,
) -> Float[np.ndarray, " n"]:
    """Evaluate an expression in the coordinates at points.

    Args:
        expression: free of unknowns and parameters.
        coordinates: symbols of the columns of `points`.
        points: points, (n, d).
        what: the expression's name in messages.

    Raises:
        ProblemError: numpy cannot evaluate it, or a value is complex or not finite.
    """
    try:
        with np.errstate(all="ignore"):
            values = np.asarray(numpy_function(expression, coordinates)(*points.T))
            size = _size_of_terms(expression, coordinates, points) if _is_complex(values) else 0.0
            values = real(values, size).astype(np.float64)
    except Exception as error:  # anything a printer or a callable raises
        raise ProblemError(
            f"{what}: {decimal_text(expression)} cannot be evaluated ({error})."
        ) from error
    return require_finite(np.broadcast_to(values, len(points)).copy(), points, coordinates, what)


def real(values: np.ndarray, size: float = 0.0) -> np.ndarray:
    """Values without their imaginary part, which is zero up to rounding.

    Args:
        values: of an expression at points.
        size: of the terms that they add up, if larger than the values.

    Raises:
        TypeError: it is not zero, as for sp.root(-8, 3), which is not -2.
    """
    if _is_complex(values) and (np.abs(np.imag(values)) > ROUNDED * max(size, _size(values))).any():
        raise TypeError(
            "a value is complex; the real root of a negative number is sp.real_root(-8, 3)"
        )
    return np.real(values)


def _is_complex(values: np.ndarray) -> bool:
    return bool(np.iscomplexobj(values) and np.imag(values).any())


def _size(values: Any) -> float:
    """The largest absolute value among the finite ones."""
    sizes = np.abs(np.asarray(values))
    return float(np.max(sizes, where=np.isfinite(sizes), initial=0.0))


def _size_of_terms(
    expression: sp.Expr, coordinates: tuple[sp.Symbol, ...], points: Float[np.ndarray, "n d"]
) -> float:
    """The largest absolute value of the terms of a sum."""
    terms = (numpy_function(term, coordinates) for term in sp.Add.make_args(expression))
    return max(_size(term(*points.T)) for term in terms)


@lru_cache(maxsize=64)
def numpy_function(expression: sp.Expr, symbols: tuple[sp.Symbol, ...]) -> Callable[..., Any]:
    """The expression as a function of arrays, one for each symbol, by numpy and scipy.

    The checks of one declaration evaluate the same few expressions, which may have a thousand
    terms. Compiling such long ones does not pay for the few points where they are evaluated.
    """
    if is_large([expression]):
        return _Interpreted(expression, symbols)
    return _compiled(expression, symbols)


@dataclass(frozen=True)
class _Interpreted:
    """A large expression as a function of arrays; compiled if interpreting it gives no values."""

    expression: sp.Expr
    symbols: tuple[sp.Symbol, ...]

    def __call__(self, *columns: Any) -> Any:
        found = value(self.expression, dict(zip(self.symbols, columns, strict=True)))
        if np.isfinite(found).all():
            return found
        return self._code(*columns)

    @cached_property
    def _code(self) -> Callable[..., Any]:
        return _compiled(self.expression, self.symbols)


def _compiled(expression: sp.Expr, symbols: tuple[sp.Symbol, ...]) -> Callable[..., Any]:
    from pdelsr.declare.numpy_code import NumpyCode

    listed = sp.lambdify(
        symbols,
        [expression],
        modules=_namespaces(expression),
        printer=cast(Any, NumpyCode()),
        cse=cast(Any, shared_subexpressions),
    )
    return lambda *columns: listed(*columns)[0]


def _namespaces(expression: sp.Expr) -> list[Any]:
    """Modules with the names in its code, besides those of numpy that the printer imports itself.

    Elementary functions are in numpy. Others may be in scipy.special, which loads slowly.
    """
    functions = {applied.func for applied in expression.atoms(sp.Function)}
    return [{"pi": np.pi}] if functions <= UFUNCS.keys() else ["scipy", "numpy"]


def require_finite(
    values: Float[np.ndarray, "*shape"],
    points: Float[np.ndarray, "n d"],
    coordinates: tuple[sp.Symbol, ...],
    what: str,
) -> Float[np.ndarray, "*shape"]:
    """Refuse values that are not finite, naming the first point; return them otherwise."""
    bad = ~np.isfinite(values).reshape(len(points), -1).all(axis=1)
    if bad.any():
        i = int(np.argmax(bad))
        at = ", ".join(f"{c} = {v:.6g}" for c, v in zip(coordinates, points[i], strict=True))
        raise ProblemError(
            f"{what}: the value at {at} is {values[i]}, which is not finite; check the formula "
            "there."
        )
    return values
