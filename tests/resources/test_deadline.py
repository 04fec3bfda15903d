"""Deadlines: they end endless Python code, nest, and leave the timer as they found it."""

from __future__ import annotations

import contextlib
import math
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from pdelsr.resources import alarm as module
from pdelsr.resources.clock import Clock
from pdelsr.resources.deadline import deadline, given_up_after
from pdelsr.resources.pieces import in_pieces
from pdelsr.resources.time_is_up import TimeIsUp, check_time, heard, running
from pdelsr.solvers.state.interruption import last_work
from pdelsr.solvers.state.status import Status

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no alarm here")


@pytest.fixture(autouse=True)
def timer_is_left_alone() -> Iterator[None]:
    before = signal.getsignal(signal.SIGALRM)
    yield
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.setitimer(signal.ITIMER_REAL, 0) == (0.0, 0.0)


def forever() -> None:
    while True:
        with contextlib.suppress(Exception):  # as careless as a user's code may be
            time.perf_counter()


@pytest.mark.parametrize("seconds", [0.05, 0, -1.0])
def test_an_endless_loop_ends(seconds: float) -> None:
    start = time.perf_counter()
    with pytest.raises(TimeIsUp), deadline(seconds):
        forever()
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize("seconds", [60, 1e30, math.inf])
def test_enough_time_changes_nothing(seconds: float) -> None:
    ended = False
    with deadline(seconds):
        ended = True
    assert ended
    assert module.signal.getitimer(module.signal.ITIMER_REAL)[0] == 0  # no alarm is left behind


def test_errors_pass_and_cancel_the_alarm() -> None:
    with pytest.raises(ZeroDivisionError), deadline(60):
        _ = 1 / 0


def test_the_outer_deadline_runs_on_after_the_inner_one() -> None:
    left = []

    def both() -> None:
        with contextlib.suppress(TimeIsUp), deadline(0.05):
            forever()
        left.append(signal.getitimer(signal.ITIMER_REAL)[0])
        forever()

    with pytest.raises(TimeIsUp), deadline(0.2):
        both()
    assert 0 < left[0] < 0.2


def test_the_inner_deadline_does_not_outlive_the_outer_one() -> None:
    with pytest.raises(TimeIsUp), deadline(0.05), deadline(60):
        forever()


def test_the_alarm_of_someone_else_runs_on() -> None:
    rung: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: rung.append(number))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(TimeIsUp), deadline(0.02):
            forever()
        assert not rung
        while not rung:
            time.sleep(0.01)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_the_alarm_of_someone_else_without_a_handler_ends_the_process() -> None:
    code = """
import signal, time
from pdelsr.resources.deadline import deadline
signal.setitimer(signal.ITIMER_REAL, 0.1)
with deadline(60):
    time.sleep(5)
"""
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == -signal.SIGALRM


class Garbage:
    """Takes its time to go, and can raise nothing meanwhile."""

    def __del__(self) -> None:
        end = time.perf_counter() + 0.2
        while time.perf_counter() < end:
            pass


@pytest.mark.parametrize("entered", [deadline, lambda seconds: contextlib.nullcontext()])
def test_an_alarm_that_is_lost_in_a_finalizer_rings_again(entered: Any) -> None:
    def run() -> None:
        begin = time.perf_counter()
        Garbage()
        while time.perf_counter() < begin + 5:
            pass

    hook = sys.unraisablehook
    with pytest.raises(TimeIsUp), deadline(0.05), entered(60):
        run()
    assert sys.unraisablehook is hook


def checked() -> str:
    """What becomes of work in pieces whose time is up after the first of them."""
    done = 0
    try:
        with deadline(0.02):
            time.sleep(0.03)  # nothing cuts it
            done = 1
            for _ in in_pieces(2, 1, lambda part: None):
                done = 2
    except TimeIsUp:
        return f"stopped after {done}"
    return f"done {done}"


def test_other_threads_look_at_the_clock_between_pieces() -> None:
    told: list[str] = []
    thread = threading.Thread(target=lambda: told.append(checked()))
    thread.start()
    thread.join()
    assert told == ["stopped after 1"]


def test_systems_without_an_alarm_look_at_the_clock_between_pieces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(module.signal, "setitimer")
    told = checked()
    monkeypatch.undo()
    assert told == "stopped after 1"


def test_checks_come_before_the_alarm() -> None:
    def watchful() -> None:
        while True:
            check_time()

    with pytest.raises(TimeIsUp) as caught, deadline(0.2):
        watchful()
    assert caught.traceback[-1].name == "check_time"


def test_a_check_ends_the_block_whose_time_is_up() -> None:
    ended: list[str] = []
    with given_up_after(0.0):
        with given_up_after(60):
            check_time()
            ended.append("inner")
        ended.append("outer")
    with deadline(60):
        with given_up_after(-1.0):
            check_time()
            ended.append("inner")
        check_time()
        ended.append("whole")
    assert ended == ["whole"]


@pytest.mark.parametrize("late", [0.0, 11.0, 1e6])
def test_a_time_that_is_up_for_long_leaves_nothing_behind(late: float) -> None:
    hook, ended = sys.unraisablehook, True
    with given_up_after(-late):
        forever()
        ended = False
    assert ended
    assert sys.unraisablehook == hook
    assert not running.deadlines


def test_a_check_tells_once() -> None:
    told = 0
    with deadline(-1.0):
        for _ in range(2):
            try:
                check_time()
            except TimeIsUp:
                told += 1
    assert told == 1


def test_code_of_a_users_cannot_swallow_it() -> None:
    swallowed: list[BaseException] = []

    def careless() -> str:
        try:
            forever()
        except BaseException as error:
            swallowed.append(error)
        return "a result"

    with pytest.raises(TimeIsUp) as raised, deadline(0.05):
        heard(careless)
    assert raised.value is not swallowed[0]
    with deadline(100):
        assert heard(lambda: 1) == 1


@pytest.mark.parametrize(
    "entered",
    [
        deadline,
        given_up_after,
        lambda s: last_work(Clock.after(20 * s, 20 * s), Status.OUT_OF_TIME),
    ],
)
def test_code_that_would_leave_something_broken_is_not_cut(entered: Any) -> None:
    text = "import time\nend = time.monotonic() + 0.3\nwhile time.monotonic() < end: pass\nran()"
    code = compile(text, "torch/_functorch/some.py", "exec")
    ran: list[None] = []
    with contextlib.suppress(TimeIsUp), entered(0.05):
        exec(code, {"ran": lambda: ran.append(None)})
    assert ran


@pytest.mark.parametrize("status", list(Status))
def test_the_work_after_a_run_keeps_to_its_limit_however_it_ended(status: Status) -> None:
    begin = time.monotonic()
    with last_work(Clock.after(0.9, 1.0), status):
        while time.monotonic() < begin + 2:
            pass
    assert time.monotonic() < begin + 1


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.STAGNATED, Status.CONVERGED])
def test_the_work_after_a_run_without_a_limit_is_not_cut(status: Status) -> None:
    done = False
    with last_work(Clock(), status):
        time.sleep(0.4)
        done = True
    assert done


def test_a_loop_in_the_block_itself_is_always_left() -> None:
    """Python 3.13 has no handler for an exception at the jump to its next round."""
    for _ in range(40):
        begin = time.monotonic()
        with given_up_after(0.01):
            while time.monotonic() < begin + 5:
                pass
        assert time.monotonic() < begin + 4
