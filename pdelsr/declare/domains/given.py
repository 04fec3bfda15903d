"""Types of what a user gives: exact for editors and pyright, open at run time.

At run time the domains check these values themselves, in `__post_init__`, and refuse them in the
user's words; the type checks of the test suite must not come first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import sympy as sp

from pdelsr.declare.domains.part import Part

if TYPE_CHECKING:
    Number: TypeAlias = float | int | sp.Expr
    Coordinate: TypeAlias = sp.Symbol
    Coordinates: TypeAlias = tuple[sp.Symbol, ...]
    Vector: TypeAlias = Sequence[Number]
    Vertices: TypeAlias = Sequence[Sequence[Number]]
    # a relation is meant; sympy's decorators hide its classes from pyright, and Basic is their base
    On: TypeAlias = str | Part | sp.Basic | Sequence[str | Part | sp.Basic] | None
else:
    Number = Coordinate = Coordinates = Vector = Vertices = On = object
