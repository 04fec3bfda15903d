"""Types of what a user gives to `coordinates`, `unknown` and the like; open at run time.

At run time `symbols.py` checks these values itself, in the user's words; the type checks of the
test suite must not come first. To pyright, what comes out of sympy's functions and operators is
often one of several classes, whose base is `sp.Basic`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import sympy as sp
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    Name: TypeAlias = str
    """A name, or several of coordinates, separated by spaces."""
    Coordinate: TypeAlias = sp.Symbol
    """A coordinate itself, not its name."""
    Argument: TypeAlias = float | sp.Basic
    """A coordinate, or an expression in coordinates."""
    Function: TypeAlias = Callable[..., ArrayLike]
    """A function of one array or tensor an argument, to values at them."""
    Field: TypeAlias = sp.Basic
    """An unknown, or an expression in unknowns."""

    class Symbols(sp.Symbol, tuple[sp.Symbol, ...]):  # pyright: ignore[reportGeneralTypeIssues]
        """One symbol, or a tuple of them: the text says which, so that a type allows both."""

else:
    Name = Coordinate = Argument = Function = Field = Symbols = object
