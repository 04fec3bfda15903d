"""Types of conditions: what a user gives, and what is read from it; open at run time.

At run time the conditions check these values themselves, in `__post_init__`, and refuse them in the
user's words; the type checks of the test suite must not come first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import sympy as sp
from jaxtyping import Float
from numpy.typing import ArrayLike

from pdelsr.declare.symbols import Unknown
from pdelsr.reference.given import Number

LEFT_OUT: Any = None
"""Default of a field that is not None once `__post_init__` has found its value or asked for it."""

if TYPE_CHECKING:
    # given; sp.Eq(...) may be one of several classes to pyright, and Basic is their base
    GivenEquation: TypeAlias = sp.Basic
    """`sp.Eq(lhs, rhs)`, or where the condition says so an expression meant to be zero."""
    GivenField: TypeAlias = sp.Basic
    """An unknown, or where the condition says so an equation or an expression in unknowns."""
    GivenFields: TypeAlias = Unknown | Sequence[Unknown]
    """An unknown, or several."""
    GivenCoordinate: TypeAlias = sp.Symbol
    """A coordinate itself, not its name."""
    GivenNumber: TypeAlias = Number
    """A number, or an expression of sympy's."""
    GivenArray: TypeAlias = ArrayLike
    """An array, a tensor or nested lists of numbers."""

    # read
    Unknowns: TypeAlias = tuple[Unknown, ...]
    Coordinate: TypeAlias = sp.Symbol
    Expression: TypeAlias = sp.Expr
    Equation: TypeAlias = sp.Eq
    Name: TypeAlias = str
    Places: TypeAlias = Float[np.ndarray, "n d"]
    Values: TypeAlias = Float[np.ndarray, " n"]
else:
    GivenEquation = GivenField = GivenFields = GivenCoordinate = GivenNumber = GivenArray = object
    Unknowns = Coordinate = Expression = Equation = Name = Places = Values = object
