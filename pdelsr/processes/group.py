"""The contract of processes that share the rows of a problem; a single process has them all."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

T = TypeVar("T")


class Group:
    """The processes of one solve, each with its own points; this class is a single process.

    All of them run the same code. What decides where it goes on is either computed from the same
    numbers or agreed upon, and every call of a method here is one that all of them make.

    Attributes:
        rank: number of this process, from 0.
        size: how many there are.
        is_local: whether this process is in a piece of work of its own, which may be cut anywhere.
    """

    rank: int = 0
    size: int = 1
    is_local: bool = True

    @property
    def is_first(self) -> bool:
        """Whether this process writes files, shows progress and reads the clock."""
        return self.rank == 0

    def raise_if_interrupted(self) -> None:
        """Raise what has come up while this process worked: Ctrl-C, or the loss of another one."""

    def together(self, work: Callable[[], T]) -> T:
        """The result of a piece of work that every process does on its own points.

        Raises:
            BaseException: what the work of any process has raised is raised in all of them.
        """
        return work()

    def settle(self, error: BaseException | None) -> None:
        """Raise the error of any process in all of them.

        Args:
            error: of this process, if any.
        """
        if error is not None:
            raise error

    def on_first(self, work: Callable[[], T]) -> T:
        """What the first process alone reads or writes; its result and its errors are for all.

        Args:
            work: its result can be pickled.
        """
        return work()

    def agree(self, value: T) -> T:
        """The value of the first process: a number, or anything that can be pickled."""
        return value

    def agreed(self, tensor: Tensor) -> Tensor:
        """The tensor of the first process, of the same shape in all of them."""
        return tensor

    def all(self, flag: bool) -> bool:
        """Whether it is true in every process."""
        return flag

    def sum(self, tensor: Tensor) -> Tensor:
        """The sum of the tensors of all processes, of the same shape in all of them."""
        return tensor

    def counts(self, number: int) -> list[int]:
        """The whole numbers of all processes, in their order."""
        return [number]

    def largest(self, value: int | float) -> int | float:
        """The largest number among those of all processes."""
        return value

    def gathered(self, rows: Tensor) -> Tensor:
        """The rows of all processes in their order; their number may differ."""
        return rows

    def dealt_back(self, rows: Tensor, total: int) -> Tensor:
        """Rows that were dealt out to the processes in turn, in their first order.

        Args:
            rows: of this process: number rank, rank + size, … of all; any one where it has none.
            total: number of all.
        """
        return rows

    def norm(self, values: Float[Tensor, " n"]) -> float:
        """The norm of a vector whose entries are spread over the processes."""
        return torch.linalg.vector_norm(
            self.gathered(torch.linalg.vector_norm(values)[None])
        ).item()

    def send(self, numbers: Tensor, to: int) -> None:
        """Send numbers to another process, which receives them."""
        raise AssertionError("a single process has nobody to send to")

    def receive(self, numbers: Tensor, source: int) -> None:
        """Receive numbers from another process, in place."""
        raise AssertionError("a single process has nobody to receive from")


ALONE = Group()
"""A single process."""
