"""Alignment: how I-LSR moves the network between two refinements, one piece at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from pdelsr.linearize import StackedResidual
from pdelsr.solvers.context import Context
from pdelsr.solvers.fitting import affordable_columns, affordable_points
from pdelsr.solvers.gradient import LBFGSRun
from pdelsr.solvers.levenberg_marquardt import LevenbergMarquardt, affordable_step
from pdelsr.solvers.pseudo_time import PseudoTimeResidual
from pdelsr.solvers.watch import Watch

SHARE = 0.5  # of the planned points, for one Gauss–Newton step


@dataclass
class Alignment(ABC):
    """The alignment of one iteration.

    Args:
        iteration: of the outer loop.
        reserve: seconds that must be left for the refinement that follows.
    """

    iteration: int
    reserve: float

    @abstractmethod
    def advance(self, context: Context) -> bool:
        """Take one piece; whether it was the last one."""

    def watch(self, context: Context, every: int, count: int) -> Watch:
        """Reports every so many pieces, of which `count` are done, and keeps the time."""
        return Watch(context, self.iteration, "align", every, self.reserve, count)


@dataclass
class GaussNewtonAlignment(Alignment):
    """Damped Gauss–Newton steps on ‖f(θ)‖, on new points now and then.

    Args:
        descent: the damping goes on from one alignment to the next.
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

    def advance(self, context: Context) -> bool:
        if self.residual is None or self.taken % self.resample_every == 0:
            self.residual = context.fresh_residual(
                SHARE, context.network if self.adaptive else None
            )
            n, descent = self.residual.row_count, self.descent
            descent.largest = affordable_columns(context.discretization, n, descent.largest)
        size = affordable_step(self.descent, self.residual, context.discretization.generator)
        stopped = self.watch(context, 5, self.taken)(size)
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

    def advance(self, context: Context) -> bool:
        watch = self.watch(context, 1, 0)
        rows, discretization = self.problem.residual.row_count, context.discretization
        once = affordable_points(discretization, rows, self.run.history)
        self.run.advance(context.network, self.problem.loss(once), watch)
        return watch.stopped or self.run.over


PARTS = (
    GaussNewtonAlignment,
    PseudoTimeAlignment,
    PseudoTimeResidual,
    LBFGSRun,
    LevenbergMarquardt,
)
"""What an alignment consists of, for `Method.memory_types`."""
