"""Threads in the place of processes: the same calls, without a launcher."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import Queue
from typing import Any, TypeVar

import torch
from torch import Tensor

from pdelsr.processes import Group, sharing

T = TypeVar("T")


class Meeting:
    """A place where threads meet and leave values for each other."""

    def __init__(self, size: int) -> None:
        self.barrier = threading.Barrier(size, timeout=60)
        self.values: list[Any] = [None] * size
        self.mail: dict[tuple[int, int], Queue[Tensor]] = {
            (a, b): Queue() for a in range(size) for b in range(size)
        }


class Threads(Group):
    """One of several threads that share a problem; it counts the numbers that it sends."""

    def __init__(self, rank: int, meeting: Meeting) -> None:
        self.rank, self.size, self.sent = rank, len(meeting.values), 0
        self.is_local = False
        self.meeting = meeting

    def exchange(self, value: Any) -> list[Any]:
        assert not self.is_local
        self.meeting.values[self.rank] = value
        self.meeting.barrier.wait()
        found = list(self.meeting.values)
        self.meeting.barrier.wait()
        return found

    def together(self, work: Callable[[], T]) -> T:
        assert not self.is_local
        found, error, self.is_local = None, None, True
        try:
            found = work()
        except BaseException as raised:
            error = raised
        self.is_local = False
        self.settle(error)
        return found  # type: ignore[return-value]

    def settle(self, error: BaseException | None) -> None:
        for other in self.exchange(error):
            if other is not None:
                raise other

    def on_first(self, work: Callable[[], T]) -> T:
        return self.agree(self.together(work if self.is_first else lambda: None))  # type: ignore[return-value]

    def agree(self, value: T) -> T:
        return self.exchange(value)[0]

    def agreed(self, tensor: Tensor) -> Tensor:
        return self.exchange(tensor)[0].clone()

    def all(self, flag: bool) -> bool:
        return all(self.exchange(flag))

    def sum(self, tensor: Tensor) -> Tensor:
        return torch.stack(self.exchange(tensor.detach())).sum(dim=0)

    def counts(self, number: int) -> list[int]:
        return self.exchange(number)

    def largest(self, value: int | float) -> int | float:
        return max(self.exchange(value))

    def gathered(self, rows: Tensor) -> Tensor:
        return torch.cat(self.exchange(rows.detach()))

    def dealt_back(self, rows: Tensor, total: int) -> Tensor:
        found = rows.new_empty(total, *rows.shape[1:])
        for rank, part in enumerate(self.exchange(rows.detach())):
            found[rank :: self.size] = part[: len(found[rank :: self.size])]
        return found

    def send(self, numbers: Tensor, to: int) -> None:
        self.sent += numbers.numel()
        self.meeting.mail[self.rank, to].put(numbers.clone())

    def receive(self, numbers: Tensor, source: int) -> None:
        numbers.copy_(self.meeting.mail[source, self.rank].get(timeout=60))


def in_threads(size: int, work: Callable[[Threads], T]) -> list[T]:
    """What the work gives in each of so many threads."""
    meeting = Meeting(size)

    def one(rank: int) -> T:
        group = Threads(rank, meeting)
        with sharing(group):
            return work(group)

    with ThreadPoolExecutor(size) as pool:
        return [future.result(timeout=120) for future in [pool.submit(one, k) for k in range(size)]]
