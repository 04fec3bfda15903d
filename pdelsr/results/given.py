"""Types of what a user gives to a solution: exact for editors and pyright, open at run time.

At run time `points.py`, `derivative.py` and `plot/slices.py` check these values themselves, in the
user's words; the type checks of the test suite must not come first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TypeAlias

import sympy as sp
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from xarray import Dataset

    Positions: TypeAlias = ArrayLike
    """Numbers: an array, a tensor, a list, or one of them."""
    At: TypeAlias = (
        Mapping[str, ArrayLike]
        | Mapping[sp.Symbol, ArrayLike]
        | Mapping[str | sp.Symbol, ArrayLike]
        | None
    )
    """Coordinates to hold, by name or symbol, at a number or at several in turn."""
    Derivative: TypeAlias = str | sp.Basic
    """A derivative of an unknown by its name, such as "u_x", or by sympy."""
    Derivatives: TypeAlias = Derivative | Iterable[Derivative]
    """One or several."""
else:
    Dataset = Positions = At = Derivative = Derivatives = object

__all__ = ["At", "Dataset", "Derivative", "Derivatives", "Positions"]
