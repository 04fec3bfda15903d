"""Processes of this machine as an executor that survives the loss of any of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import count
from threading import local
from typing import Any

import torch

from pdelsr.resources.free_memory import share_memory

VISIBLE = "CUDA_VISIBLE_DEVICES"


class Workers:
    """So many processes, each of which is replaced when it is lost.

    Processes begin afresh, by spawn: threads, GPUs and locks of this one do not follow them. Those
    of loky need no guard of the main module. Cores and memory are shared out among them; on a
    machine with GPUs each sees one card.

    Args:
        processes: their number.
        cards: of the machine, which the processes take in turn; 0 leaves GPUs as they are.
    """

    def __init__(self, processes: int, cards: int = 0) -> None:
        self.processes, self.cards = processes, cards
        self._threads = ThreadPoolExecutor(processes)  # each has one process
        self._own = local()
        self._pools: list[Any] = []
        self._numbers = count()

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *error: object) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        for pool in self._pools:
            pool.shutdown(kill_workers=True)
        self._threads.shutdown(wait=True)

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        """Begin a job in the next process that is free."""
        return self._threads.submit(self._call, function, arguments)

    def _call(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        if not hasattr(self._own, "pool"):
            self._own.number = next(self._numbers)
            self._own.pool = self._started(self._own.number)
        try:
            return self._own.pool.submit(function, *arguments).result()
        except BrokenProcessPool:
            self._own.pool = self._started(self._own.number)
            raise

    def _started(self, number: int) -> Any:
        from loky.process_executor import ProcessPoolExecutor

        threads = max(1, (os.cpu_count() or 1) // self.processes)
        env = {"OMP_NUM_THREADS": str(threads)}
        if self.cards:
            given = os.environ.get(VISIBLE, "").split(",")
            listed = given if len(given) >= self.cards else [*map(str, range(self.cards))]
            env[VISIBLE] = listed[number % self.cards]
        pool = ProcessPoolExecutor(
            1, initializer=_begin, initargs=(threads, self.processes), env=env
        )
        self._pools.append(pool)
        return pool


def _begin(threads: int, processes: int) -> None:
    torch.set_num_threads(threads)
    share_memory(processes)
