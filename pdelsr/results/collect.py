"""From the outcome of a run to a `Solution`."""

from __future__ import annotations

import logging
import math
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.declare import Problem
from pdelsr.linearize import StackedResidual
from pdelsr.linearize.memory import peak_memory
from pdelsr.networks import closure
from pdelsr.results.accuracy import BlockResidual
from pdelsr.results.identity import is_same_problem
from pdelsr.results.solution import Solution
from pdelsr.solvers.context import EXACT, Context
from pdelsr.solvers.interruption import last_work
from pdelsr.solvers.loop import Outcome
from pdelsr.solvers.method import Method
from pdelsr.solvers.settings import RunSettings
from pdelsr.solvers.status import Status

logger: logging.Logger = logging.getLogger(__name__)

ESTIMATED_ON = 4096  # held-out points that the error is estimated on


def collect(
    problem: Problem,
    method: Method,
    settings: RunSettings,
    context: Context,
    outcome: Outcome,
    start: Solution | None = None,
) -> Solution:
    """Everything worth keeping of a run.

    Args:
        problem: what was solved.
        method: that ran.
        settings: of the run.
        context: of the run.
        outcome: of the run.
        start: where the run started; its report and points stay valid if nothing better came.
    """
    status = final_status(context, outcome)
    _log(problem, method, status)
    candidate, training = outcome.best.candidate, outcome.training
    seconds = context.clock.seconds
    kept = start if start is not None and training is None else None
    trained = kept if kept and is_same_problem(kept.problem, problem) else None
    estimate = trained.error_estimate if trained else None
    with last_work(context.clock.limit, outcome.status):
        estimate = estimate if trained else estimated_error(context, outcome)
    return Solution(
        problem=problem,
        compiled=context.compiled,
        network=candidate.network,
        delta=candidate.delta,
        method=method,
        settings=settings,
        status=status,
        blocks=block_residuals(outcome, trained, context.clock.limit),
        history=tuple(context.history),
        report=kept.report if kept else outcome.report,
        training=trained.training if trained else training_points(training),
        weights=dict(context.plan.weights),
        heldout=outcome.best.objective,
        heldout_start=context.first_objective,
        error_estimate=estimate,
        iterations=outcome.iterations,
        best_iteration=outcome.best.iteration,
        rounds=context.rounds,
        seconds=seconds,
        peak_memory_bytes=peak_memory(context.plan.device),
    )


def final_status(context: Context, outcome: Outcome) -> Status:
    """How a run ended; that it ran out of time says little where the residual is rounding."""
    more = outcome.status in (Status.OUT_OF_TIME, Status.MAX_ITERATIONS)
    return Status.PRECISION_LIMITED if more and context.fell_to(EXACT) else outcome.status


def _log(problem: Problem, method: Method, status: Status) -> None:
    """How the run ended; aloud where it found nothing."""
    level = logging.WARNING if status is Status.DIVERGED else logging.INFO
    logger.log(level, "%s by %s: %s. %s", problem.name, method.name, status.value, status.advice)


def block_residuals(
    outcome: Outcome, trained: Solution | None, limit: int | float = math.inf
) -> dict[str, BlockResidual]:
    """Residual of every block on training and on held-out points.

    That on training points is NaN where it takes too long after a run with such a time limit.
    """
    predictor = outcome.best.candidate.predictor()
    heldout, train = outcome.best.rms, {}
    with last_work(limit, outcome.status):
        train = outcome.training.block_rms(predictor) if outcome.training else {}
    if trained:
        train = {name: found.train_rms for name, found in trained.blocks.items()}
    return {
        name: BlockResidual(train.get(name, float("nan")), rms) for name, rms in heldout.items()
    }


def estimated_error(context: Context, outcome: Outcome) -> float | None:
    """Distance from the refinement in a part of the directions, relative, on held-out points.

    The nested refinement has the larger error of the two, so that its distance from the full one
    is an estimate on the safe side, as long as both are limited by their directions. The largest
    over the unknowns; None where there is nothing nested.
    """
    report, candidate = outcome.report, outcome.best.candidate
    if report is None or report.nested is None:
        return None
    some = context.heldout.thinned(min(1.0, ESTIMATED_ON / context.heldout.row_count))
    points = torch.cat([s for b in some.blocks for s in b.sites])
    value = closure(((0,) * points.shape[1],))
    nested = replace(candidate, delta=report.nested)
    with torch.no_grad():
        found, other = (c.predictor()(points, value)[0] for c in (candidate, nested))
    return relative_distance(found, other)


def relative_distance(values: Float[Tensor, "n k"], others: Float[Tensor, "n k"]) -> float:
    """‖values − others‖ / ‖values‖, the largest over the unknowns.

    An unknown that is zero but for rounding is measured against the largest one.
    """
    sizes = torch.linalg.vector_norm(values, dim=0)
    floor = torch.finfo(values.dtype).eps ** 0.5 * sizes.max()
    apart = torch.linalg.vector_norm(values - others, dim=0)
    scale = torch.maximum(sizes, floor)
    return torch.where(scale > 0, apart / scale, apart).max().item()


def training_points(training: StackedResidual | None) -> dict[str, tuple[torch.Tensor, ...]]:
    """The points of every block, by name."""
    return {b.block.name: b.sites for b in training.blocks} if training else {}
