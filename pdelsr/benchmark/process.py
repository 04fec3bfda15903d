"""Measuring in a fresh process: nothing is warm, and no earlier peak hides a smaller one."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from pdelsr.errors import MemoryLimitError

T = TypeVar("T")


def in_fresh_process(function: Callable[..., T], *arguments: Any) -> T:
    """The result of a module's function, called in a process of its own.

    Raises:
        MemoryLimitError: the process ended without an answer, as when the system kills it for lack
            of memory.
    """
    # A `multiprocessing.Pool` would restart a dead process again and again, and wait forever.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        try:
            return pool.submit(function, *arguments).result()
        except BrokenProcessPool as error:
            raise MemoryLimitError(
                "the process of a measurement ended without an answer, most likely for want of "
                "memory: end other programs, or measure on a machine that has more."
            ) from error
