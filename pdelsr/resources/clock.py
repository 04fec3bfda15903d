"""Time since a run began, and whether any is left."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace

from pdelsr.processes import current


@dataclass(frozen=True)
class Clock:
    """Wall-clock seconds of one run; of processes that share it, those of the first one.

    Args:
        limit: seconds after which `expired` is true.
        begin: of the run, by `time.perf_counter`.
    """

    limit: int | float = math.inf
    begin: float = field(default_factory=time.perf_counter)

    @classmethod
    def after(cls, spent: float, limit: int | float = math.inf) -> Clock:
        """A clock that already shows `spent` seconds."""
        return cls(limit, time.perf_counter() - spent)

    def limited(self, limit: int | float) -> Clock:
        """The same clock with another limit."""
        return replace(self, limit=limit)

    @property
    def seconds(self) -> float:
        """Seconds since the run began."""
        return current().agree(time.perf_counter() - self.begin)

    @property
    def left(self) -> float:
        """Seconds until the limit."""
        return self.limit - self.seconds

    @property
    def expired(self) -> bool:
        """Whether the limit is reached."""
        return self.left <= 0
