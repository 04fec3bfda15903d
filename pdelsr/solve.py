"""`solve`: from a problem and a method to a solution."""

from __future__ import annotations

import copy
import logging
import math
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from pdelsr.checkpoint import RunFile, kept_form
from pdelsr.compile import compile_problem
from pdelsr.declare import Problem
from pdelsr.errors import ProblemError, SettingsError
from pdelsr.resources.clock import Clock
from pdelsr.resources.pieces import told_what_to_lower
from pdelsr.results import Solution
from pdelsr.results.collect import collect
from pdelsr.results.display import Display
from pdelsr.results.trace import Trace
from pdelsr.solvers.afterwards import refine_afterwards
from pdelsr.solvers.design.form import chosen_form
from pdelsr.solvers.design.plan import require_points
from pdelsr.solvers.methods.ilsr import ILSR
from pdelsr.solvers.methods.lsr import LSR
from pdelsr.solvers.methods.registry import parse_options
from pdelsr.solvers.prepare import may_grow, prepare
from pdelsr.solvers.run.context import Context
from pdelsr.solvers.run.loop import Standing, run
from pdelsr.solvers.run.method import Method
from pdelsr.solvers.state.callback import Guarded
from pdelsr.solvers.state.candidate import Candidate
from pdelsr.solvers.state.history import Record
from pdelsr.solvers.state.interruption import in_time, last_work
from pdelsr.solvers.state.settings import RunSettings, require_flag, require_writable
from pdelsr.solvers.state.status import Status
from pdelsr.start import (
    earlier_run,
    first_candidate,
    goes_on_growing,
    same_weights,
    started_options,
)

logger: logging.Logger = logging.getLogger(__name__)
REFINE_SHARE = 0.3  # of the time limit, kept for the refinement that follows a method
LOWER = "lower points or rank, or take a narrower network (hidden=)"


def solve(
    problem: Problem,
    method: str | Method = "ilsr",
    *,
    start: Solution | None = None,
    track_errors: bool = False,
    **options: Any,
) -> Solution:
    """Solve a problem.

    Every method minimizes ‖f(θ)‖² = Σ_b w_b mean(F_b²), the stacked residual of all blocks, and
    returns the state that was best on points that it never trained on. Ctrl-C returns the best
    state so far, and a state that is not finite never replaces a good one.

    Args:
        problem: the declaration.
        method: "ilsr" (iterative linearized subspace refinement: many digits), "lsr" (one shot:
            fastest on smooth linear problems), "pinn" (Adam and L-BFGS), "tsonn" (pseudo-time
            stepping), or an instance such as `ILSR(alignment="lbfgs")`.
        start: a previous solution to go on from: its network, dtype, device and hard conditions
            are taken over, and its refined state is the first candidate, so the result is never
            worse on the held-out points. It is copied, not changed. It may belong to another
            problem with as many coordinates and unknowns, as in continuation in a parameter.
        track_errors: also measure the error of the best state after every outer iteration, for
            `Solution.error_history`; when the run is over, so that it takes no time from it.
        **options: of the method (see `PINN`, `TSONN`, `LSR`, `ILSR`) and of every run (see
            `RunSettings`): `network`, `grow`, `points`, `sampler`, `weights`, `balance`, `hard`,
            `tolerance`, `time_limit`, `max_iterations`, `seed`, `dtype`, `device`, `callback`,
            `verbose`, `refine`, `memory_budget`, `checkpoint`, `checkpoint_every`. A module given
            as `network` is copied.

    Returns:
        The solution: `predict`, `derivative`, `error`, `summary`, `plot`, `save`.

    Raises:
        SettingsError: an unknown method or option, with the nearest valid name, or a value that
            does not fit, or errors to track without a reference.
        MemoryLimitError: the sizes that were chosen do not fit into the free memory.
        ProblemError: hard conditions that are not possible, or a coefficient that fails; the error
            holds the best state so far, if there is one.
        TimeLimitError: the time limit is reached before there is a first state.
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
    require_kinds(problem, start)
    require_flag("track_errors", track_errors)
    trace = Trace(problem) if track_errors else None
    if start is not None:
        options = started_options(method, start, options)
    chosen, settings = parse_options(method, options)
    if start is not None:
        settings = same_weights(problem, chosen, settings, start, options)
    if settings.checkpoint is not None:
        require_writable(Path(settings.checkpoint), f"checkpoint {settings.checkpoint}")
    clock, asked = Clock(settings.time_limit), settings
    settings = in_time(clock, lambda: settled(problem, chosen, asked, start, clock.left))
    require_own_blocks(problem, settings, options)
    if trace is not None and settings.checkpoint is not None:
        raise SettingsError(
            "track_errors keeps states that a checkpoint does not hold: leave one of them out."
        )
    title = f"{problem.name} by {chosen.name}"
    display = Display(title, settings.time_limit) if settings.verbose else None
    guarded = Guarded(settings.callback) if settings.callback is not None else None
    with display or nullcontext(), told_what_to_lower(LOWER, settings.torch_device):
        file = run_file(problem, chosen, settings, start)
        resumed = file.resume() if file else None
        context = resumed.context if resumed else prepared(problem, chosen, settings, clock)
        chosen.require_memory(context.discretization)
        kept = trace and trace.listener(lambda: context.best.candidate)
        context.listener = listener(kept, display, guarded)
        standing = resumed.standing if resumed else None
        finish = trace.finished if trace is not None else (lambda solution: solution)
        try:
            solution = finish(
                run_prepared(problem, chosen, settings, context, start, standing, file)
            )
        except ProblemError as error:
            if error.solution is not None:
                error.solution = finish(error.solution)
            raise
    if guarded is not None:
        guarded.require_success(solution)
    return solution


def require_kinds(problem: object, start: object) -> None:
    """Refuse a path where a problem or a solution is wanted, and a start of another size.

    Raises:
        SettingsError: what to give instead.
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


def require_own_blocks(problem: Problem, settings: RunSettings, options: dict[str, Any]) -> None:
    """Refuse options of the call that name blocks without points.

    A problem or a method may name them, since it does not know what will hold exactly.

    Raises:
        SettingsError: the message names the block.
    """
    given = {name: options.get(name) for name in ("points", "sampler", "weights")}
    by_block = {name: found for name, found in given.items() if isinstance(found, Mapping)}
    if by_block:
        exact = compile_problem(problem, bool(settings.hard)).exact
        for name, found in by_block.items():
            require_points(name, found, exact)


def run_file(
    problem: Problem, method: Method, settings: RunSettings, start: Solution | None
) -> RunFile | None:
    """The checkpoint of a run, if one was asked for."""
    if settings.checkpoint is None:
        return None
    path, every = Path(settings.checkpoint), settings.checkpoint_every
    return RunFile(path, every, problem, method, settings, start)


def prepared(
    problem: Problem, method: Method, settings: RunSettings, clock: Clock | None = None
) -> Context:
    """The context of a run, whose listener is still free; its clock runs from here on.

    Args:
        problem: the declaration.
        method: with its options.
        settings: of the run.
        clock: that runs already, if one does.

    Raises:
        TimeLimitError: the time limit is reached meanwhile.
    """
    if settings.torch_device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(settings.torch_device)
    clock = clock or Clock(settings.time_limit)
    return in_time(clock, lambda: prepare(problem, method, settings, spent=clock.seconds))


def run_prepared(
    problem: Problem,
    method: Method,
    settings: RunSettings,
    context: Context,
    start: Solution | None = None,
    standing: Standing | None = None,
    file: RunFile | None = None,
) -> Solution:
    """Run a method in its context, refine afterwards where that was asked for, and collect."""
    first: Candidate | Standing | None = standing
    if start is not None and standing is None:
        discretization = context.discretization
        first = first_candidate(start, discretization)
        discretization.go_on(start.rounds)
        logger.info("going on from %r", start)
        norm = context.heldout_norm
        context.earlier = in_time(
            context.clock, lambda: earlier_run(problem, start, discretization, norm)
        )

    def keep(now: Standing) -> None:
        if file is not None:
            file.keep(context, now)

    clock = context.clock
    if settings.refine:
        context.clock = replace(clock, limit=(1 - REFINE_SHARE) * clock.limit)
    outcome = run(context, method, settings.tolerance, first, keep)
    if file is not None:
        with last_work(clock, outcome.status):
            file.finish(outcome.status, clock.seconds)
    context.clock = clock
    if settings.refine and outcome.status is not Status.INTERRUPTED:
        outcome = refine_afterwards(context, outcome, settings.tolerance, refinement(method))
    context.discretization.return_to(outcome.best.candidate)
    solution = collect(problem, method, settings, context, outcome, start)
    if outcome.failure is not None:
        raise ProblemError(
            f"{outcome.failure} The run ended there, in iteration {outcome.iterations + 1}. The "
            "best state so far is the attribute `solution` of this error; go on with start=.",
            solution,
        ) from outcome.failure
    return solution


def refinement(method: Method) -> LSR:
    """The LSR in one pass that follows a method: with its own options where it refines itself."""
    if isinstance(method, LSR):
        return method
    if isinstance(method, ILSR):
        return LSR(
            basis=method.basis,
            rank=method.rank,
            lstsq=method.lstsq,
            newton_steps=method.newton_steps,
        )
    return LSR()


def settled(
    problem: Problem,
    method: Method,
    settings: RunSettings,
    start: Solution | None = None,
    left: float = math.inf,
) -> RunSettings:
    """The settings with the method's choices made, and with a network of its own.

    Args:
        problem: the declaration.
        method: with its options.
        settings: as the user gave them.
        start: that the run goes on from.
        left: seconds until the time limit.
    """
    grow = may_grow(problem, method, settings)
    if settings.grow is None and start is not None:
        grow = goes_on_growing(problem, method, settings, start)
    hard = settings.hard
    if hard is None and settings.checkpoint is not None:
        hard = kept_form(Path(settings.checkpoint))
    if hard is None:
        hard = chosen_form(problem, method, settings, left)
    return replace(settings, hard=hard, grow=grow, network=copy.deepcopy(settings.network))


def listener(*listeners: Callable[[Record], None] | None) -> Callable[[Record], None]:
    """Passes every record to all of them, in their order."""

    def listen(record: Record) -> None:
        for one in listeners:
            if one is not None:
                one(record)

    return listen
