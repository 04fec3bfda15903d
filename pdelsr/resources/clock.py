"""Time since the start, and whether any is left."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Clock:
    """Wall-clock seconds of one run.

    Args:
        limit: seconds after which `expired` is true.
    """

    limit: int | float = math.inf
    start: float = field(default_factory=time.perf_counter)

    @classmethod
    def after(cls, spent: float, limit: int | float = math.inf) -> Clock:
        """A clock that already shows so many seconds."""
        return cls(limit, time.perf_counter() - spent)

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.perf_counter() - self.start

    @property
    def left(self) -> float:
        """Until the limit."""
        return self.limit - self.seconds

    @property
    def expired(self) -> bool:
        """Whether the limit is reached."""
        return self.left <= 0
