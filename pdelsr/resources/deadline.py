"""Blocks with a time of their own: an exception is raised inside when it is up."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager

from pdelsr.processes import current
from pdelsr.resources.alarm import Alarm, has_alarm
from pdelsr.resources.time_is_up import Deadline, TimeIsUp, running

LONGEST = 1e8  # seconds, three years; setitimer refuses much longer ones


@contextmanager
def deadline(seconds: int | float, alone: bool = False) -> Generator[Deadline | None, None, None]:
    """Raise `TimeIsUp` inside the block after `seconds`.

    Long work of pdelsr looks at the clock between its pieces (`check_time`), in any thread and on
    any system. Other Python code, even an endless loop, is interrupted by the operating system's
    alarm a moment later. The alarm waits for the end of a single long call of compiled code, of
    imports, and of torch's work on parameters and modes. Outside the main thread, on systems
    without such an alarm (Windows), and in processes that share a solve, only the checks remain:
    none of the processes may leave the others waiting. An alarm set by other code rings as if there
    were no deadline.

    Of nested deadlines the earlier one counts, and the outer one runs on after the inner block.

    Args:
        seconds: until the time is up; at once if not positive, never if infinite.
        alone: whether the block shares nothing with other processes.

    Raises:
        TimeIsUp: once, inside the block or one nested in it.
    """
    if seconds > LONGEST:
        yield None
        return
    own = Deadline(time.monotonic() + seconds)
    before, alarm = running.deadlines, None
    try:  # Ctrl-C may come at any of these lines
        running.deadlines = [*before, own]
        cuts = has_alarm() and (alone or current().size == 1)
        alarm = Alarm(own) if cuts else None
        yield own
    finally:
        running.deadlines = before
        if alarm is not None:
            alarm.leave()


@contextmanager
def given_up_after(seconds: int | float, alone: bool = False) -> Generator[None, None, None]:
    """A block that ends quietly when its own time is up; outer deadlines still raise.

    Args:
        seconds: until the time is up.
        alone: whether the block shares nothing with other processes.
    """
    own = None
    try:
        with deadline(seconds, alone) as own:
            yield
    except TimeIsUp as interruption:
        if own is None or interruption.deadline is not own:
            raise
