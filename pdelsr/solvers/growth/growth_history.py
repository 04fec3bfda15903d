"""What a run that may grow has learned, and where it stands."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from pdelsr.linearize.points import PointPlan
from pdelsr.solvers.growth.next_step import FEWER_POINTS, LEAST_POINTS
from pdelsr.solvers.run.network_maker import Gains
from pdelsr.solvers.state.candidate import Candidate

WORTH = 1.2  # times of a refinement that an iteration needs, so that its alignment can do something
FEWEST = 1.2  # times the planned points, of a refinement of an aligned network at least


@dataclass
class GrowthHistory:
    """The state of a run that may grow; `GrowthPolicy` decides by it.

    Args:
        factor: times the planned points, for a refinement.
        widens: whether the network may become wider.
        untrained: whether larger untrained networks are still tried.
        rank: that was chosen for networks too large for the whole tangent space.
        limit: why it was not raised further.
        kept: state and plan before the last growth of an untrained network.
        grown: how many states were assessed when it grew; 0 where it never did.
        before: ‖f‖ of the kept state.
        owed: factor on ‖f‖ that the growth has to gain.
        gains: of an alignment and of growth, as a smaller network told.
        tried: whether a smaller network was asked.
        alignments: so far.
        draws: networks of the same size that were tried.
        turns: how often the scale of their weights was changed in another direction.
        points: times `factor`, for the next refinement alone.
        coarse: whether the last refinement had fewer.
        again: whether the next refinement takes up the last one, on all points.
        widened: whether the network became wider before the last alignment.
        refine_seconds: that the last refinement took, on `factor` times the points.
        newton_seconds: that one Newton step of it would take on all points.
        step_seconds: that the last iteration took.
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
        """Take note of how long a refinement took.

        Args:
            parameters: of the network.
            seconds: of the refinement.
            newton_steps: that it took.
            iteration: seconds of the refinement and what was before it.
        """
        if not self.again:
            self.refine_seconds, self.step_seconds = seconds / self.points, iteration
            self.newton_seconds = self.refine_seconds / max(newton_steps, 1)
            self.measured.append((parameters, self.refine_seconds))
        self.points, self.coarse, self.again = 1, self.points < 1, False

    @property
    def least_seconds(self) -> float:
        """That the next iteration takes at least, with a refinement on fewer points."""
        if self.untrained:
            return self.fewest_points * self.refine_seconds
        fewer = WORTH * self.fewest_points * self.refine_seconds
        return min(fewer, self.newton_seconds) if self.can_go_on else fewer

    @property
    def can_go_on(self) -> bool:
        """Whether a refinement that needs no other alignment is open: that on all points."""
        return self.coarse and not self.untrained and self.rank is None

    @property
    def fewest_points(self) -> float:
        """Times the points that a refinement has at least."""
        return LEAST_POINTS if self.untrained else min(FEWER_POINTS, FEWEST / self.factor)
