"""Alignment: I-LSR moves the network between two refinements, one piece at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from pdelsr.linearize import StackedResidual
from pdelsr.solvers.descent.gradient import LBFGSRun
from pdelsr.solvers.descent.levenberg_marquardt import LevenbergMarquardt, affordable_step
from pdelsr.solvers.descent.pseudo_time import PseudoTimeResidual
from pdelsr.solvers.refinement.memory.fitting import affordable_columns, affordable_points
from pdelsr.solvers.run.context import Context
from pdelsr.solvers.run.inner_watch import Watch
from pdelsr.solvers.state.discretization import Discretization

STEP_SHARE = 0.5  # of the planned points, for one Gauss–Newton step
MOST_ROWS = 8  # of a step for each parameter that it moves; thirty gained less than more steps


def step_share(discretization: Discretization, largest: int) -> float:
    """The share of the planned points for a step that moves at most `largest` parameters."""
    columns = min(largest, discretization.network.parameter_count)
    planned = discretization.plan.row_count(discretization.compiled.blocks)
    return min(STEP_SHARE, MOST_ROWS * columns / planned)


@dataclass
class Alignment(ABC):
    """The alignment of one iteration.

    Args:
        iteration: of the outer loop.
        reserve: seconds to leave for the refinement that follows.
    """

    iteration: int
    reserve: float

    every: ClassVar[int] = 1  # pieces between two records

    @property
    def pieces(self) -> int:
        """Number of pieces taken, if counted."""
        return 0

    @abstractmethod
    def advance(self, discretization: Discretization, watch: Watch) -> bool:
        """Take one piece; return whether it was the last one.

        Args:
            discretization: its network is moved.
            watch: of this alignment, called after every step.
        """

    def watch(self, context: Context) -> Watch:
        """A watch that reports progress and keeps to the time."""
        return Watch(context, self.iteration, "align", self.every, self.reserve, self.pieces)


@dataclass
class GaussNewtonAlignment(Alignment):
    """Damped Gauss–Newton steps on ‖f(θ)‖, with new points at intervals.

    Args:
        descent: the optimizer; its damping carries over from one alignment to the next.
        steps: in all.
        resample_every: steps between new points.
        adaptive: draw interior points where the residual is large.
        residual: on the present points.
        taken: steps so far.
    """

    descent: LevenbergMarquardt
    steps: int
    resample_every: int
    adaptive: bool
    residual: StackedResidual | None = None
    taken: int = 0

    every = 5

    @property
    def pieces(self) -> int:
        return self.taken

    def _drawn(self, discretization: Discretization) -> StackedResidual:
        """The residual on new points; where these are too many, those of the user are sampled."""
        adapt_to = discretization.network if self.adaptive else None
        factor = step_share(discretization, self.descent.largest)
        residual, plan = discretization.fresh_residual(factor, adapt_to), discretization.plan
        if factor == STEP_SHARE:
            return residual
        seed = discretization.rounds
        return residual.with_blocks(
            [b.sampled(factor, seed) if plan.is_given(b.block) else b for b in residual.blocks]
        )

    def advance(self, discretization: Discretization, watch: Watch) -> bool:
        if self.residual is None or self.taken % self.resample_every == 0:
            self.residual = self._drawn(discretization)
            n, descent = self.residual.row_count, self.descent
            descent.largest = affordable_columns(discretization, n, descent.largest)
        size = affordable_step(self.descent, self.residual, discretization.generator)
        stopped = watch(size)
        self.taken += 1
        return stopped or self.taken >= self.steps


@dataclass
class PseudoTimeAlignment(Alignment):
    """The published alignment: L-BFGS on the TSONN residual with q_prev the refined predictor.

    Args:
        problem: the pseudo-time residual.
        run: of L-BFGS.
    """

    problem: PseudoTimeResidual
    run: LBFGSRun

    def advance(self, discretization: Discretization, watch: Watch) -> bool:
        rows = self.problem.residual.row_count
        once = affordable_points(discretization, rows, self.run.history)
        self.run.advance(discretization.network, self.problem.loss(once), watch)
        return watch.stopped or self.run.over


ALIGNMENT_TYPES = (
    GaussNewtonAlignment,
    PseudoTimeAlignment,
    PseudoTimeResidual,
    LBFGSRun,
    LevenbergMarquardt,
)
"""The parts of an alignment, for `Method.memory_types`."""
