"""An interval of one space coordinate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import sympy as sp
from jaxtyping import Float

from pdelsr.declare.domains.bound_texts import range_text
from pdelsr.declare.domains.checks import (
    require_name,
    require_number,
    require_order,
    require_size,
    require_symbols,
)
from pdelsr.declare.domains.given import Coordinate, Number
from pdelsr.declare.domains.rectangular import Rectangular


@dataclass(frozen=True, repr=False)
class Interval(Rectangular):
    """The interval low <= x <= high, with parts "x=low" and "x=high".

    Args:
        coordinate: Symbol of the coordinate.
        low: Lower bound, a number or a sympy constant such as -sp.pi.
        high: Upper bound.
        name: Prefix of the names of the two parts.

    Raises:
        ProblemError: The interval is empty, inverted or not finite.
    """

    coordinate: Coordinate
    low: Number
    high: Number
    name: str | None = None

    def __post_init__(self) -> None:
        require_symbols((self.coordinate,), "Interval")
        require_name(self.name, "Interval")
        low = require_number(self.low, f"lower bound of Interval {self.coordinate}")
        high = require_number(self.high, f"upper bound of Interval {self.coordinate}")
        require_order(low, high, f"Interval {self.coordinate} in {range_text(low, high)}")
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)
        require_size(self.bounding_box, f"Interval {self.coordinate}")

    @property
    def coordinates(  # pyright: ignore[reportIncompatibleVariableOverride]  # a field elsewhere
        self,
    ) -> tuple[sp.Symbol, ...]:
        return (self.coordinate,)

    @property
    def bounding_box(self) -> Float[np.ndarray, "d 2"]:
        return np.array([[self.low, self.high]], dtype=float)
