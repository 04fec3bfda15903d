"""An LSR in one pass after any method: the star markers of Cao and Zhang (2026)."""

from __future__ import annotations

from dataclasses import replace

from pdelsr.compile import Interior
from pdelsr.errors import ProblemError
from pdelsr.resources.deadline import deadline
from pdelsr.resources.pieces import is_out_of_memory
from pdelsr.solvers.methods.lsr import LSR
from pdelsr.solvers.run.context import Context
from pdelsr.solvers.run.loop import Outcome, without_arrays
from pdelsr.solvers.state.candidate import Assessed
from pdelsr.solvers.state.discretization import Discretization
from pdelsr.solvers.state.history import Record
from pdelsr.solvers.state.interruption import INTERRUPTIONS, status_of
from pdelsr.solvers.state.status import Status


def refine_afterwards(
    context: Context, outcome: Outcome, tolerance: int | float = 0.0, lsr: LSR | None = None
) -> Outcome:
    """Refine the network of the best state, and keep what is better on held-out points.

    Args:
        context: of the run.
        outcome: what the method found.
        tolerance: of the largest held-out root mean square of a block.
        lsr: options of the refinement, but for its passes; None for the defaults.
    """
    lsr = lsr or LSR()
    context.discretization.return_to(outcome.best.candidate)
    try:
        with deadline(context.left):
            return _refined(context, outcome, tolerance, lsr)
    except INTERRUPTIONS as interruption:
        met = outcome.status is Status.CONVERGED
        return outcome if met else replace(outcome, status=status_of(interruption))
    except ProblemError as error:
        return replace(outcome, failure=without_arrays(error))
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        return replace(outcome, status=Status.OUT_OF_MEMORY)


def _refined(context: Context, outcome: Outcome, tolerance: int | float, lsr: LSR) -> Outcome:
    discretization, refine = context.discretization, lsr.refiner()
    found = refine(discretization, context.clock, _more_points(discretization, lsr))
    iteration = outcome.iterations + 1
    assessed = context.assess(replace(outcome.best.candidate, delta=found.delta), iteration)
    met = outcome.status is Status.CONVERGED
    if context.best is assessed and (not met or assessed.largest_rms <= tolerance):
        status = _status(outcome, assessed, found.stopped, tolerance)
        following = None if status is Status.CONVERGED else outcome.next_step
        points = discretization.training
        outcome = Outcome(assessed, found.report, status, iteration, points, following)
    best = outcome.best
    record = Record(
        iteration,
        "refine",
        context.clock.seconds,
        found.train,
        heldout=assessed.objective,
        best=best.objective,
        rank=found.report.rank,
        effective_rank=found.report.effective_rank,
        condition=found.report.condition,
    )
    try:
        context.report(record)
    except KeyboardInterrupt:  # of a callback that wants to stop
        return replace(outcome, status=Status.INTERRUPTED)
    return outcome


def _status(
    outcome: Outcome, assessed: Assessed, stopped: Status | None, tolerance: int | float
) -> Status:
    """How a run ends whose refinement has become the best state."""
    if assessed.largest_rms <= tolerance:
        return Status.CONVERGED
    was = Status.COMPLETED if outcome.status is Status.DIVERGED else outcome.status
    return stopped or was


def _more_points(discretization: Discretization, lsr: LSR) -> float:
    """How many times the planned points make the reduced system overdetermined."""
    equations = [b.name for b in discretization.compiled.blocks if isinstance(b.region, Interior)]
    planned = sum(discretization.plan.counts[name] for name in equations)
    return max(1.0, lsr.default_points(discretization.network.parameter_count) / max(planned, 1))
