"""The processes that share the work of this thread, for the clock, the memory and the time."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager

from pdelsr.processes.group import ALONE, Group


class _Current(threading.local):
    """The processes of this thread's work."""

    group: Group = ALONE


_current = _Current()


def current() -> Group:
    """The processes that share the work of this thread."""
    return _current.group


@contextmanager
def sharing(group: Group) -> Generator[None, None, None]:
    """A block whose work is shared by these processes."""
    before, _current.group = _current.group, group
    try:
        yield
    finally:
        _current.group = before
