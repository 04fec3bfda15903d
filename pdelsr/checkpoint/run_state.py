"""What a run has changed since it was prepared, and where its method stands."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from pdelsr.linearize import StackedResidual
from pdelsr.linearize.points import PointPlan
from pdelsr.solvers.run.context import Context, Earlier
from pdelsr.solvers.run.loop import Standing
from pdelsr.solvers.run.selection import Selection
from pdelsr.solvers.state.history import Record


@dataclass(frozen=True)
class RunState:
    """What a checkpoint holds of a run, besides networks and the clock.

    Args:
        rounds: sets of points drawn so far.
        generator: state of the generator that the method draws from.
        selection: the assessed states.
        assess_seconds: of the longest assessment.
        history: what the run has reported.
        memory_budget: bytes for one chunk of rows.
        earlier: the run that this one went on from.
        plan: of the points.
        training: the residual on the last points.
        standing: of the method.
    """

    rounds: int
    generator: Tensor
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
        """The state of a run between two steps."""
        discretization = context.discretization
        assert discretization.memory_budget is not None  # `prepare` has settled it
        return cls(
            discretization.rounds,
            discretization.generator.get_state(),
            context.selection,
            context.assess_seconds,
            context.history,
            discretization.memory_budget,
            context.earlier,
            discretization.plan,
            discretization.training,
            standing,
        )

    def restore(self, context: Context) -> None:
        """Put this state into a context that was built anew."""
        context.discretization.resume(self.plan, self.training, self.rounds, self.generator)
        context.resume(self.selection, self.history, self.earlier, self.assess_seconds)
