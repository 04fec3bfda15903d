"""The end of a block's time: where it is kept, and where Python code looks for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from pdelsr.processes import current

T = TypeVar("T")


@dataclass(eq=False)
class Deadline:
    """The end of a block's time.

    Args:
        end: by `time.monotonic`.
        told: whether `TimeIsUp` was raised for it, which happens once, see `heard`.
    """

    end: float
    told: bool = False

    def __reduce__(self) -> tuple[Callable[[int], Deadline], tuple[int]]:
        """Its place among the deadlines of the thread, by which other processes know it."""
        return _at, (running.deadlines.index(self),)


class TimeIsUp(BaseException):
    """The time of a deadline is up; no `except Exception` of the interrupted code catches it.

    Args:
        deadline: whose time is up; None if nobody asks.
    """

    def __init__(self, deadline: Deadline | None = None) -> None:
        super().__init__()
        self.deadline: Deadline | None = deadline

    def __reduce__(self) -> tuple[type[TimeIsUp], tuple[Deadline | None]]:
        return TimeIsUp, (self.deadline,)


class _Running(threading.local):
    """The deadlines of the blocks that this thread is in, from the outermost to the innermost."""

    def __init__(self) -> None:
        self.deadlines: list[Deadline] = []


running = _Running()


def _at(place: int) -> Deadline:
    """The deadline at a place, for which `TimeIsUp` was raised in another process."""
    running.deadlines[place].told = True
    return running.deadlines[place]


def heard(call: Callable[[], T]) -> T:
    """What a user's code gives; if it has swallowed `TimeIsUp`, that is raised again.

    Args:
        call: runs the code.
    """
    before = [d for d in running.deadlines if d.told]
    found = call()
    for deadline in running.deadlines:
        if deadline.told and deadline not in before:
            raise TimeIsUp(deadline)
    return found


def check_time() -> None:
    """Raise `TimeIsUp` if the time of a block around the call is up.

    Long work of pdelsr calls it between two pieces, where nothing is left half done. Of processes
    that share a solve, each raises in work of its own alone, after which all of them do.
    """
    group = current()
    if not group.is_local:
        return
    group.raise_if_interrupted()
    if not running.deadlines:
        return
    now = time.monotonic()
    over = [d for d in running.deadlines if d.end <= now and not d.told]
    if over:
        first = min(over, key=lambda deadline: deadline.end)
        first.told = True
        raise TimeIsUp(first)
