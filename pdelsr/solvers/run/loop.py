"""The outer loop: step, assess on held-out points, keep the best, stop with a status."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from pdelsr.errors import ProblemError, SettingsError
from pdelsr.resources.deadline import deadline
from pdelsr.resources.pieces import is_out_of_memory
from pdelsr.solvers.refinement.memory.refusal import nothing_found
from pdelsr.solvers.refinement.report import RankReport
from pdelsr.solvers.run.context import Context
from pdelsr.solvers.run.method import Method, State
from pdelsr.solvers.run.stopping import Judge, Outcome, without_arrays
from pdelsr.solvers.state.candidate import Candidate
from pdelsr.solvers.state.interruption import (
    INTERRUPTIONS,
    in_time,
    status_of,
)
from pdelsr.solvers.state.status import Status

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Standing:
    """Where a run stands between two steps: all it needs to go on, besides its context.

    Args:
        state: of the method.
        ended: why the run stopped here, if it did.
    """

    state: State
    ended: Status | None = None


def run(
    context: Context,
    method: Method,
    first: Candidate | None = None,
    resumed: Standing | None = None,
    keep: Callable[[Standing], None] | None = None,
) -> Outcome:
    """Iterate until the method, the tolerance, the clock, the user or stagnation ends it.

    Ctrl-C returns the best state so far. A state whose held-out residual is not finite, or larger
    than that of the best one, never replaces it.

    Args:
        context: of the run.
        method: with its options.
        first: the first state; None for the network as it is.
        resumed: where this run stood before, if it goes on from a checkpoint.
        keep: called after every step with where the run stands.

    Raises:
        MemoryLimitError: memory ran out before anything was found.
        ProblemError: a coefficient failed before anything was found; later it ends the run.
        TimeLimitError: the time limit is reached before the first state is assessed.
    """
    fresh = first is None and resumed is None
    if resumed is None:
        candidate = first or Candidate.of_network(context.network)
        in_time(context.clock, lambda: context.assess(candidate, 0))
    begin = context.best
    judge, keep = Judge(context), keep or (lambda standing: None)
    iterations = resumed.state.iteration if resumed else 0
    if resumed:
        status = judge.verdict(resumed.state, method.ended(context, resumed.state))
        if status is not None:
            return judge.outcome(status, iterations, method.next_step(context, resumed.state))
    state: State | None = None
    unseen: State | None = None  # of a step that is not yet assessed
    lack: BaseException | None = None
    failure: ProblemError | None = None
    try:
        with deadline(context.clock.left - 0.5 * context.finish_seconds):
            state = resumed.state if resumed else _given(method, "init", method.init(context))
            status = None
            keep(Standing(state, status))
            while status is None:
                state = _given(method, "step", method.step(context, state))
                if state.whole:
                    unseen, iterations = state, state.iteration
                    assessed = context.assess(state.candidate, iterations, state.report)
                    unseen = None
                    judge.tell(state, assessed)
                    status = judge.verdict(state, method.ended(context, state))
                keep(Standing(state, status))
        return judge.outcome(status, iterations, method.next_step(context, state))
    except INTERRUPTIONS as interruption:
        status = status_of(interruption)
    except ProblemError as error:
        if context.best is begin and fresh:
            raise
        status, failure = Status.INTERRUPTED, without_arrays(error)
        if unseen is not None:  # its iteration is not complete
            iterations -= 1
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        status, lack = Status.OUT_OF_MEMORY, without_arrays(error)
    following = None if state is None else method.next_step(context, state)
    if failure is None:
        judge.assess_last(unseen, iterations, status)
    if lack is not None and context.best is begin and fresh and not context.trained:
        raise nothing_found(context.discretization, lack)
    return replace(judge.outcome(status, iterations, following), failure=failure)


def _given(method: Method, step: str, state: object) -> State:
    """What `init` or `step` of a method gives, which may be a user's.

    Raises:
        SettingsError: it is no state of a run.
    """
    name = f"{type(method).__name__}.{step}"
    if not isinstance(state, State):
        raise SettingsError(f"{name} gives {type(state).__name__}: expected a State.")
    found: object = state.candidate
    if not isinstance(found, Candidate):
        raise SettingsError(
            f"{name} gives a State whose candidate is a {type(found).__name__}: expected "
            "Candidate.of_network(network), or a copy of it with delta."
        )
    if found.delta is not None and found.delta.shape != found.theta.shape:
        raise SettingsError(
            f"{name} gives a candidate with delta of shape {tuple(found.delta.shape)}: expected "
            f"{tuple(found.theta.shape)}, an entry for each parameter."
        )
    report: object = state.report
    if report is not None and not isinstance(report, RankReport):
        raise SettingsError(
            f"{name} gives a State whose report is a {type(report).__name__}: expected the "
            "`report` of a refinement, or None."
        )
    return state
