"""When a run stops, with which status, and its outcome."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import TypeVar

from pdelsr.errors import ProblemError
from pdelsr.resources.pieces import is_out_of_memory
from pdelsr.solvers.run.assessed import Assessed
from pdelsr.solvers.run.context import EXACT, ROUNDING, Context
from pdelsr.solvers.run.method import State
from pdelsr.solvers.state.candidate import Candidate
from pdelsr.solvers.state.history import Record
from pdelsr.solvers.state.interruption import CUT_SHORT, last_work
from pdelsr.solvers.state.status import Status

logger = logging.getLogger(__name__)
E = TypeVar("E", bound=BaseException)

WITH_MORE = (Status.OUT_OF_TIME, Status.MAX_ITERATIONS, Status.INTERRUPTED)
"""Statuses of runs that would have gone on."""
DONE = (Status.COMPLETED, Status.RANK_DEFICIENT)
"""Statuses of a refinement that mean nothing if the first state is still the best one."""
GAIN = 0.8  # factor on the held-out residual that counts as progress


@dataclass(frozen=True)
class Outcome:
    """The best state of a run, and how the run ended.

    Args:
        best: the best state by its residual on held-out points.
        status: why the run stopped.
        iterations: completed outer iterations.
        next_step: the step that would have come next, and its time, if the method can tell.
        failure: the mistake in the problem that ended the run, if any.
    """

    best: Assessed
    status: Status
    iterations: int
    next_step: str | None = None
    failure: ProblemError | None = None


def without_arrays(error: E) -> E:
    """The error without its traceback, whose frames hold the arrays of the run."""
    return error.with_traceback(None)


@dataclass(frozen=True)
class Judge:
    """Decides when a run stops, and with which status.

    Args:
        context: of the run, with its first state assessed.
    """

    context: Context

    def tell(self, state: State, assessed: Assessed) -> None:
        """Report an iteration, with the present best state."""
        report = state.report
        record = Record(
            state.iteration,
            state.phase,
            self.context.clock.seconds,
            state.train,
            heldout=assessed.objective,
            best=self.context.best.objective,
            rank=report and report.rank,
            effective_rank=report and report.effective_rank,
            condition=report and report.condition,
        )
        self.context.report(record)

    def assess_last(self, unseen: State | None, iterations: int, status: Status) -> None:
        """Assess the state of the last step, or the network of a step cut short, which may be best.

        Args:
            unseen: the state after a step that is not yet assessed; None for a step that was cut.
            iterations: number of iterations so far.
            status: that ended the run.
        """
        network = self.context.network
        candidate = unseen.candidate if unseen else Candidate.of_network(network)
        report = unseen.report if unseen else None
        with last_work(self.context.clock, status):
            try:
                assessed = self.context.assess(candidate, iterations, report)
            except ProblemError as error:  # the first failure is reported, and the best state kept
                logger.info("the step that was cut short is dropped: %s", error)
                return
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                return
            logger.info("the step that was cut short left held-out %.1e", assessed.objective)

    def outcome(self, status: Status, iterations: int, next_step: str | None) -> Outcome:
        """The outcome of a run; its network is moved to the best state."""
        best = self.context.best
        if not math.isfinite(best.objective):
            status = Status.DIVERGED
        best.candidate.move_network()
        following = next_step if status in WITH_MORE else None
        if following is not None:
            logger.info("next would come %s", following)
        return Outcome(best, status, iterations, following)

    def verdict(self, state: State, wish: Status | None) -> Status | None:
        """The reason to stop now, or None; `wish` is the method's own reason."""
        if not state.whole or not state.iteration:
            return None
        if self.context.selection.is_met:
            return Status.CONVERGED
        if wish in CUT_SHORT:  # this step was, or the next one would be
            return wish
        if self.context.fell_to(EXACT):
            return Status.PRECISION_LIMITED
        ended = self._end(state, wish)
        # At the level of rounding, a wider network or more points would not help.
        stopped = ended in (Status.STAGNATED, Status.COMPLETED, Status.RANK_DEFICIENT)
        rounded = stopped and self.context.fell_to(ROUNDING)
        return Status.PRECISION_LIMITED if rounded else ended

    def _end(self, state: State, wish: Status | None) -> Status | None:
        if wish is not None:  # the method is done, even if time is left
            rejected = wish in DONE and not self.context.best.iteration
            return Status.STAGNATED if rejected else wish
        if self.context.clock.left <= max(state.next_seconds, self.context.finish_seconds):
            return Status.OUT_OF_TIME
        if state.iteration >= self.context.max_iterations:
            return Status.MAX_ITERATIONS
        return Status.STAGNATED if self._stalled() else None

    def _stalled(self) -> bool:
        """Whether the last `patience` iterations together gained less than GAIN.

        With a time limit the run uses all of its time, unless the residual is down to rounding.
        """
        if not math.isinf(self.context.clock.limit) and not self.context.fell_to(ROUNDING):
            return False
        objectives, recent = self.context.objectives, self.context.patience
        if len(objectives) - 1 <= recent:
            return False
        return min(objectives) > GAIN * min(objectives[:-recent])
