"""The interface of every domain: its points, its boundary parts and how domains combine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import numpy as np
import sympy as sp
from jaxtyping import Bool, Float

from pdelsr.declare.domains.checks import listed
from pdelsr.declare.domains.given import On
from pdelsr.declare.domains.part import Part, Placement
from pdelsr.declare.domains.select import named_part, select_parts
from pdelsr.errors import ProblemError

OPERATIONS: dict[str, Callable[[Domain, object], Domain]] = {}
"""The functions behind `|`, `&`, `-` and `*`; csg.py and product.py register them here."""

ZERO_LENGTH = 1e-9
"""Lengths below this share of a domain's diameter count as zero."""


class Domain(ABC):
    """A closed bounded set of points with a boundary of named parts.

    Attributes:
        coordinates: Symbols of the columns of the points, space first and time last.
        parts: All boundary parts.
        measure: Length, area or volume: exact if known in closed form, else a quasi-Monte-Carlo
            estimate.

    Example:
        >>> import pdelsr as pl
        >>> x, y, t = pl.coordinates("x y t")
        >>> plate = pl.Box((x, y), (0, 0), (2, 1)) - pl.Disk((x, y), (1, 0.5), 0.2, name="hole")
        >>> [part.name for part in plate.parts]
        ['x=0', 'x=2', 'y=0', 'y=1', 'hole']
        >>> (plate * pl.TimeInterval(t, 0, 1)).coordinates
        (x, y, t)
    """

    coordinates: tuple[sp.Symbol, ...]

    @property
    @abstractmethod
    def title(self) -> str:
        """One line that says what the domain is."""

    @property
    @abstractmethod
    def bounding_box(self) -> Float[np.ndarray, "d 2"]:
        """Lower and upper bound of each coordinate, (d, 2)."""

    @property
    @abstractmethod
    def measure(self) -> float:
        """Length, area or volume."""

    @property
    @abstractmethod
    def parts(self) -> tuple[Part, ...]:
        """All boundary parts."""

    @abstractmethod
    def contains(
        self, points: Float[np.ndarray, "n d"], tolerance: float = 0.0
    ) -> Bool[np.ndarray, " n"]:
        """Whether each point lies in the closed domain.

        Args:
            points: Points, (n, d).
            tolerance: Length by which the domain is grown, or shrunk if negative.
        """

    @property
    def dim(self) -> int:
        """Number of coordinates, time included."""
        return len(self.coordinates)

    @property
    def unit_dim(self) -> int:
        """Dimension of the unit cube that the domain is mapped from."""
        return self.dim

    @property
    def time(self) -> sp.Symbol | None:
        """The time coordinate, or None."""
        return None

    @property
    def space(self) -> Domain:
        """The domain without time."""
        return self

    @property
    def sides(self) -> tuple[Part, ...]:
        """The parts of the boundary of space, without the two ends of time."""
        return tuple(part for part in self.parts if part.kind == "side")

    @property
    def diameter(self) -> float:
        """Diagonal of the bounding box."""
        return float(np.linalg.norm(np.diff(self.bounding_box, axis=1)))

    def place(self, unit: Float[np.ndarray, "n d"]) -> Placement:
        """Map every row of the unit cube to the bounding box; rows outside are not kept."""
        low, high = self.bounding_box.T
        points = low + (high - low) * unit
        return Placement(points, self.contains(points))

    def from_unit(self, unit: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "k d"]:
        """Map rows of the unit cube to points of the domain, dropping those that miss it.

        Args:
            unit: Points of the unit cube, (n, d).

        Returns:
            At most n points, in the order of the rows.
        """
        placed = self.place(unit)
        return placed.points[placed.kept]

    def part(self, name: str) -> Part:
        """The boundary part of this name.

        Raises:
            ProblemError: There is none; the message lists the existing ones.
        """
        return named_part(self.parts, name)

    def select(self, on: On = None) -> tuple[Part, ...]:
        """The boundary parts that a condition's `on` selects.

        Args:
            on: None for all sides, a name, a part of this domain, a sympy predicate in the
                coordinates such as `sp.Eq(x, 0)` or `x > 0`, or a sequence of these.

        Raises:
            ProblemError: A name does not exist, or no point of a side satisfies a predicate.
        """
        return select_parts(self.parts, on, self.coordinates, ZERO_LENGTH * self.diameter)

    def bounds(self, coordinate: sp.Symbol) -> tuple[float, float]:
        """The lower and upper bound of a coordinate, the same on every line along it.

        Raises:
            ProblemError: The domain is not flat across this coordinate.
        """
        raise self._not_flat(coordinate)

    def faces(self, coordinate: sp.Symbol) -> tuple[Part, Part]:
        """The two parts at the lower and upper bound of a coordinate.

        Equal rows of the unit cube land on points that differ in this coordinate only.

        Raises:
            ProblemError: The domain is not flat across this coordinate.
        """
        raise self._not_flat(coordinate)

    def distance_factor(self, parts: Sequence[Part]) -> sp.Expr:
        """An expression of order one, positive inside, with a simple zero on exactly these parts.

        Args:
            parts: Sides of an Interval, Box, Disk or Ball, with or without time, or of a
                user-defined domain that overrides this method.

        Raises:
            ProblemError: No such expression is known for the domain or for the parts.
        """
        raise ProblemError(
            f"no distance factor is known for {self.title}, only for Interval, Box, Disk and Ball; "
            "use the soft form of the condition (hard=False), or override distance_factor in a "
            "domain of your own"
        )

    def require_coordinate(self, coordinate: sp.Symbol) -> int:
        """The column of a coordinate.

        Raises:
            ProblemError: It is not a coordinate of the domain.
        """
        if coordinate not in self.coordinates:
            raise ProblemError(
                f"{coordinate} is not a coordinate of the domain; it has {listed(self.coordinates)}"
            )
        return self.coordinates.index(coordinate)

    def _not_flat(self, coordinate: sp.Symbol) -> ProblemError:
        self.require_coordinate(coordinate)
        return ProblemError(
            f"{self.title} has no pair of opposite faces across {coordinate}; "
            "only an Interval, a Box and time have them"
        )

    def __or__(self, other: object) -> Domain:
        return OPERATIONS["|"](self, other)

    def __and__(self, other: object) -> Domain:
        return OPERATIONS["&"](self, other)

    def __sub__(self, other: object) -> Domain:
        return OPERATIONS["-"](self, other)

    def __mul__(self, other: object) -> Domain:
        return OPERATIONS["*"](self, other)

    def __str__(self) -> str:
        rows = [(part.name, part.kind, f"{part.measure:.6g}") for part in self.parts]
        rows = [("part", "kind", "measure"), *rows]
        widths = [max(len(row[column]) for row in rows) for column in range(2)]
        lines = [f"  {a:<{widths[0]}}  {b:<{widths[1]}}  {c}" for a, b, c in rows]
        return "\n".join([self.title, *lines])

    def __repr__(self) -> str:
        return str(self)
