"""Interruptions of a run: Ctrl-C and the clock."""

from __future__ import annotations

import sysconfig
import traceback
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from pdelsr.errors import TimeLimitError
from pdelsr.resources import alarm, time_is_up
from pdelsr.resources.clock import Clock
from pdelsr.resources.deadline import deadline, given_up_after
from pdelsr.resources.time_is_up import TimeIsUp
from pdelsr.solvers.state.status import Status

T = TypeVar("T")
INTERRUPTIONS = (KeyboardInterrupt, TimeIsUp)
CUT_SHORT = (Status.INTERRUPTED, Status.OUT_OF_TIME, Status.OUT_OF_MEMORY)
GRACE = 0.05  # of the time limit, for the remaining work when it is reached
LEAST_GRACE = 0.25  # seconds, for the same
OWN = str(Path(__file__).parents[2])  # the folder of this code
LIBRARIES = ("site-packages", "dist-packages", sysconfig.get_path("stdlib"), "<frozen ")
CLOCKWORK = (alarm.__file__, time_is_up.__file__)  # where it is raised
CTRL_C_GRACE = 10.0  # seconds for the same after Ctrl-C, at most


def status_of(interruption: BaseException) -> Status:
    """The status of a run after an interruption."""
    return Status.OUT_OF_TIME if isinstance(interruption, TimeIsUp) else Status.INTERRUPTED


def in_time(clock: Clock, work: Callable[[], T]) -> T:
    """The result of work before a run has a state to return.

    Raises:
        TimeLimitError: the time limit is reached during the work.
    """
    try:
        with deadline(clock.left):
            return work()
    except TimeIsUp as interruption:
        raise too_early(clock.limit, interruption) from None


def too_early(limit: int | float, interruption: BaseException) -> TimeLimitError:
    """The error of a run whose time is up before it has anything to return."""
    return TimeLimitError(
        f"the time limit of {limit:g} s is reached before the first step, in "
        f"{place_of(interruption)}: raise time_limit, or mend what takes so long."
    )


def place_of(interruption: BaseException) -> str:
    """The place of the innermost user code: function, file, line."""
    frames = traceback.extract_tb(interruption.__traceback__)
    known = [
        f for f in frames if OWN in f.filename or not any(part in f.filename for part in LIBRARIES)
    ]
    frame = ([f for f in known if f.filename not in CLOCKWORK] or frames)[-1]
    if OWN in frame.filename:
        return "the preparation of the run"
    return f"{frame.name} ({Path(frame.filename).name}, line {frame.lineno})"


@contextmanager
def last_work(clock: Clock, status: Status) -> Generator[None, None, None]:
    """A block for the work after a run, which ends quietly if it takes too long.

    Args:
        clock: of the run; its remaining time may be used, and a little more.
        status: how the run ended.
    """
    grace = max(GRACE * clock.limit, LEAST_GRACE)
    seconds = max(clock.left, 0.0) + grace  # infinite without a limit
    if status is Status.INTERRUPTED:
        seconds = min(seconds, CTRL_C_GRACE)
    with suppress(KeyboardInterrupt), given_up_after(seconds):
        yield
