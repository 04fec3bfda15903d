"""The outer loop: step, assess on held-out points, keep the best, stop with a status."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from pdelsr.linearize import StackedResidual
from pdelsr.solvers.candidate import Assessed, Candidate
from pdelsr.solvers.context import Context
from pdelsr.solvers.history import Record
from pdelsr.solvers.method import Method, RankReport, State
from pdelsr.solvers.status import Status

GAIN = 0.8  # factor on the held-out residual that counts as progress
ROUNDING = 0.55  # a fall of the residual to epsilon^0.55 is down to rounding errors


@dataclass(frozen=True)
class Outcome:
    """The best state of a run, and how the run ended.

    Args:
        best: the state with the smallest held-out residual.
        report: of the refinement that found it, if one did.
        status: why the run stopped.
        iterations: completed outer iterations.
        training: the points that the best state was found on; None for the start itself.
    """

    best: Assessed
    report: RankReport | None
    status: Status
    iterations: int
    training: StackedResidual | None = None


def run(
    context: Context, method: Method, tolerance: int | float = 0.0, start: Candidate | None = None
) -> Outcome:
    """Iterate until the method, the tolerance, the clock, the user or stagnation ends it.

    Ctrl-C returns the best state so far. A state whose held-out residual is not finite, or larger
    than that of the best one, never replaces it.
    """
    first = start or Candidate.of_network(context.network)
    keeper = Keeper(context.assess(first, 0), tolerance)
    status, iterations = Status.INTERRUPTED, 0
    try:
        state = method.init(context)
        while True:
            state = method.step(context, state)
            iterations = state.iteration
            assessed = context.assess(state.candidate, iterations)
            keeper.offer(assessed, state.report, context.training)
            context.report(_record(context, state, keeper))
            ended = keeper.verdict(context, state, method.ended(context, state))
            if ended is not None:
                status = ended
                break
    except KeyboardInterrupt:
        assessed = context.assess(Candidate.of_network(context.network), iterations)
        keeper.offer(assessed, None, context.training)
    best = keeper.best
    if not math.isfinite(best.objective):
        status = Status.DIVERGED
    best.candidate.predictor()  # leave the network where the best state is
    return Outcome(best, keeper.report, status, iterations, keeper.training)


class Keeper:
    """Keeps the best state and decides when to stop."""

    def __init__(self, first: Assessed, tolerance: int | float) -> None:
        self.best = first
        self.report: RankReport | None = None
        self.training: StackedResidual | None = None
        self.tolerance = tolerance
        self.last = first
        self._start = first.objective
        self._objectives: list[float] = []

    def offer(
        self, assessed: Assessed, report: RankReport | None, training: StackedResidual | None
    ) -> None:
        """Take a state if it is better than the best one."""
        self.last = assessed
        if assessed.objective < self.best.objective:
            self.best, self.report, self.training = assessed, report, training
        self._objectives.append(self.best.objective)

    def verdict(self, context: Context, state: State, wish: Status | None) -> Status | None:
        """Why to stop now, or None; `wish` is the method's own reason."""
        if self.best.largest_rms <= self.tolerance:
            return Status.CONVERGED
        if wish is Status.OUT_OF_TIME:  # the method knows what it would do with more
            return wish
        ended = self._end(context, state, wish)
        # At the level of rounding, more time or iterations would be poor advice.
        return Status.PRECISION_LIMITED if ended and self._rounded(context) else ended

    def _end(self, context: Context, state: State, wish: Status | None) -> Status | None:
        if context.clock.left <= state.next_seconds:
            return Status.OUT_OF_TIME
        if wish is not None:
            return wish
        if state.iteration >= context.max_iterations:
            return Status.MAX_ITERATIONS
        return Status.STAGNATED if self._stalled(context.patience) else None

    def _stalled(self, patience: int) -> bool:
        """Whether the last `patience` iterations together gained less than GAIN."""
        if len(self._objectives) <= patience:
            return False
        return self._objectives[-1] > GAIN * self._objectives[-1 - patience]

    def _rounded(self, context: Context) -> bool:
        epsilon = torch.finfo(context.heldout.like.dtype).eps
        return self.best.objective < epsilon**ROUNDING * self._start


def _record(context: Context, state: State, keeper: Keeper) -> Record:
    report = state.report
    return Record(
        state.iteration,
        state.phase,
        context.clock.seconds,
        state.train,
        heldout=keeper.last.objective,
        best=keeper.best.objective,
        rank=report and report.rank,
        effective_rank=report and report.effective_rank,
        condition=report and report.condition,
    )
