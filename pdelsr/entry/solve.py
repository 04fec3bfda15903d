"""`solve`: from a problem and a method to a solution."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, overload

import torch
from typing_extensions import Unpack

from pdelsr.checkpoint import RunFile, kept_form
from pdelsr.checkpoint.fingerprint import fingerprint
from pdelsr.declare import Problem
from pdelsr.entry.distributed import require_same, sharing_work
from pdelsr.errors import CallbackError, ProblemError, SettingsError
from pdelsr.lstsq import solver_named
from pdelsr.lstsq.registry import require_shared_rows
from pdelsr.processes import Group
from pdelsr.processes.versions import versions
from pdelsr.resources.clock import Clock
from pdelsr.resources.pieces import told_what_to_lower
from pdelsr.results import Solution
from pdelsr.results.collect import collect
from pdelsr.results.progress_display import Display
from pdelsr.results.trace import Trace
from pdelsr.solvers.final_refinement import refine_afterwards
from pdelsr.solvers.methods.options import (
    AnyOptions,
    ILSROptions,
    LSROptions,
    PINNOptions,
    RunOptions,
    TSONNOptions,
)
from pdelsr.solvers.prepare import prepare
from pdelsr.solvers.request import Request
from pdelsr.solvers.run.context import Context
from pdelsr.solvers.run.job import Job
from pdelsr.solvers.run.loop import Standing, run
from pdelsr.solvers.run.method import Method
from pdelsr.solvers.run.predecessor import first_candidate
from pdelsr.solvers.state.callback import Guarded
from pdelsr.solvers.state.history import Record
from pdelsr.solvers.state.interruption import in_time, last_work
from pdelsr.solvers.state.settings import RunSettings, require_flag, require_writable
from pdelsr.solvers.state.status import Status

LOWER = "lower points or rank, or take a narrower network (hidden=)"


@overload
def solve(
    problem: Problem,
    method: Literal["ilsr"] = "ilsr",
    *,
    start: Solution | None = None,
    track_errors: bool = False,
    distributed: bool = False,
    **options: Unpack[ILSROptions],
) -> Solution: ...


@overload
def solve(
    problem: Problem,
    method: Literal["lsr"],
    *,
    start: Solution | None = None,
    track_errors: bool = False,
    distributed: bool = False,
    **options: Unpack[LSROptions],
) -> Solution: ...


@overload
def solve(
    problem: Problem,
    method: Literal["pinn"],
    *,
    start: Solution | None = None,
    track_errors: bool = False,
    distributed: bool = False,
    **options: Unpack[PINNOptions],
) -> Solution: ...


@overload
def solve(
    problem: Problem,
    method: Literal["tsonn"],
    *,
    start: Solution | None = None,
    track_errors: bool = False,
    distributed: bool = False,
    **options: Unpack[TSONNOptions],
) -> Solution: ...


@overload
def solve(
    problem: Problem,
    method: Method,
    *,
    start: Solution | None = None,
    track_errors: bool = False,
    distributed: bool = False,
    **options: Unpack[RunOptions],
) -> Solution: ...


@overload
def solve(
    problem: Problem,
    method: str,
    *,
    start: Solution | None = None,
    track_errors: bool = False,
    distributed: bool = False,
    **options: Unpack[AnyOptions],
) -> Solution: ...


@torch.inference_mode(False)  # callers may have switched slopes off
@torch.enable_grad()
def solve(
    problem: Problem,
    method: str | Method = "ilsr",
    *,
    start: Solution | None = None,
    track_errors: bool = False,
    distributed: bool = False,
    **options: Any,
) -> Solution:
    """Solve a problem.

    Every method minimizes ‖f(θ)‖² = Σ_b w_b mean(F_b²), the stacked residual of all blocks, and
    returns the best state on points that it never trained on. Ctrl-C returns the best state so far,
    and a state that is not finite never replaces a good one.

    Args:
        problem: the declaration.
        method: "ilsr" (iterative linearized subspace refinement: many digits), "lsr" (one shot:
            fastest on smooth linear problems), "pinn" (Adam and L-BFGS), "tsonn" (pseudo-time
            stepping), or an instance such as `ILSR(alignment="lbfgs")`.
        start: a solution to go on from. The run takes over its network, dtype, device and hard
            conditions, and its refined state is the first candidate, so the result is never worse
            on the held-out points. It is copied, not changed. It may belong to another problem with
            as many coordinates and unknowns, as in continuation in a parameter.
        distributed: share points and rows with the other processes that torchrun has started. All
            of them call `solve` with the same arguments, and all get the solution; the first one
            writes files, shows progress and calls the callback.
        track_errors: also measure the error of the best state after every outer iteration, for
            `Solution.error_history`. This happens after the run and takes none of its time.
        **options: of the method (see `PINN`, `TSONN`, `LSR`, `ILSR`) and of every run (see
            `RunSettings`): `network`, `grow`, `points`, `sampler`, `weights`, `balance`, `hard`,
            `tolerance`, `time_limit`, `max_iterations`, `seed`, `dtype`, `device`, `callback`,
            `verbose`, `refine`, `memory_budget`, `checkpoint`, `checkpoint_every`. A module given
            as `network` is copied.

    Returns:
        The solution: `predict`, `derivative`, `error`, `summary`, `plot`, `save`.

    Raises:
        SettingsError: the method or an option is unknown (the message suggests the nearest name), a
            value does not fit, or there is no reference for track_errors.
        MemoryLimitError: the chosen sizes do not fit into the free memory.
        ProblemError: a hard condition is not possible, or a coefficient fails; the error holds the
            best state so far, if there is one.
        TimeLimitError: the time limit is reached before the first state.
        FileFormatError: the checkpoint is damaged, belongs to another run, or cannot be written.
        CallbackError: the callback raised an exception; the error holds the best state so far.

    Example:
        u'' = −π² sin(πx) with u = 0 at both ends:

        >>> import sympy as sp
        >>> import pdelsr as pl
        >>> x = pl.coordinates("x")
        >>> u = pl.unknown("u", x)
        >>> problem = pl.Problem(
        ...     name="string",
        ...     domain=pl.Interval(x, 0, 1),
        ...     equations=[sp.Eq(u.diff(x, 2), -sp.pi**2 * sp.sin(sp.pi * x))],
        ...     conditions=[pl.Dirichlet(u, 0)],
        ... )
        >>> solution = pl.solve(problem, "lsr", hidden=(16, 16), weight_scale=2)
        >>> print(f"{solution.predict(x=0.5):.6f}")
        1.000000
    """
    require_flag("distributed", distributed)
    with sharing_work(distributed) as group:

        def asked() -> tuple[Request, Trace | None]:
            require_kinds(problem, start)
            require_flag("track_errors", track_errors)
            trace = Trace(problem) if track_errors else None
            return Request.of(problem, method, options, start), trace

        request, trace = group.together(asked)
        return _solved(of_first(request, group), trace, group)


def of_first(request: Request, group: Group) -> Request:
    """The request with the checkpoint of the first process, which reads and writes it."""
    if group.size == 1:
        return request
    settings = request.settings
    path, every = group.agree((settings.checkpoint, settings.checkpoint_every))
    return replace(request, settings=replace(settings, checkpoint=path, checkpoint_every=every))


def _solved(request: Request, trace: Trace | None, group: Group) -> Solution:
    """The solution of a request, by one process or several."""
    settings = request.settings
    group.on_first(lambda: require_checkpoint(settings, trace is not None))
    clock = Clock(settings.time_limit)
    form = group.on_first(lambda: kept_form(settings.checkpoint))
    job = in_time(clock, lambda: request.job(clock.left, form))
    if group.size > 1:
        require_same_run(job, trace is not None, group)
        given = getattr(job.method, "lstsq", None)
        if given is not None:
            require_shared_rows(solver_named(given))
    title = f"{job.problem.name} by {job.method.name}"
    shows = settings.verbose and group.is_first
    display = Display(title, clock.limit) if shows else None
    guarded = Guarded(settings.callback) if settings.callback is not None else None
    with display or nullcontext(), told_what_to_lower(LOWER, settings.torch_device):
        file = RunFile.of(job)
        resumed = file.resume() if file else None
        context = resumed.context if resumed else in_time(clock, lambda: prepare(job, clock))
        job.method.require_memory(context.discretization)
        if trace is not None:
            context.listen(trace.listener(context.selection))
        context.listen(*by_first([display, guarded], group))
        try:
            solution = run_job(job, context, resumed.standing if resumed else None, file)
        except ProblemError as error:
            if trace is not None and error.solution is not None:
                error.solution = trace.finished(error.solution)
            raise
        solution = trace.finished(solution) if trace is not None else solution
    try:
        group.on_first(lambda: guarded.require_success(solution) if guarded is not None else None)
    except CallbackError as error:
        error.solution = solution  # which does not travel
        raise
    return solution


def require_same_run(job: Job, track_errors: bool, group: Group) -> None:
    """Refuse processes that solve different problems, or have different versions.

    Raises:
        SettingsError: they do; the message says what differs.
    """
    limits = ("time_limit", "max_iterations", "tolerance", "refine")
    identity = fingerprint(job)
    parts = {**versions(), **identity.pop("options"), **identity, "track_errors": track_errors}
    parts |= {name: getattr(job.settings, name) for name in limits}
    require_same("solve", parts, group)


def by_first(
    listeners: Sequence[Callable[[Record], None] | None], group: Group
) -> list[Callable[[Record], None]]:
    """The listeners of the first process, whose interruptions all of them hear."""
    if group.size == 1:
        return [listener for listener in listeners if listener is not None]
    there = group.agree([listener is not None for listener in listeners])

    def heard(listener: Callable[[Record], None] | None) -> Callable[[Record], None]:
        return lambda record: group.on_first(lambda: listener(record) if listener else None)

    return [heard(one) for one, is_there in zip(listeners, there, strict=True) if is_there]


def require_kinds(problem: object, start: object) -> None:
    """Refuse a path in place of a problem or a solution, and a start of another size.

    Raises:
        SettingsError: the message says what to give instead.
    """
    if not isinstance(problem, Problem):
        raise SettingsError(
            f"problem is {problem!r:.60}: give a pl.Problem, such as pl.load_problem(path)."
        )
    if start is None:
        return
    if not isinstance(start, Solution):
        raise SettingsError(
            f"start is {start!r:.60}: give a solution, such as pl.load(path, problem)."
        )
    sizes = [(len(p.coordinates), len(p.unknowns)) for p in (start.problem, problem)]
    if sizes[0] != sizes[1]:
        raise SettingsError(
            f"start has {sizes[0][0]} coordinate(s) and {sizes[0][1]} unknown(s), the problem "
            f"{sizes[1][0]} and {sizes[1][1]}: give a solution of a problem with as many."
        )


def require_checkpoint(settings: RunSettings, track_errors: bool) -> None:
    """Refuse a checkpoint that cannot be written, or that cannot hold what the run needs.

    Raises:
        SettingsError: the message says what to give instead.
    """
    if settings.checkpoint is None:
        return
    require_writable(Path(settings.checkpoint), f"checkpoint {settings.checkpoint}")
    if track_errors:
        raise SettingsError(
            "track_errors keeps states that a checkpoint does not hold: leave one of them out."
        )


def run_job(
    job: Job, context: Context, resumed: Standing | None = None, file: RunFile | None = None
) -> Solution:
    """Run a prepared job, and collect the solution.

    Args:
        job: with every choice made.
        context: of its run.
        resumed: where the run stood, if it goes on from a checkpoint.
        file: the checkpoint of the run, if one was asked for.

    Raises:
        ProblemError: a mistake in the problem ended the run; the error holds the best state.
    """
    first = None
    if job.start is not None and resumed is None:
        first = first_candidate(job.start, context.discretization)
    keep = partial(file.keep, context) if file is not None else None
    outcome = run(context, job.method, first, resumed, keep)
    whole = context.clock.limited(job.settings.time_limit)
    if file is not None:
        with last_work(whole, outcome.status):
            file.finish(outcome.status, whole.seconds)
    context = context.timed_by(whole)
    if job.settings.refine and outcome.status is not Status.INTERRUPTED:
        outcome = refine_afterwards(context, outcome, job.method)
    context.discretization.return_to(outcome.best.candidate)
    solution = collect(job, context, outcome)
    if outcome.failure is not None:
        raise ProblemError(
            f"{outcome.failure} The run ended there, in iteration {outcome.iterations + 1}. The "
            "best state so far is the attribute `solution` of this error; go on with start=.",
            solution,
        ) from outcome.failure
    return solution
