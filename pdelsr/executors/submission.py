"""Jobs on an executor: their outcomes as they come, and another try for those of lost workers."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

import cloudpickle

from pdelsr.errors import SettingsError, WorkerError, described
from pdelsr.executors.job import Answer, Task, packed, run
from pdelsr.processes.versions import versions
from pdelsr.resources.time_is_up import check_time
from pdelsr.solvers.state.settings import require_whole

TRIES = 3  # of a job, if its workers are lost
PAUSE = 0.1  # seconds between two looks at futures that call nobody back


@runtime_checkable
class Future(Protocol):
    """What an executor returns for a job."""

    def done(self) -> bool:
        """Whether `result` would not wait."""
        ...

    def result(self) -> Any:
        """What the job returned; raises what it raised."""
        ...


@runtime_checkable
class Executor(Protocol):
    """Anything with `submit`, such as executors of concurrent.futures, and clients of dask."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future:
        """Begin a job."""
        ...


if TYPE_CHECKING:
    GivenExecutor: TypeAlias = Executor
else:
    GivenExecutor = object  # checked by require_executor, in the user's words


def require_executor(executor: object, workers: int) -> None:
    """Refuse what has no `submit`, and workers beside an executor.

    Raises:
        SettingsError: it has none, both are given, or workers are no whole number.
    """
    require_whole("workers", workers, 1)
    if executor is None:
        return
    if workers > 1:
        raise SettingsError("workers belong to no executor: leave one of the two out.")
    if not callable(getattr(executor, "submit", None)):
        raise SettingsError(
            f"executor is {executor!r:.60}: give an object with submit(function, ...), such as "
            "concurrent.futures.ProcessPoolExecutor(4) or dask.distributed.Client(address)."
        )


def outcomes(
    executor: Executor, task: Task, indices: Iterable[int]
) -> Generator[tuple[int, Any], None, None]:
    """The outcome of every job, as they come.

    What a job raises is raised here. A job whose worker is lost, so that its future fails by
    itself, is tried again. Jobs that have not begun are cancelled when this iteration ends early.

    Args:
        executor: that does the jobs.
        task: what is done for each index; it travels once a worker with dask, and otherwise with
            every job.
        indices: of the jobs.

    Raises:
        WorkerError: the same job lost its worker several times, the executor takes no more jobs, or
            a worker has other versions.
    """
    jobs = _Jobs(executor, task)
    try:
        for index in indices:
            jobs.submit(index)
        while jobs.running:
            index, future = jobs.next_done()
            try:
                answer = future.result()
            except Exception as error:
                jobs.try_again(index, error)
                continue
            yield index, _value(answer)
    finally:
        jobs.cancel()


def _value(answer: Answer) -> Any:
    if "refusal" in answer:
        raise WorkerError(answer["refusal"])
    if "error" in answer:
        raise cloudpickle.loads(answer["error"])
    return answer.get("value")


class _Jobs:
    """The jobs that are not done yet.

    Args:
        executor: that does them.
        task: what is done.

    Attributes:
        running: futures and indices of their jobs, by the identity of the future.
    """

    def __init__(self, executor: Executor, task: Task) -> None:
        self.executor = executor
        self.running: dict[int, tuple[int, Future]] = {}
        self._done: SimpleQueue[int] = SimpleQueue()
        self._lost: Counter[int] = Counter()
        self._task: Any = packed(task)
        scatter = getattr(executor, "scatter", None)
        if scatter is not None:  # of dask: once to every worker
            self._task = scatter(self._task, broadcast=True, hash=False)
        named = inspect.signature(executor.submit).parameters
        # equal calls of dask share a future, also one that failed
        self._options: dict[str, Any] = {"pure": False} if "pure" in named else {}

    def submit(self, index: int) -> None:
        """Begin a job.

        Raises:
            WorkerError: the executor takes none.
        """
        try:
            future = self.executor.submit(run, versions(), self._task, index, **self._options)
        except Exception as error:
            raise WorkerError(
                f"the executor takes no more jobs ({described(error)}): start another one."
            ) from error
        self.running[id(future)] = index, future
        call_back = getattr(future, "add_done_callback", None)
        if call_back is not None:
            call_back(partial(self._ended, id(future)))

    def _ended(self, key: int, _: object) -> None:
        self._done.put(key)

    def _require_open(self) -> None:
        """Refuse to wait for a client of dask whose scheduler is gone.

        Raises:
            WorkerError: it is.
        """
        if getattr(self.executor, "status", None) == "closed":
            raise WorkerError(
                f"the executor was closed while {len(self.running)} jobs were running, as happens "
                "when the scheduler is lost: start it again, and make the call once more. With a "
                "path it goes on from there."
            )

    def next_done(self) -> tuple[int, Future]:
        """A job that is done, and its future; waits for one."""
        while True:
            check_time()
            try:
                key = self._done.get(timeout=PAUSE)
            except Empty:
                self._require_open()
                key = next((k for k, (_, f) in self.running.items() if f.done()), None)
            if key in self.running:
                return self.running.pop(key)

    def try_again(self, index: int, error: Exception) -> None:
        """Begin a job once more, whose worker was lost.

        Raises:
            WorkerError: that has happened several times.
        """
        self._lost[index] += 1
        if self._lost[index] == TRIES:
            raise WorkerError(
                f"job {index} lost its worker {TRIES} times ({described(error)}), as happens where "
                "memory is short: give fewer workers, or smaller jobs."
            ) from error
        self.submit(index)

    def cancel(self) -> None:
        """Give up what has not begun."""
        for _, future in self.running.values():
            cancel = getattr(future, "cancel", None)
            if cancel is not None:
                cancel()
        self.running.clear()
