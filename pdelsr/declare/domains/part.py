"""A named part of a boundary, which turns points of the unit cube into points and normals."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from jaxtyping import Bool, Float

Kind = Literal["side", "initial", "final"]

if TYPE_CHECKING:
    PlacedPoints: TypeAlias = Float[np.ndarray, "n d"]
    Kept: TypeAlias = Bool[np.ndarray, " n"]
else:
    PlacedPoints = Kept = object  # checked by contract.py, with messages for the user


@dataclass(frozen=True, eq=False)
class BoundaryPoints:
    """Points of a boundary and the outward unit normals there.

    Attributes:
        points: Points, (n, d).
        normals: Outward unit normals, (n, d). On the sides of a product with time the time
            component is zero.
    """

    points: Float[np.ndarray, "n d"]
    normals: Float[np.ndarray, "n d"]


@dataclass(frozen=True, eq=False)
class Placement:
    """Where each row of the unit cube landed, and whether it landed on the shape.

    Attributes:
        points: One point a row, (n, d).
        kept: True where the point belongs to the shape, (n,).
    """

    points: PlacedPoints
    kept: Kept


@dataclass(frozen=True, repr=False)
class Part(ABC):
    """A named part of a boundary.

    The map from the unit cube preserves measure up to a factor, so that uniform points of the
    cube become uniform points of the part.

    Attributes:
        name: Name by which conditions address the part, such as "x=0".
    """

    name: str

    @property
    def kind(self) -> Kind:
        """ "side", or "initial" and "final" for the two ends of time."""
        return "side"

    @property
    @abstractmethod
    def unit_dim(self) -> int:
        """Dimension of the unit cube that the part is mapped from; 0 for a single point."""

    @property
    @abstractmethod
    def measure(self) -> float:
        """Length, area or volume of the part; 1 for a single point."""

    @property
    def bounding_box(self) -> Float[np.ndarray, "d 2"] | None:
        """Lower and upper bound of each coordinate, (d, 2), where they are known."""
        return None

    @abstractmethod
    def place(self, unit: Float[np.ndarray, "n k"]) -> Placement:
        """Map every row of the unit cube, and say which rows landed on the part."""

    @abstractmethod
    def normals(self, points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        """Outward unit normals at points that lie on the part."""

    @abstractmethod
    def contains(
        self, points: Float[np.ndarray, "n d"], tolerance: float = 0.0
    ) -> Bool[np.ndarray, " n"]:
        """Whether each point lies within `tolerance` of the part."""

    def from_unit(self, unit: Float[np.ndarray, "n k"]) -> BoundaryPoints:
        """Map rows of the unit cube to the part, dropping those that miss it.

        Args:
            unit: Points of the unit cube, (n, unit_dim).

        Returns:
            At most n points with their normals, in the order of the rows.
        """
        placed = self.place(unit)
        points = placed.points[placed.kept]
        return BoundaryPoints(points, self.normals(points))

    def __repr__(self) -> str:
        return f"<part '{self.name}': {self.kind}, measure {self.measure:.6g}>"
