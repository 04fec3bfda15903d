"""Measuring in a process of its own: nothing is warm, and no earlier peak hides a smaller one."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def in_fresh_process(function: Callable[..., T], *arguments: Any) -> T:
    """What a function of a module gives, called in a process that is started for it.

    Raises:
        concurrent.futures.process.BrokenProcessPool: the process ended without an answer.
    """
    # A `multiprocessing.Pool` would start a dead process again and again, and wait forever.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()
