"""The processes that share the work of this thread, for the clock, the memory and the time."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager

from pdelsr.ranks.base import ALONE, Ranks


class _Current(threading.local):
    """The processes of this thread's work."""

    ranks: Ranks = ALONE


_current = _Current()


def current() -> Ranks:
    """The processes that share the work of this thread."""
    return _current.ranks


@contextmanager
def sharing(ranks: Ranks) -> Generator[None, None, None]:
    """A block whose work is shared by these processes."""
    before, _current.ranks = _current.ranks, ranks
    try:
        yield
    finally:
        _current.ranks = before
