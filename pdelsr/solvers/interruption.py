"""What cuts a run short from outside: Ctrl-C and the clock."""

from __future__ import annotations

import math

from pdelsr.deadline import TimeIsUp
from pdelsr.solvers.status import Status

INTERRUPTIONS = (KeyboardInterrupt, TimeIsUp)
GRACE = 0.05  # of the time limit, for what is left to do when it is reached
PATIENCE = 10.0  # seconds for the same after Ctrl-C


def status_of(interruption: BaseException) -> Status:
    """How a run ends that this cut short."""
    return Status.OUT_OF_TIME if isinstance(interruption, TimeIsUp) else Status.INTERRUPTED


def grace(limit: int | float, status: Status) -> float:
    """Seconds that one thing left to do may take after a run that ended so."""
    if status is Status.OUT_OF_TIME:
        return GRACE * limit
    return PATIENCE if status is Status.INTERRUPTED else math.inf
