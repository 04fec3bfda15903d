"""Problems × methods at equal times: errors, held-out residuals, and error against time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import cache
from itertools import product
from typing import Any

import sympy as sp

from pdelsr.benchmark.competitors import Competitor, with_changes
from pdelsr.declare import Dirichlet, Interval, Problem, coordinates, unknown
from pdelsr.entry.solve import solve
from pdelsr.errors import SettingsError
from pdelsr.executors import Executor, outcomes
from pdelsr.files.typed import built
from pdelsr.results import Solution
from pdelsr.results.accuracy import largest_error
from pdelsr.results.trace import Trace, largest


@dataclass(frozen=True)
class Measurement:
    """One run.

    Args:
        problem: its name.
        method: name of the competitor.
        seed: of the run.
        seconds: that it took.
        relative_l2: the largest error over the unknowns, on 10,000 points; infinite if the solution
            is not finite.
        heldout: the largest held-out root mean square of a block.
        status: how it ended.
        peak_memory_bytes: of the process so far: later runs of one process see the largest.
        curve: (seconds, relative L2 error) of the best state after every outer iteration.
        error_estimate: the relative L2 error that the solution claims; None if it claims none.
        time_limit: seconds that the run was given.
        absolute: whether the error is absolute, because the reference of its unknown is zero.
    """

    problem: str
    method: str
    seed: int
    seconds: float
    relative_l2: float
    heldout: float
    status: str
    peak_memory_bytes: int
    curve: tuple[tuple[float, float], ...] = ()
    error_estimate: float | None = None
    time_limit: float = math.inf
    absolute: bool = False


def measure_suite(
    problems: Sequence[Problem],
    competitors: Sequence[Competitor],
    time_limits: Sequence[int | float],
    seeds: Sequence[int] = (0,),
    tell: Callable[[Measurement], None] = lambda measurement: None,
    changes: Mapping[str, Any] | None = None,
    executor: Executor | None = None,
) -> list[Measurement]:
    """Measure every problem by every competitor, one after the other, or on an executor.

    The last competitor runs first. If it exceeds the limit, because a step cannot be cut, the
    others get as much time as it took.

    Args:
        problems: with references.
        competitors: in the order of the table.
        time_limits: seconds of a run; every pair runs once with each limit.
        seeds: runs of each pair.
        tell: called after every run.
        changes: options, such as `hidden` and `points`, that replace those of every competitor that
            has them: for a quick look, not for figures.
        executor: that measures problems, seeds and limits side by side, all competitors of one
            after the other.

    Raises:
        SettingsError: a problem has no reference, or is parametric, or two have one name.
        ProblemError: a reference fails.
        WorkerError: the executor lost its workers, or they have other versions.
    """
    require_measurable(problems)
    rows = _Rows([*product(problems, seeds, time_limits)], competitors, dict(changes or {}))
    every = range(len(rows.runs))
    if executor is None:
        found = []
        for number in every:
            for run in rows.measured(number):
                tell(run)
                found.append(run)
        return found
    by_number: dict[int, list[Measurement]] = {}
    with closing(outcomes(executor, rows, every)) as done:
        for number, plain in done:
            by_number[number] = [built(Measurement, run, "a measurement") for run in plain]
            for run in by_number[number]:
                tell(run)
    return [run for number in every for run in by_number[number]]


@dataclass(frozen=True)
class _Rows:
    """Every problem with a seed and a time limit, measured by all competitors.

    Args:
        runs: problem, seed and time limit.
        competitors: in the order of the table.
        changes: options of all of them.
    """

    runs: Sequence[tuple[Problem, int, int | float]]
    competitors: Sequence[Competitor]
    changes: dict[str, Any]

    def __call__(self, number: int) -> list[dict[str, Any]]:
        """The measurements as plain data, for an executor."""
        return [asdict(run) for run in self.measured(number)]

    def measured(self, number: int) -> Iterator[Measurement]:
        """The measurements of a run, the last competitor first."""
        warm_up()
        problem, seed, time_limit = self.runs[number]
        seconds = time_limit
        for competitor in reversed(self.competitors):
            method, options = with_changes(competitor.method(problem), self.changes)
            options |= {"time_limit": seconds, "seed": seed, "track_errors": True}
            solution = solve(problem, method, **options)
            if competitor is self.competitors[-1]:
                seconds = max(time_limit, solution.seconds)
            run = measurement_of(solution, problem.name, competitor.name, seed)
            yield replace(run, time_limit=float(time_limit))


def require_measurable(problems: Sequence[Problem]) -> None:
    """Refuse problems whose error cannot be measured, before any is solved.

    References are evaluated where the errors will be, so that they compute beforehand what they
    need.
    """
    names: set[str] = set()
    for problem in problems:
        if problem.name in names:
            raise SettingsError(
                f"two problems are called {problem.name}: give one of them another name, or leave "
                "it out with --problems."
            )
        names.add(problem.name)
        if problem.reference is None:
            raise SettingsError(f"{problem.name} has no reference: leave it out with --problems.")
        if problem.missing_inputs:
            raise SettingsError(f"{problem.name} is parametric: leave it out with --problems.")
    for problem in problems:
        Trace(problem)


@cache
def warm_up() -> None:
    """Load libraries and start threads before anything is timed, once in a process."""
    x = coordinates("x")
    u = unknown("u", x)
    problem = Problem("warm-up", Interval(x, 0, 1), [sp.Eq(u.diff(x, 2), 1)], [Dirichlet(u, 0)])
    solve(problem, "lsr", hidden=(8,), points=50, weight_scale=1.0)


def measurement_of(solution: Solution, problem: str, method: str, seed: int) -> Measurement:
    """The measurement of a run."""
    error = largest_error(solution.errors)
    return Measurement(
        problem,
        method,
        seed,
        solution.seconds,
        error.relative_l2,
        largest(block.heldout_rms for block in solution.blocks.values()),
        solution.status.value,
        solution.peak_memory_bytes,
        tuple(solution.error_history),
        solution.error_estimate,
        absolute=error.absolute,
    )


def name_of_row(problem: str, runs: Sequence[Measurement]) -> str:
    """The problem, and whether its errors are absolute."""
    return f"{problem}, absolute" if any(m.absolute for m in runs) else problem
