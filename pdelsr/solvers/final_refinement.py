"""A one-pass LSR after any method: the star markers of Cao and Zhang (2026)."""

from __future__ import annotations

from dataclasses import replace

from pdelsr.compile import Interior
from pdelsr.errors import ProblemError
from pdelsr.resources.deadline import deadline
from pdelsr.resources.pieces import is_out_of_memory
from pdelsr.solvers.methods.ilsr import ILSR
from pdelsr.solvers.methods.lsr import LSR
from pdelsr.solvers.run.context import Context
from pdelsr.solvers.run.method import Method
from pdelsr.solvers.run.stopping import Outcome, without_arrays
from pdelsr.solvers.state.discretization import Discretization
from pdelsr.solvers.state.history import Record
from pdelsr.solvers.state.interruption import INTERRUPTIONS, status_of
from pdelsr.solvers.state.status import Status


def refine_afterwards(context: Context, outcome: Outcome, method: Method) -> Outcome:
    """Refine the network of the best state, and keep the better one on held-out points.

    Args:
        context: of the run, with time left on its clock.
        outcome: of the method.
        method: of the run, which may have options of a refinement.
    """
    context.discretization.return_to(outcome.best.candidate)
    try:
        with deadline(context.left):
            return _refined(context, outcome, refinement_of(method))
    except INTERRUPTIONS as interruption:
        met = outcome.status is Status.CONVERGED
        return outcome if met else replace(outcome, status=status_of(interruption))
    except ProblemError as error:
        return replace(outcome, failure=without_arrays(error))
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        return replace(outcome, status=Status.OUT_OF_MEMORY)


def refinement_of(method: Method) -> LSR:
    """The one-pass LSR that follows a method, with the method's own refinement options, if any."""
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


def _refined(context: Context, outcome: Outcome, lsr: LSR) -> Outcome:
    discretization, refine = context.discretization, lsr.refiner()
    found = refine(discretization, context.clock, _more_points(discretization, lsr))
    iteration = outcome.iterations + 1
    refined = replace(outcome.best.candidate, delta=found.delta)
    assessed = context.assess(refined, iteration, found.report)
    best = context.best
    if best is assessed:
        met = context.selection.is_met
        status = Status.CONVERGED if met else found.stopped or _status(outcome)
        following = None if met else outcome.next_step
        outcome = Outcome(best, status, iteration, following)
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
    except KeyboardInterrupt:  # from a callback that wants to stop
        return replace(outcome, status=Status.INTERRUPTED)
    return outcome


def _status(outcome: Outcome) -> Status:
    """The status of a run whose refinement became the best state."""
    return Status.COMPLETED if outcome.status is Status.DIVERGED else outcome.status


def _more_points(discretization: Discretization, lsr: LSR) -> float:
    """The factor on the planned points that makes the reduced system overdetermined."""
    equations = [b.name for b in discretization.compiled.blocks if isinstance(b.region, Interior)]
    planned = sum(discretization.plan.counts[name] for name in equations)
    return max(1.0, lsr.default_points(discretization.network.parameter_count) / max(planned, 1))
