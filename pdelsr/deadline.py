"""A deadline for Python code: an exception raised inside it when the time is up."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

SOON = 1e-6  # seconds; a timer of zero would be none
AGAIN = 0.02  # seconds between two looks at whether an import is over
IMPORT_SECONDS = 10.0  # that imports may take beyond the time
LONGEST = 1e8  # seconds, three years; setitimer refuses much longer ones


class TimeIsUp(BaseException):
    """The time of a `deadline` is up; no `except Exception` of the interrupted code stops it."""


@contextmanager
def deadline(seconds: int | float) -> Generator[None, None, None]:
    """Raise `TimeIsUp` inside the block, wherever it is in Python code, after so many seconds.

    The alarm of the operating system interrupts Python code even in an endless loop, but not a
    single long call of compiled code, after which it is raised, nor an import statement. Of
    nested deadlines the earlier one counts, and the outer one runs on after the inner block. An
    alarm that someone else has set runs on as well, and takes the place of the deadline where it
    rings earlier.

    Outside the main thread, and where there is no such alarm (Windows), nothing happens.

    Args:
        seconds: until the time is up; at once where not positive, never where infinite.

    Raises:
        TimeIsUp: once, inside the block or one nested in it.
    """
    if seconds > LONGEST or not _has_alarm():
        yield
        return
    alarm = _Alarm(seconds)
    try:
        yield
    finally:
        alarm.cancel()


class _Alarm:
    """The one timer of the process, borrowed from whoever has set it before."""

    def __init__(self, seconds: int | float) -> None:
        self._over = False
        self._handler = signal.getsignal(signal.SIGALRM)
        left, self._interval = signal.setitimer(signal.ITIMER_REAL, 0)
        now = time.monotonic()
        self._end, self._outer_end = now + seconds, now + left if left else math.inf
        signal.signal(signal.SIGALRM, self._ring)
        _ring_at(min(self._end, self._outer_end))

    def cancel(self) -> None:
        """Give the timer back; with the time that is left, if it was running."""
        if self._over:
            return
        self._over = True
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._handler or signal.SIG_DFL)
        if self._outer_end < math.inf:
            _ring_at(self._outer_end, self._interval)

    def _ring(self, number: int, frame: FrameType | None) -> None:
        """Raise, with the timer given back before: the block may be left at this very moment."""
        if self._over:
            return
        if _is_importing(frame) and time.monotonic() < self._end + IMPORT_SECONDS:
            _ring_at(time.monotonic() + AGAIN)  # a module cut in half would fail ever after
            return
        mine = self._end <= self._outer_end
        self.cancel()
        if mine:
            raise TimeIsUp


def _ring_at(end: float, interval: float = 0.0) -> None:
    signal.setitimer(signal.ITIMER_REAL, max(end - time.monotonic(), SOON), interval)


def _is_importing(frame: FrameType | None) -> bool:
    """Whether the code is within an import statement."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _has_alarm() -> bool:
    return hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
