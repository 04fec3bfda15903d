"""Where a statement of the problem holds: the interior, boundary parts, a periodic pair, points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import sympy as sp
from jaxtyping import Float

from pdelsr.declare.domains import Domain, Part

if TYPE_CHECKING:
    Parts: TypeAlias = tuple[Part, ...]
else:
    Parts = object  # checked by conditions/contract.py, with messages for the user


@dataclass(frozen=True)
class Interior:
    """The inside of the domain.

    Attributes:
        domain: of the problem.
    """

    domain: Domain

    @property
    def label(self) -> str:
        """Its name in messages and tables."""
        return "interior"


@dataclass(frozen=True)
class OnParts:
    """A union of parts of the boundary.

    Attributes:
        parts: as `domain.select(on)` gives them.
    """

    parts: Parts

    @property
    def label(self) -> str:
        """Its name in messages and tables."""
        names = [part.name for part in self.parts]
        return ", ".join(names) if len(names) <= 4 else f"{names[0]}, ..., {names[-1]}"


@dataclass(frozen=True)
class PeriodicPair:
    """The two faces of a periodic coordinate, site 0 low and site 1 high."""

    coordinate: sp.Symbol

    @property
    def label(self) -> str:
        """Its name in messages and tables."""
        return self.coordinate.name


@dataclass(frozen=True, eq=False)
class AtPoints:
    """Given points with one observed value each."""

    points: Float[np.ndarray, "n d"]
    values: Float[np.ndarray, " n"]

    @property
    def label(self) -> str:
        """Its name in messages and tables."""
        return f"{len(self.points)} points"


Region: TypeAlias = Interior | OnParts | PeriodicPair | AtPoints
