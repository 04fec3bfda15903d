"""What cuts a run short from outside: Ctrl-C and the clock."""

from __future__ import annotations

import math
from collections.abc import Generator
from contextlib import contextmanager, suppress

from pdelsr.deadline import TimeIsUp, given_up_after
from pdelsr.solvers.status import Status

INTERRUPTIONS = (KeyboardInterrupt, TimeIsUp)
GRACE = 0.05  # of the time limit, for what is left to do when it is reached
PATIENCE = 10.0  # seconds for the same after Ctrl-C


def status_of(interruption: BaseException) -> Status:
    """How a run ends that this cut short."""
    return Status.OUT_OF_TIME if isinstance(interruption, TimeIsUp) else Status.INTERRUPTED


@contextmanager
def last_work(limit: int | float, status: Status) -> Generator[None, None, None]:
    """What is left to do after a run that ended so: left quietly where it takes too long.

    Args:
        limit: seconds that the whole run may take.
        status: how it ended.
    """
    seconds = {Status.OUT_OF_TIME: GRACE * limit, Status.INTERRUPTED: PATIENCE}
    with suppress(KeyboardInterrupt), given_up_after(seconds.get(status, math.inf)):
        yield
