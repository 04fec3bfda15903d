"""Types of user arguments: exact for editors and pyright, open at run time.

At run time the domains check these values themselves, in `__post_init__`, with messages for the
user; the type checks of the test suite must not come first.
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
    # stands for a relation, whose classes sympy's decorators hide from pyright
    On: TypeAlias = str | Part | sp.Basic | Sequence[str | Part | sp.Basic] | None
else:
    Number = Coordinate = Coordinates = Vector = Vertices = On = object
