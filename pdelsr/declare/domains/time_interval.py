"""The interval of time that a space domain is multiplied by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pdelsr.declare.domains.base import Domain
from pdelsr.declare.domains.bound_texts import range_text
from pdelsr.declare.domains.checks import (
    require_number,
    require_order,
    require_size,
    require_symbols,
)
from pdelsr.declare.domains.given import Coordinate, Number
from pdelsr.errors import ProblemError


@dataclass(frozen=True, repr=False)
class TimeInterval:
    """The times start <= t <= end; `space * TimeInterval(t, 0, 1)` is a domain.

    Args:
        coordinate: Symbol of time.
        start: Initial time, a number or a sympy constant.
        end: Final time.

    Raises:
        ProblemError: The interval is empty, inverted or not finite.
    """

    coordinate: Coordinate
    start: Number
    end: Number

    def __post_init__(self) -> None:
        require_symbols((self.coordinate,), "TimeInterval")
        start = require_number(self.start, f"start of TimeInterval {self.coordinate}")
        end = require_number(self.end, f"end of TimeInterval {self.coordinate}")
        require_order(start, end, f"TimeInterval {self.coordinate} in {range_text(start, end)}")
        object.__setattr__(self, "start", start)
        object.__setattr__(self, "end", end)
        require_size(np.array([[start, end]]), f"TimeInterval {self.coordinate}")

    @property
    def bounds(self) -> tuple[float, float]:
        """Initial and final time."""
        return float(self.start), float(self.end)

    @property
    def length(self) -> float:
        """Final minus initial time."""
        return self.bounds[1] - self.bounds[0]

    def __mul__(self, other: object) -> Domain:
        if isinstance(other, Domain):
            return other * self
        raise ProblemError(f"{self!r} * {other!r}: a TimeInterval multiplies a space domain")

    def __repr__(self) -> str:
        return f"TimeInterval {self.coordinate} in {range_text(*self.bounds)}"
