"""Processes of `torch.distributed` that share a solve, on one machine or many."""

from __future__ import annotations

import pickle
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from pdelsr.errors import PdelsrError, WorkerError, described
from pdelsr.processes.group import Group
from pdelsr.processes.heartbeat import Heartbeat, own_address, store_at, without

T = TypeVar("T")
JOIN = timedelta(minutes=30)  # until all processes have come to their first call
PATIENCE = timedelta(days=100)  # for the work of another process, whose loss a heartbeat tells
FEW = 4096  # numbers that are gathered and added in order, so that every process has the same sum


class TorchGroup(Group):
    """The processes of a group of `torch.distributed`.

    Numbers of the CPU travel by gloo, those of a GPU by NCCL. A process that is interrupted goes on
    to the next call that all of them make, where the interruption is raised in all of them: nobody
    waits for one that has left.

    Args:
        check: raises what has come up in work of this process, such as the end of its time.

    Attributes:
        is_interrupted: whether Ctrl-C was pressed here.
        world: the process group that they are of.
    """

    def __init__(self, check: Callable[[], None] = lambda: None) -> None:
        self.rank: int = dist.get_rank()
        self.size: int = dist.get_world_size()
        self.is_local: bool = False
        self.is_interrupted: bool = False
        self._check = check
        self._heartbeat: Heartbeat | None = None
        self.world: Any = dist.group.WORLD
        with _all_present(self.size):
            self._present: Any = dist.new_group(timeout=JOIN, backend="gloo")
        self._words: Any = dist.new_group(timeout=PATIENCE, backend="gloo")
        self._numbers: Any = None
        if torch.cuda.is_available():
            self._numbers = dist.new_group(timeout=PATIENCE, backend="nccl")

    @contextmanager
    def watched(self) -> Generator[None, None, None]:
        """A block in which the loss of a process is noticed, and that all of them leave together.

        Raises:
            WorkerError: a process was lost.
        """
        with _all_present(self.size):
            dist.monitored_barrier(self._present, JOIN, wait_all_ranks=True)
        self._heartbeat = heartbeat = Heartbeat(self.rank, self.size, self._store())
        try:
            yield
            self.settle(None)
        finally:
            self._heartbeat = None
            heartbeat.stop()

    def _store(self) -> Any:
        """A store in the first process that all of them reach."""
        made: list[Any] = []

        def make() -> tuple[str, int]:
            made.append(store_at(own_address()))
            return own_address(), made[0].port

        address = self.on_first(make)
        return self.together(lambda: made[0] if made else store_at(*address))

    def here(self) -> int:
        """How many of the processes are on this machine."""
        names: list[Any] = [None] * self.size
        own = socket.gethostname()
        self._call(lambda: dist.all_gather_object(names, own, group=self._words))
        return names.count(own)

    def raise_if_interrupted(self) -> None:
        if self._heartbeat is not None and self._heartbeat.lost is not None:
            raise WorkerError(without(self._heartbeat.lost, self.size))
        if self.is_interrupted:
            self.is_interrupted = False
            raise KeyboardInterrupt

    def together(self, work: Callable[[], T]) -> T:
        assert not self.is_local, "work on own points calls for the other processes"
        found: T | None = None
        error = None
        self.is_local = True
        try:
            found = work()
            self._check()
        except BaseException as raised:  # the others must not wait for this process
            error = raised
        finally:
            self.is_local = False
        self.settle(error)
        return found  # type: ignore[return-value]

    def settle(self, error: BaseException | None) -> None:
        failed = _number(0 if error is None else self.size - self.rank, torch.int64)
        self._call(lambda: dist.all_reduce(failed, dist.ReduceOp.MAX, group=self._words))
        if not failed.item():
            return
        self.is_interrupted = False  # the others may have heard of the same Ctrl-C
        source = self.size - int(failed.item())
        shared = self._shared(_packed(error, source) if error is not None else b"", source)
        raise error if self.rank == source and error is not None else pickle.loads(shared)

    def on_first(self, work: Callable[[], T]) -> T:
        found = self.together(work if self.is_first else lambda: None)
        return self._shared(found, 0)  # type: ignore[return-value]

    def agree(self, value: T) -> T:
        if isinstance(value, float):
            number = _number(value, torch.float64)
            self._call(lambda: dist.broadcast(number, 0, group=self._words))
            return number.item()  # type: ignore[return-value]
        return self._shared(value, 0)

    def agreed(self, tensor: Tensor) -> Tensor:
        found = tensor.detach().clone().contiguous()
        self._call(lambda: dist.broadcast(found, 0, group=self._group(found)))
        return found

    def all(self, flag: bool) -> bool:
        wrong = _number(0 if flag else 1, torch.int64)
        self._call(lambda: dist.all_reduce(wrong, dist.ReduceOp.MAX, group=self._words))
        return not wrong.item()

    def sum(self, tensor: Tensor) -> Tensor:
        found = tensor.detach().clone().contiguous()
        if found.numel() <= FEW:
            return self._parts(found).sum(dim=0)
        self._call(lambda: dist.all_reduce(found, group=self._group(found)))
        return found

    def counts(self, number: int) -> list[int]:
        return self._parts(_number(number, torch.int64)).flatten().tolist()

    def largest(self, value: int | float) -> int | float:
        number = _number(value, torch.float64)
        self._call(lambda: dist.all_reduce(number, dist.ReduceOp.MAX, group=self._words))
        return number.item()

    def gathered(self, rows: Tensor) -> Tensor:
        counts = self.counts(len(rows))
        parts = self._parts(_padded(rows, max(counts)))
        return torch.cat([part[:count] for part, count in zip(parts, counts, strict=True)])

    def norm(self, values: Tensor) -> float:
        parts = self._parts(torch.linalg.vector_norm(values.detach())[None])
        return torch.linalg.vector_norm(parts).item()

    def dealt_back(self, rows: Tensor, total: int) -> Tensor:
        found = rows.new_empty(total, *rows.shape[1:])
        parts = self._parts(_padded(rows, -(-total // self.size)))
        for rank, part in enumerate(parts):
            places = found[rank :: self.size]
            places.copy_(part[: len(places)])
        return found

    def send(self, numbers: Tensor, to: int) -> None:
        numbers = numbers.contiguous()
        self._call(lambda: dist.send(numbers, to, group=self._group(numbers)))

    def receive(self, numbers: Tensor, source: int) -> None:
        self._call(lambda: dist.recv(numbers, source, group=self._group(numbers)))

    def _parts(self, tensor: Tensor) -> Tensor:
        """The tensors of all processes, stacked."""
        parts = tensor.new_empty(self.size, *tensor.shape)
        self._call(
            lambda: dist.all_gather(list(parts.unbind(0)), tensor, group=self._group(tensor))
        )
        return parts

    def _shared(self, value: T, source: int) -> T:
        """The value of one process."""
        box: list[Any] = [value]
        self._call(lambda: dist.broadcast_object_list(box, source, group=self._words))
        return box[0]

    def _group(self, tensor: Tensor) -> Any:
        return self._words if tensor.device.type == "cpu" else self._numbers

    def _call(self, call: Callable[[], object]) -> None:
        """A call that all processes make.

        Raises:
            WorkerError: one of them is lost.
        """
        assert not self.is_local, "work on own points calls for the other processes"
        try:
            call()
        except RuntimeError as error:
            found = None if self._heartbeat is None else self._heartbeat.found()
            if found is None:
                raise
            raise WorkerError(without(found, self.size)) from error


@contextmanager
def _all_present(size: int) -> Generator[None, None, None]:
    """A block that waits for all processes, but not forever.

    Raises:
        WorkerError: one of them does not come.
    """
    try:
        yield
    except RuntimeError as error:
        raise WorkerError(
            f"not all of the {size} processes have made the same call with distributed=True, and "
            f"one that does not come within {JOIN} counts as lost: {described(error):.200}"
        ) from error


def _number(value: int | float, dtype: torch.dtype) -> Tensor:
    """A number as a tensor of the CPU, whatever torch's default device is."""
    return torch.tensor([value], dtype=dtype, device="cpu")


def _padded(rows: Tensor, count: int) -> Tensor:
    """Rows with zeros below, so that there are `count`."""
    found = rows.new_zeros(count, *rows.shape[1:])
    found[: len(rows)] = rows.detach()
    return found


def _packed(error: BaseException, source: int) -> bytes:
    """An error as bytes; a user's mistake with the process where it was found, and no solution."""
    try:
        if isinstance(error, PdelsrError):
            error = type(error)(f"process {source}: {error}" if source else str(error))
        packed = pickle.dumps(error)
        pickle.loads(packed)
    except Exception:  # classes of a user's module, or with other arguments
        return pickle.dumps(RuntimeError(f"process {source}: {described(error)}"))
    return packed
