"""`solve`: from a problem and a method to a solution."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import torch

from pdelsr.declare import Problem
from pdelsr.errors import SettingsError
from pdelsr.networks import HardConditions
from pdelsr.results import Solution
from pdelsr.results.collect import collect
from pdelsr.results.display import Display
from pdelsr.results.trace import Trace
from pdelsr.solvers.afterwards import refine_afterwards
from pdelsr.solvers.candidate import Candidate
from pdelsr.solvers.context import Context
from pdelsr.solvers.history import Record
from pdelsr.solvers.ilsr import ILSR
from pdelsr.solvers.loop import run
from pdelsr.solvers.lsr import LSR
from pdelsr.solvers.method import Method
from pdelsr.solvers.prepare import chosen_hard, prepare
from pdelsr.solvers.registry import parse_options
from pdelsr.solvers.settings import Progress, RunSettings
from pdelsr.solvers.status import Status

NETWORK_OPTIONS = (
    "network",
    "hidden",
    "activation",
    "weight_scale",
    "first_inputs",
    "initialization",
    "harmonics",
)


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
            `RunSettings`): `network`, `points`, `sampler`, `weights`, `balance`, `hard`,
            `tolerance`, `time_limit`, `max_iterations`, `seed`, `dtype`, `device`, `callback`,
            `verbose`, `refine`, `memory_budget`. A module given as `network` is copied.

    Returns:
        The solution: `predict`, `derivative`, `error`, `summary`, `plot`, `save`.

    Raises:
        SettingsError: an unknown method or option, with the nearest valid name, or a value that
            does not fit, or errors to track without a reference.
        ProblemError: hard conditions that are not possible, or a coefficient that fails.

    Example:
        >>> solution = solve(problem, "ilsr", time_limit=60, verbose=True)
        >>> print(solution.summary())
        >>> solution.predict(x=0.5, t=[0.0, 0.5, 1.0])
    """
    trace = Trace(problem) if track_errors else None
    if start is not None:
        options = started_options(problem, start, options)
    chosen, settings = parse_options(method, options)
    if start is not None:
        settings = same_weights(problem, chosen, settings, start, options)
    settings = settled(chosen, settings)
    title = f"{problem.name} by {chosen.name}"
    display = Display(title, settings.time_limit) if settings.verbose else None
    with display or nullcontext():
        context = prepared(problem, chosen, settings)
        context.listener = listener(display, settings.callback)
        if trace is not None:
            trace.listen_to(context)
        solution = run_prepared(problem, chosen, settings, context, start)
    return trace.finished(solution) if trace is not None else solution


def prepared(problem: Problem, method: Method, settings: RunSettings) -> Context:
    """The context of a run, whose listener is still free; its clock runs from here on."""
    if settings.torch_device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(settings.torch_device)
    return prepare(problem, method, settings)


def run_prepared(
    problem: Problem,
    method: Method,
    settings: RunSettings,
    context: Context,
    start: Solution | None = None,
) -> Solution:
    """Run a method in its context, refine afterwards where that was asked for, and collect."""
    first = None
    if start is not None:
        first = first_candidate(start, context)
        context.go_on(start.rounds)
    outcome = run(context, method, settings.tolerance, first)
    if settings.refine and outcome.status is not Status.INTERRUPTED:
        outcome = refine_afterwards(context, outcome, settings.tolerance, refinement(method))
    context.return_to(outcome.best.candidate)
    return collect(problem, method, settings, context, outcome, start)


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


def started_options(problem: Problem, start: Solution, options: dict[str, Any]) -> dict[str, Any]:
    """The options of a run that goes on from a solution.

    Raises:
        SettingsError: an option would build another network than that of the start.
    """
    for name in NETWORK_OPTIONS:
        if options.get(name) is not None:
            raise SettingsError(
                f"{name} cannot be combined with start: the network of the start goes on. Leave "
                "one of the two out."
            )
    if "hard" in options and options["hard"] != start.settings.hard:
        raise SettingsError(
            f"hard={options['hard']} does not fit the start, which has "
            f"hard={start.settings.hard}: its network would mean another function. Leave it out."
        )
    inner = start.network
    if isinstance(inner, HardConditions):
        inner = inner.network
    taken = {
        "network": inner,
        "hard": start.settings.hard,
        "dtype": start.settings.dtype,
        "device": start.settings.device,
        "seed": start.settings.seed,
    }
    return {**taken, **{k: v for k, v in options.items() if k not in NETWORK_OPTIONS}}


def same_weights(
    problem: Problem,
    method: Method,
    settings: RunSettings,
    start: Solution,
    options: dict[str, Any],
) -> RunSettings:
    """The same method on the same blocks goes on with the same weights."""
    known = {s.name for s in problem.statements}
    if type(method) is not type(start.method) or not known.issuperset(start.weights):
        return settings
    if "weights" in options or "balance" in options:
        return settings
    return replace(settings, balance=False, weights=dict(start.weights))


def settled(method: Method, settings: RunSettings) -> RunSettings:
    """The settings with the method's choices made, and with a network of its own."""
    hard = chosen_hard(method, settings)
    return replace(settings, hard=hard, network=copy.deepcopy(settings.network))


def first_candidate(start: Solution, context: Context) -> Candidate:
    """θ and δ of the start, in the dtype and on the device of this run."""
    found, like = start.candidate, context.heldout.like
    delta = None if found.delta is None else found.delta.to(like)
    return Candidate(context.network, found.theta.to(like), delta)


def listener(
    display: Display | None, callback: Callable[[Progress], None] | None
) -> Callable[[Record], None]:
    """Passes every record to the display and to the user's callback."""

    def listen(record: Record) -> None:
        if display is not None:
            display(record)
        if callback is not None:
            callback(
                Progress(
                    record.iteration, record.phase, record.seconds, record.train, record.heldout
                )
            )

    return listen
