"""A box in any number of space dimensions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pdelsr.declare.domains.bound_texts import range_text
from pdelsr.declare.domains.checks import (
    require_name,
    require_order,
    require_size,
    require_symbols,
    require_vector,
)
from pdelsr.declare.domains.given import Coordinates, Vector
from pdelsr.declare.domains.rectangular import Rectangular


@dataclass(frozen=True, repr=False)
class Box(Rectangular):
    """The box lower_i <= x_i <= upper_i, with two parts per coordinate, "x=0" and "x=1".

    Args:
        coordinates: Symbols of the coordinates, d of them.
        lower: Lower bounds, d numbers or sympy constants.
        upper: Upper bounds, d of them.
        name: Prefix of the names of the parts.

    Raises:
        ProblemError: The lengths differ, or a side is empty, inverted or not finite.
    """

    coordinates: Coordinates
    lower: Vector
    upper: Vector
    name: str | None = None

    def __post_init__(self) -> None:
        coordinates = require_symbols(self.coordinates, "Box")
        require_name(self.name, "Box")
        lower = require_vector(self.lower, len(coordinates), "lower bounds of Box")
        upper = require_vector(self.upper, len(coordinates), "upper bounds of Box")
        for symbol, low, high in zip(coordinates, lower, upper, strict=True):
            require_order(low, high, f"Box side {symbol} in {range_text(low, high)}")
        object.__setattr__(self, "coordinates", coordinates)
        object.__setattr__(self, "lower", lower)
        object.__setattr__(self, "upper", upper)
        require_size(self.bounding_box, "Box")

    @property
    def bounding_box(self) -> Float[np.ndarray, "d 2"]:
        return np.array([self.lower, self.upper], dtype=float).T
