"""What a run has changed since it was prepared, and where its method stands."""

from __future__ import annotations

from dataclasses import dataclass

from pdelsr.linearize import StackedResidual
from pdelsr.linearize.points import PointPlan
from pdelsr.solvers.run.context import Context, Earlier
from pdelsr.solvers.run.loop import Standing
from pdelsr.solvers.state.history import Record
from pdelsr.solvers.state.selection import Selection


@dataclass(frozen=True)
class RunState:
    """The part of a run that a checkpoint holds, but for networks, random streams and the clock.

    Args:
        rounds: sets of points that were drawn.
        selection: the assessed states.
        assess_seconds: that an assessment took at most.
        history: what the run has reported.
        memory_budget: bytes for one chunk of rows.
        earlier: the run that this one went on from.
        plan: of the points.
        training: the residual on the last points.
        standing: of the method.
    """

    rounds: int
    selection: Selection
    assess_seconds: float
    history: list[Record]
    memory_budget: int
    earlier: Earlier
    plan: PointPlan
    training: StackedResidual | None
    standing: Standing

    @classmethod
    def of(cls, context: Context, standing: Standing) -> RunState:
        """That of a run between two steps."""
        discretization = context.discretization
        assert discretization.memory_budget is not None  # `prepare` has settled it
        return cls(
            discretization.rounds,
            context.selection,
            context.assess_seconds,
            context.history,
            discretization.memory_budget,
            context.earlier,
            discretization.plan,
            discretization.training,
            standing,
        )

    def put_into(self, context: Context) -> None:
        """Have a context that was prepared anew go on from here."""
        discretization = context.discretization
        discretization.rounds, discretization.plan = self.rounds, self.plan
        discretization.training = self.training
        context.selection, context.earlier = self.selection, self.earlier
        context.assess_seconds, context.history = self.assess_seconds, self.history
