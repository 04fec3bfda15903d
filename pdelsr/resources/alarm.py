"""The operating system's alarm: it raises in Python code that does not look at the clock."""

from __future__ import annotations

import math
import opcode
import signal
import sys
import threading
import time
from contextlib import contextmanager
from types import FrameType
from typing import Any

from pdelsr.resources.time_is_up import Deadline, TimeIsUp

SOON = 1e-6  # seconds; a timer of zero would be none
AGAIN = 0.002  # seconds between two checks whether code that must not be cut has ended
LATE = 0.1  # seconds after the end of the time at which the alarm rings, at most
LATE_SHARE = 0.05  # of the time, the same
PATIENCE = 10.0  # seconds that such code may take beyond the time
WRAPPED = 4  # frames of type checkers between a context manager and `with`, at most
JUMP_BACKWARD = opcode.opmap.get("JUMP_BACKWARD", -1)  # Python 3.10 has none
WHOLE = (  # code whose interruption would break modules, parameters or torch's own state
    "<frozen importlib",
    "torch/_functorch/",
    "torch/nn/utils/stateless.py",
    "torch/nn/utils/_named_member_accessor.py",
)
WHOLE_INSIDE = (
    *("torch/autograd/grad_mode.py", "torch/utils/_contextlib.py", "contextlib.py"),
    "pdelsr/resources/deadline.py",
    "pdelsr/resources/alarm.py",
    "pdelsr/resources/time_is_up.py",
)


class Alarm:
    """The one timer of the process, borrowed from code that set it before.

    It rings a moment after the end of the time, because `check_time` comes first: an alarm raises
    anywhere in Python code, a check where nothing is left half done.

    Args:
        deadline: of the block; the frame of the block is that of the caller.
    """

    def __init__(self, deadline: Deadline) -> None:
        self.deadline: Deadline = deadline
        self._depth = _depth(_block(sys._getframe(1)))
        self._hook = sys.unraisablehook
        sys.unraisablehook = self._lost
        now = time.monotonic()
        end = max(deadline.end, now)  # the time may have been up for long
        self._borrow(end + min(LATE_SHARE * (end - now), LATE))

    def _borrow(self, end: float) -> None:
        self._over = False
        self._handler = signal.getsignal(signal.SIGALRM)
        left, self._interval = signal.setitimer(signal.ITIMER_REAL, 0)
        self._end, self._outer_end = end, time.monotonic() + left if left else math.inf
        signal.signal(signal.SIGALRM, self._ring)
        self._wind()

    def leave(self) -> None:
        """Give back all that was borrowed, at the end of the block."""
        self.cancel()
        if sys.unraisablehook == self._lost:
            sys.unraisablehook = self._hook

    def _lost(self, unraisable: Any) -> None:
        """Ring again if the exception fell into code that cannot raise, such as `__del__`."""
        error = unraisable.exc_value
        if isinstance(error, TimeIsUp) and error.deadline is self.deadline:
            self.cancel()
            self.deadline.told = False
            self._borrow(time.monotonic() + AGAIN)
        else:
            self._hook(unraisable)

    def cancel(self) -> None:
        """Give the timer back, with the remaining time if it was running."""
        if self._over:
            return
        self._over = True
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._handler or signal.SIG_DFL)
        if self._outer_end < math.inf:
            _ring_at(self._outer_end, self._interval)

    def _wind(self) -> None:
        _ring_at(min(self._end, self._outer_end))

    def _ring(self, number: int, frame: FrameType | None) -> None:
        """Raise, after giving the timer back, because the block may just be ending."""
        if self._over:
            return
        if self.deadline.told:  # by a check, before the alarm
            self.cancel()
            return
        if self._outer_end < self._end:
            self._pass_on(number, frame)
        elif self._must_be_whole(frame) and time.monotonic() < self._end + PATIENCE:
            _ring_at(time.monotonic() + AGAIN)
        else:
            self.cancel()
            self.deadline.told = True
            raise TimeIsUp(self.deadline)

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        """An outer deadline rings right after this one is gone; another alarm rings now."""
        handler = self._handler
        if isinstance(getattr(handler, "__self__", None), Alarm):
            self.cancel()
            return
        self._outer_end += self._interval or math.inf
        self._wind()
        if callable(handler):
            handler(number, frame)
        elif handler == signal.SIG_DFL:  # this ends the process
            self.cancel()
            signal.raise_signal(signal.SIGALRM)

    def _must_be_whole(self, frame: FrameType | None) -> bool:
        """Whether an exception at this place in the block would leave something broken."""
        inside = _depth(frame) - self._depth
        if frame is not None and inside == 0 and _jumps_back(frame):
            return True
        if frame is not None and any(part in frame.f_code.co_filename for part in WHOLE_INSIDE):
            return True
        while frame is not None and inside > 0:
            if any(part in frame.f_code.co_filename for part in WHOLE):
                return True
            frame, inside = frame.f_back, inside - 1
        return False


def _block(frame: FrameType | None) -> FrameType | None:
    """The frame of the calling `with` statement, through other context managers."""
    block, steps = frame, 0
    while frame is not None and steps <= WRAPPED:
        code, frame = frame.f_code, frame.f_back
        steps += 1
        if code.co_name == "__enter__" and code.co_filename == contextmanager.__code__.co_filename:
            block, steps = frame, 0
    return block


def _jumps_back(frame: FrameType) -> bool:
    """Whether a loop jumps back here, where Python 3.13 has no handler for the exception.

    Its compiler leaves this instruction out of the table of `try` and `with` in the same function,
    so the exception would leave the function as if they were not there.
    """
    code, at = frame.f_code.co_code, frame.f_lasti
    return 0 <= at < len(code) and code[at] == JUMP_BACKWARD


def _depth(frame: FrameType | None) -> int:
    count = 0
    while frame is not None:
        frame, count = frame.f_back, count + 1
    return count


def _ring_at(end: float, interval: float = 0.0) -> None:
    signal.setitimer(signal.ITIMER_REAL, max(end - time.monotonic(), SOON), interval)


def has_alarm() -> bool:
    """Whether there is one: in the main thread, and not on Windows."""
    return hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
