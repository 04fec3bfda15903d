"""Checks of the numbers, vectors and symbols that a user gives to a domain."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import sympy as sp
from jaxtyping import Float

from pdelsr.declare.long_sums import short_text
from pdelsr.errors import ProblemError

SMALLEST = 1e-30  # size of a domain; its fourth power and the inverse of that are finite
MOST_NAMED = 20  # parts that a message names
BLURRED = 1e-10  # size relative to the distance from the origin


def require_number(value: Any, what: str) -> float:
    """Convert a number or a sympy constant to a finite float.

    Raises:
        ProblemError: The value is not a constant, or it is not finite.
    """
    try:
        number = math.nan if isinstance(value, str) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise ProblemError(
            f"{what}: got {short_text(value)}, expected a finite number or a sympy constant such "
            "as sp.pi"
        )
    return number + 0.0  # turns -0.0 into 0.0, which would print as '-0'


def require_vector(values: Any, length: int, what: str) -> tuple[float, ...]:
    """Convert a sequence of constants to a tuple of `length` finite floats.

    Raises:
        ProblemError: The length differs, or one entry is not a finite constant.
    """
    items = tuple(values) if _is_sequence(values) else None
    if items is None or len(items) != length:
        raise ProblemError(f"{what}: got {values}, expected {length} numbers, one a coordinate")
    return tuple(require_number(item, what) for item in items)


def require_symbols(symbols: Any, owner: str) -> tuple[sp.Symbol, ...]:
    """Convert one symbol or a sequence of distinct symbols to a tuple.

    Raises:
        ProblemError: An entry is not a sympy symbol, or one appears twice.
    """
    items = tuple(symbols) if _is_sequence(symbols) else (symbols,)
    for item in items:
        if not isinstance(item, sp.Symbol):
            raise ProblemError(
                f"{owner}: got {item!r} as a coordinate, expected a symbol; "
                "declare it by pdelsr.coordinates, as in x, y = coordinates('x y')"
            )
    if len(set(items)) != len(items) or not items:
        raise ProblemError(f"{owner}: got coordinates {items}, expected distinct ones")
    return items


def require_order(low: float, high: float, what: str) -> None:
    """Refuse an interval that is empty or inverted."""
    if low == high:
        raise ProblemError(f"{what} is empty: the lower bound must be below the upper bound")
    if low > high:
        raise ProblemError(
            f"{what} is inverted: the lower bound must be below the upper bound; swap them"
        )


def require_size(bounds: Float[np.ndarray, "d 2"], owner: str) -> None:
    """Refuse sizes whose powers overflow, and sides that rounding of the coordinates blurs."""
    for low, high in bounds:
        size, far = high - low, max(abs(low), abs(high))
        if size < BLURRED * far:
            raise ProblemError(
                f"{owner}: its size {size:.3g} is less than {BLURRED:g} of its distance {far:.3g} "
                "from the origin, so that rounding blurs it; move the origin closer"
            )
        if not SMALLEST <= size <= 1 / SMALLEST:
            raise ProblemError(
                f"{owner}: its size is {size:.3g}, expected {SMALLEST:g} to {1 / SMALLEST:g}; "
                "choose units in which it is of order one"
            )


def require_name(name: object, owner: str) -> None:
    """Refuse a name that is neither None nor a non-empty string."""
    if name is not None and (not isinstance(name, str) or not name.strip()):
        raise ProblemError(f"{owner}: got name={name!r}, expected a non-empty string or None")


def quoted(names: Iterable[str]) -> str:
    """Names as text for a message: 'x=0', 'x=1'."""
    return first_ones([f"'{name}'" for name in names])


def first_ones(texts: Sequence[str]) -> str:
    """A list for a message, shortened if it is long."""
    more = len(texts) - MOST_NAMED
    told = ", ".join(texts[:MOST_NAMED])
    return f"{told} and {more} more" if more > 0 else told


def listed(symbols: Iterable[sp.Symbol]) -> str:
    """Symbols as text for a message: x, y."""
    return ", ".join(str(symbol) for symbol in symbols)


def _is_sequence(values: object) -> bool:
    return not isinstance(values, (str, dict, set)) and hasattr(values, "__len__")
