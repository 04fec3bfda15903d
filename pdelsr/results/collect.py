"""From the outcome of a run to a `Solution`."""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from typing import TypeGuard

import torch

from pdelsr.declare import Problem
from pdelsr.declare.levels import positions_of_levels
from pdelsr.errors import ProblemError
from pdelsr.files.identity import is_same_problem
from pdelsr.linearize import StackedResidual
from pdelsr.resources.memory import peak_memory
from pdelsr.resources.pieces import is_out_of_memory
from pdelsr.results.accuracy import BlockResidual
from pdelsr.results.base import BaseSolution
from pdelsr.results.error_estimate import HARDLY, ErrorEstimate, estimated
from pdelsr.results.solution import Solution
from pdelsr.solvers.run.assessed import Assessed
from pdelsr.solvers.run.context import EXACT, Context
from pdelsr.solvers.run.job import Job
from pdelsr.solvers.run.predecessor import Predecessor
from pdelsr.solvers.run.stopping import Outcome
from pdelsr.solvers.state.discretization import Discretization
from pdelsr.solvers.state.interruption import last_work
from pdelsr.solvers.state.status import Status
from pdelsr.survey import missed_features, unresolved_features

logger: logging.Logger = logging.getLogger(__name__)

NO_TIME = "there was no time to estimate the error"
NO_SPECTRUM = "the singular values that tell the error did not converge"
NO_MEMORY = "there was no memory to estimate the error"
ALIKE = 2.0  # largest ratio of two residuals of one state and problem, on other points
KEPT = (Status.CONVERGED, Status.INTERRUPTED, Status.OUT_OF_MEMORY, Status.DIVERGED)
"""Statuses that stay, whatever the residual is."""


def collect(job: Job, context: Context, outcome: Outcome) -> Solution:
    """The solution of a run.

    If the run found nothing better than its start, the start's report and points stay valid.

    Args:
        job: of the run.
        context: of the run.
        outcome: of the run.
    """
    problem, start = job.problem, job.start
    discretization, training = context.discretization, outcome.best.training
    candidate = outcome.best.candidate
    trained = start if training is None and is_still_true(start, job, outcome) else None
    train: dict[str, float] = {}  # what is not computed in time is NaN in the solution
    estimate, adds_up = ErrorEstimate(doubts=(NO_TIME,)), False
    if outcome.failure is not None:  # a failed function is not called again
        estimate = ErrorEstimate(doubts=(f"a mistake has ended the run: {outcome.failure}",))
    else:
        try:
            with last_work(context.clock, outcome.status):
                adds_up = context.heldout.adds_up(candidate.predictor())  # before the slower steps
                if not trained:
                    size = 0.0
                    if training is not None:
                        squares = training.block_squares(candidate.predictor())
                        train = training.rms_of(squares)
                        size = training.size_of(squares)
                    estimate = error_estimate(problem, discretization, outcome, size)
        except ProblemError as error:  # a coefficient, say, may fail only now
            estimate = ErrorEstimate(doubts=(f"a mistake came to light after the run: {error}",))
    if trained:
        train = {name: found.train_rms for name, found in trained.blocks.items()}
        estimate = trained.estimate
    status = final_status(context, outcome, estimate, adds_up)
    solution = Solution(
        problem=problem,
        compiled=discretization.compiled,
        network=candidate.network,
        delta=candidate.delta,
        method=job.method,
        settings=job.settings,
        status=status,
        ended=outcome.status,
        next_step=outcome.next_step,
        blocks={
            name: BlockResidual(train.get(name, math.nan), rms)
            for name, rms in outcome.best.rms.items()
        },
        history=tuple(context.history),
        report=trained.report if trained else outcome.best.report,
        training=trained.training if trained else training_points(training),
        weights=dict(context.plan.weights),
        heldout=outcome.best.objective,
        heldout_start=context.first_objective,
        estimate=estimate,
        iterations=outcome.iterations,
        best_iteration=outcome.best.iteration,
        rounds=discretization.rounds,
        seconds=context.clock.seconds,
        peak_memory_bytes=peak_memory(context.plan.device),
    )
    _log(solution)
    return solution


def is_still_true(start: Predecessor | None, job: Job, outcome: Outcome) -> TypeGuard[BaseSolution]:
    """Whether report, points and estimate of the start also hold for the best state.

    User functions may have changed under the same name, which shows in the residual.
    """
    if not isinstance(start, BaseSolution) or not is_same_problem(start.problem, job.problem):
        return False
    if start.settings.torch_dtype != job.settings.torch_dtype:
        return False
    before, now = start.heldout, outcome.best.objective
    return before <= ALIKE * now <= ALIKE**2 * before


def final_status(
    context: Context, outcome: Outcome, estimate: ErrorEstimate, adds_up: bool = True
) -> Status:
    """The status of a run: why it stopped, unless nothing is solved, or all is rounding.

    Args:
        context: of the run.
        outcome: of the run.
        estimate: of the error.
        adds_up: whether some residual is known to have several terms; a single term is never small
            compared with itself.
    """
    best, ended = outcome.best, outcome.status
    if ended in KEPT:
        return ended
    # The residual of a given network need not fall.
    first = math.inf if context.trained else context.first_objective
    if is_unsolved(best, first, estimate, context.discretization.epsilon if adds_up else None):
        return Status.NOT_SOLVED
    if estimate.open:
        return Status.NOT_UNIQUE
    more = ended in (Status.OUT_OF_TIME, Status.MAX_ITERATIONS)
    return Status.PRECISION_LIMITED if more and context.fell_to(EXACT) else ended


def is_unsolved(best: Assessed, first: float, estimate: ErrorEstimate, eps: float | None) -> bool:
    """Whether the residual is too large to tell anything about the solution.

    With a stability constant, that means an error as large as the solution. Without one, it means a
    residual that hardly fell, or that is nearly as large as its terms, unless these vanish too.

    Args:
        best: the returned state.
        first: residual from which it has to fall; infinite if it need not.
        estimate: of its error.
        eps: of the dtype; None if no residual is known to have several terms.
    """
    if estimate.open:
        return False
    if estimate.high is not None:
        return not estimate.high < 1
    large = math.inf if eps is None else best.resolved_terms(eps)
    return best.objective > HARDLY * min(first, large)


def _log(solution: Solution) -> None:
    """Log how the run ended, as a warning if it found nothing."""
    level = logging.WARNING if solution.status is Status.DIVERGED else logging.INFO
    name, method = solution.problem.name, solution.method.name
    logger.log(level, "%s by %s: %s. %s", name, method, solution.status.value, solution.advice)


def error_estimate(
    problem: Problem, discretization: Discretization, outcome: Outcome, train: float
) -> ErrorEstimate:
    """The estimate for the best state of a run, whose ‖f‖ on the points of the fit is `train`."""
    system, names = problem.system, tuple(u.name for u in problem.unknowns)
    levels = positions_of_levels(system)
    coordinates = tuple(str(c) for c in system.coordinates)
    best, heldout = outcome.best, discretization.heldout
    try:
        estimate = estimated(best, heldout, train, levels, names, coordinates)
    except (MemoryError, RuntimeError) as error:
        if is_out_of_memory(error):
            return ErrorEstimate(doubts=(NO_MEMORY,))
        if isinstance(error, torch.linalg.LinAlgError):  # pyright: ignore[reportPrivateImportUsage]
            return ErrorEstimate(doubts=(NO_SPECTRUM,))
        raise
    narrow = unresolved_features(problem)
    narrow += missed_features(problem, discretization.compiled.exact, discretization.plan.samplers)
    return replace(estimate, doubts=(*estimate.doubts, *narrow))


def training_points(training: StackedResidual | None) -> dict[str, tuple[torch.Tensor, ...]]:
    """The points of every block, by name."""
    return {b.block.name: b.sites for b in training.dealt_back().blocks} if training else {}
