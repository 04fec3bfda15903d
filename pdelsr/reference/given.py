"""Types of what a user gives to a reference: exact for editors and pyright, open at run time.

At run time `checks.py` checks these values, in the user's words; the type checks of the test suite
must not come first.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import sympy as sp

if TYPE_CHECKING:
    # to pyright, what comes out of sympy is often one of several classes, and Basic is their base
    Number: TypeAlias = float | Decimal | Fraction | np.generic | sp.Basic
    """A number, or an expression of sympy's."""
    Formula: TypeAlias = Number
    """An expression in one symbol."""
    Bounds: TypeAlias = tuple[Number, Number]
    """Two ends, from low to high."""
    Maker: TypeAlias = Callable[..., Callable[[np.ndarray], np.ndarray]]
    """Makes a callable of points (n, d) from input functions by name."""
else:
    Number = Formula = object
    Bounds, Maker = tuple[Any, Any], Callable[..., Any]
