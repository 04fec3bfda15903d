"""Jobs on executors of all kinds: threads, processes, and ones that lose their workers."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import pytest

import pdelsr as pl
from pdelsr.executors import Workers, outcomes
from pdelsr.executors.job import run
from pdelsr.executors.submission import TRIES, require_executor
from pdelsr.processes.versions import versions


class Polled:
    """A future that calls nobody back, as a job of submitit."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._call, self._looks = call, 0

    def done(self) -> bool:
        self._looks += 1
        return self._looks > 1

    def result(self) -> Any:
        return self._call()


class Polling:
    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Polled:
        return Polled(lambda: function(*arguments))


class Losing:
    """An executor whose workers die with some jobs the first times."""

    def __init__(self, times: int) -> None:
        self.times, self.seen = times, Counter()

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        index = arguments[-1]
        self.seen[index] += 1
        future: Future[Any] = Future()
        if index == 2 and self.seen[index] <= self.times:
            future.set_exception(BrokenExecutor("a worker was killed"))
        else:
            future.set_result(function(*arguments))
        return future


class Dask:
    """What a client of dask does besides: data travel once, and equal calls share a future."""

    def __init__(self) -> None:
        self.scattered = 0

    def scatter(self, data: bytes, broadcast: bool, hash: bool) -> bytes:
        assert broadcast
        assert not hash
        self.scattered += 1
        return data

    def submit(
        self, function: Callable[..., Any], /, *arguments: Any, pure: bool = True
    ) -> Future[Any]:
        assert not pure
        future: Future[Any] = Future()
        future.set_result(function(*arguments))
        return future


def square(index: int) -> int:
    return index**2


@pytest.mark.parametrize("make", [Polling, Dask, lambda: Losing(0), lambda: ThreadPoolExecutor(2)])
def test_every_job_comes_back_once(make: Callable[[], Any]) -> None:
    executor = make()
    assert dict(outcomes(executor, square, range(5))) == {i: i**2 for i in range(5)}
    if isinstance(executor, Dask):
        assert executor.scattered == 1


def test_jobs_of_lost_workers_are_tried_again() -> None:
    executor = Losing(TRIES - 1)
    found = list(outcomes(executor, square, range(4)))
    assert sorted(found) == [(i, i**2) for i in range(4)]
    assert executor.seen == {0: 1, 1: 1, 2: TRIES, 3: 1}


def test_a_job_that_always_loses_its_worker_is_told() -> None:
    found = outcomes(Losing(TRIES), square, range(4))
    with pytest.raises(pl.WorkerError, match=r"job 2 lost its worker 3 times .* was killed"):
        list(found)


def test_what_a_job_raises_is_raised() -> None:
    def failing(index: int) -> int:
        raise pl.ProblemError(f"job {index} cannot be done")

    with pytest.raises(pl.ProblemError, match="job 7 cannot be done"):
        list(outcomes(ThreadPoolExecutor(1), failing, [7]))


def test_errors_that_do_not_travel_are_told_in_words() -> None:
    class Odd(Exception):
        def __init__(self, a: int, b: int) -> None:
            super().__init__(f"{a} and {b}")

    def failing(index: int) -> int:
        raise Odd(1, 2)

    with pytest.raises(RuntimeError, match="Odd: 1 and 2"):
        list(outcomes(ThreadPoolExecutor(1), failing, [0]))


def test_other_versions_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    there = {**versions(), "torch": "1.9"}
    monkeypatch.setattr("pdelsr.executors.submission.versions", lambda: there)
    with pytest.raises(pl.WorkerError, match=r"a worker has torch .* and not 1\.9"):
        list(outcomes(ThreadPoolExecutor(1), square, [0]))
    assert "value" not in run(there, b"never read", 0)


def test_a_closed_executor_is_told() -> None:
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    with pytest.raises(pl.WorkerError, match="takes no more jobs"):
        list(outcomes(executor, square, [0]))


def test_what_has_not_begun_is_cancelled() -> None:
    begun = []
    with ThreadPoolExecutor(1) as executor:
        held = threading.Event()

        def job(index: int) -> int:
            begun.append(index)
            if index:
                held.wait(10)
            return index

        found = outcomes(executor, Shared(job), range(10))
        assert next(found) == (0, 0)
        found.close()
        held.set()
    assert len(begun) <= 2


class Shared:
    """A task that is not copied on its way to a thread."""

    kept: ClassVar[dict[int, Callable[[int], Any]]] = {}

    def __init__(self, task: Callable[[int], Any]) -> None:
        self.number = len(self.kept)
        self.kept[self.number] = task

    def __call__(self, index: int) -> Any:
        return self.kept[self.number](index)


@pytest.mark.parametrize("executor", ["four", 3, object()])
def test_what_has_no_submit_is_refused(executor: object) -> None:
    with pytest.raises(pl.SettingsError, match="give an object with submit"):
        require_executor(executor, 1)


def test_processes_are_replaced_when_they_are_killed(tmp_path: Path) -> None:
    def job(index: int) -> int:
        mark = tmp_path / f"{index}"
        if index == 1 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return index**2

    with Workers(2) as workers:
        assert dict(outcomes(workers, job, range(5))) == {i: i**2 for i in range(5)}
    assert (tmp_path / "1").exists()


def test_processes_end_with_their_context() -> None:
    with Workers(1) as workers:
        number = workers.submit(os.getpid).result()
        slow = workers.submit(time.sleep, 60)
    for _ in range(100):
        state = Path(f"/proc/{number}/stat")
        if not state.exists() or state.read_text().split()[2] == "Z":
            break
        time.sleep(0.1)
    else:
        pytest.fail("the process lives on")
    assert slow.done()


def test_each_process_sees_one_card() -> None:
    with Workers(2, cards=2) as workers:
        seen = [workers.submit(_card) for _ in range(2)]
        assert {future.result() for future in seen} <= {"0", "1"}


def _card() -> str | None:
    time.sleep(0.5)
    return os.environ.get("CUDA_VISIBLE_DEVICES")


class Closing:
    """A client whose scheduler is lost while a job is running."""

    status = "running"

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        self.status = "closed"
        return Future()


def test_nobody_waits_for_a_scheduler_that_is_gone() -> None:
    with pytest.raises(pl.WorkerError, match="scheduler is lost: start it again"):
        list(outcomes(Closing(), abs, range(2)))
