"""The state of a run that may grow, and what it has learned."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from pdelsr.linearize.points import PointPlan
from pdelsr.solvers.growth.affordable_step import FEWER_POINTS, LEAST_POINTS
from pdelsr.solvers.run.network_maker import Gains
from pdelsr.solvers.state.candidate import Candidate

WORTH = 1.2  # times of a refinement that an iteration needs for a useful alignment
ALIGNED_POINTS = 1.2  # times the planned points, at least, to refine an aligned network


@dataclass
class GrowthHistory:
    """The data of a run that may grow: what it has done and measured, for `GrowthPolicy`.

    Args:
        factor: times the planned points, for a refinement.
        widens: whether the network may become wider.
        untrained: whether larger untrained networks are still tried.
        rank: chosen for networks too large for the whole tangent space.
        limit: why it was not raised further.
        kept: state and plan before the last growth of an untrained network.
        grown: number of states assessed when it grew; 0 if it never did.
        before: ‖f‖ of the kept state.
        owed: factor on ‖f‖ that the growth has to gain.
        gains: of alignment and growth, measured on a smaller network.
        tried: whether the gains were measured on a smaller network.
        alignments: number of alignments so far.
        draws: number of networks of the same size that were tried.
        turns: how often the scale of their weights changed its direction.
        points: times `factor`, for the next refinement alone.
        coarse: whether the last refinement had fewer points.
        again: whether the next refinement continues the last one, on all points.
        widened: whether the network became wider before the last alignment.
        refine_seconds: of the last refinement, on `factor` times the points.
        newton_seconds: of one of its Newton steps, if taken on all points.
        step_seconds: of the last iteration.
        measured: parameters and seconds of the refinements so far.
    """

    factor: int | float
    widens: bool = False
    untrained: bool = False
    rank: int | None = None
    limit: str | None = None
    kept: tuple[Candidate, PointPlan] | None = None
    grown: int = 0
    before: float = math.inf
    owed: float = 1.0
    gains: Gains | None = None
    tried: bool = False
    alignments: int = 0
    draws: int = 0
    turns: int = 0
    points: int | float = 1
    coarse: bool = False
    again: bool = False
    widened: bool = False
    refine_seconds: float = 0.0
    newton_seconds: float = 0.0
    step_seconds: float = 0.0
    measured: list[tuple[int, float]] = field(default_factory=list)

    def learn(self, parameters: int, seconds: float, newton_steps: int, iteration: float) -> None:
        """Record the time of a refinement.

        Args:
            parameters: of the network.
            seconds: of the refinement.
            newton_steps: of the refinement.
            iteration: seconds of the refinement and the work before it.
        """
        if not self.again:
            self.refine_seconds, self.step_seconds = seconds / self.points, iteration
            self.newton_seconds = self.refine_seconds / max(newton_steps, 1)
            self.measured.append((parameters, self.refine_seconds))
        self.points, self.coarse, self.again = 1, self.points < 1, False

    @property
    def least_seconds(self) -> float:
        """Least seconds of the next iteration, with a refinement on fewer points."""
        if self.untrained:
            return self.fewest_points * self.refine_seconds
        fewer = WORTH * self.fewest_points * self.refine_seconds
        return min(fewer, self.newton_seconds) if self.can_go_on else fewer

    @property
    def can_go_on(self) -> bool:
        """Whether a refinement without another alignment is left to do: the one on all points."""
        return self.coarse and not self.untrained and self.rank is None

    @property
    def fewest_points(self) -> float:
        """The least factor on the points of a refinement."""
        return LEAST_POINTS if self.untrained else min(FEWER_POINTS, ALIGNED_POINTS / self.factor)
