"""Measuring in a process of its own: nothing is warm, and no earlier peak hides a smaller one."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch

from pdelsr.results.collect import peak_memory

T = TypeVar("T")
STATUS = Path("/proc/self/status")


def in_fresh_process(function: Callable[..., T], *arguments: Any) -> T:
    """What a function of a module gives, called in a process that is started for it."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def own_peak_memory() -> int:
    """Bytes: the largest resident memory of this process so far.

    Linux counts that of the parent into `ru_maxrss` of a child; VmHWM is the child's alone.
    """
    if STATUS.exists():
        for line in STATUS.read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    return peak_memory(torch.device("cpu"))
