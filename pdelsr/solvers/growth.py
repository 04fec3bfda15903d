"""When I-LSR takes a larger network."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from pdelsr.linearize.points import PointPlan
from pdelsr.solvers.candidate import Candidate
from pdelsr.solvers.context import EXACT, Context
from pdelsr.solvers.estimate import Sizes, refinement_fits
from pdelsr.solvers.method import State
from pdelsr.solvers.refiner import FULL_LIMIT, PAYS, Refiner, largest_rank
from pdelsr.solvers.refusal import largest
from pdelsr.solvers.status import Status

logger: logging.Logger = logging.getLogger(__name__)

GROWTH, WIDENING = 2, 1.5  # factors on the parameters, of untrained and of aligned networks
FILLED = 0.9  # share of directions above rounding from which a wider network may help
HELD = 0.45  # power of epsilon: a fall of the residual that no other method is needed for
TRIALS = 2.5  # times of a refinement that a growth takes, with the trials of its scale
OVERFIT = 3.0  # ratio of the residual on held-out points to that on the points of the fit
MOST_POINTS = 16  # times the planned ones
USUAL = Refiner()  # whose memory is compared; the refinement itself asks for its own


@dataclass
class Growth:
    """The state of a run that may grow.

    Args:
        factor: times the planned points, for a refinement.
        widens: whether the network may become wider.
        untrained: whether larger untrained networks are still tried.
        rank: that was chosen for networks too large for the whole tangent space.
        limit: why it was not raised further.
        kept: state and plan before the last growth.
        alignments: so far.
        refine_seconds: that the last refinement took.
        step_seconds: that the last iteration took.
    """

    factor: int | float
    widens: bool = False
    untrained: bool = False
    rank: int | None = None
    limit: str | None = None
    kept: tuple[Candidate, PointPlan] | None = None
    alignments: int = 0
    refine_seconds: float = 0.0
    step_seconds: float = 0.0

    def take_untrained(self, context: Context, state: State) -> bool:
        """Take a larger untrained network, as long as that pays; otherwise return to the best."""
        if not self.untrained:
            return False
        self.untrained = self._pays(context)
        kept, self.kept = self.kept, None
        if self.untrained:
            self.kept = state.candidate, context.plan
            context.grow(GROWTH * context.network.parameter_count, anew=True)
            _log_growth(context, "more untrained directions: a network")
        elif kept and context.objectives[-1] > context.objectives[-2]:
            candidate, context.plan = kept
            context.return_to(candidate)
            _log_growth(context, "the last growth gained nothing: back to the network")
        return self.untrained

    def take_more_if_full(self, context: Context, state: State) -> None:
        """Where alignment has filled the tangent space: a wider network, or more directions."""
        report = state.report
        if self.alignments < 2 or report is None or report.effective_rank is None:
            return
        if report.effective_rank <= FILLED * report.rank:
            return
        if context.objectives[-2] >= PAYS * context.objectives[-1]:
            return
        if self.rank is not None:
            self._raise_rank(context)
        elif self.widens and self._fits(context, WIDENING, WIDENING**3 * self.step_seconds):
            context.grow(round(WIDENING * context.network.parameter_count), anew=False)
            _log_growth(context, "alignment has filled the tangent space: a wider network")
            self.refine_seconds *= WIDENING**3

    def _raise_rank(self, context: Context) -> None:
        assert self.rank is not None
        rows = round(self.factor * context.plan.total)
        most = largest_rank(context.network.parameter_count, rows)
        rank = min(GROWTH * self.rank, most)
        in_time = GROWTH**3 * self.refine_seconds < context.clock.left
        if rank > self.rank and in_time and self._fit(context, rows, rank):
            logger.info("alignment has filled the tangent space: rank %d", rank)
            self.rank = rank
            self.limit = "doubled when alignment had filled the last one"
            self.refine_seconds *= GROWTH**2

    def add_points_if_overfit(self, context: Context, state: State) -> None:
        """Take more points where the last fit is much better on its own than on held-out ones."""
        overfit = state.train > 0 and context.objectives[-1] > OVERFIT * state.train
        if context.grower is None or state.report is None or not overfit:
            return
        factor, seconds = 2 * self.factor, 2 * self.refine_seconds
        rows = factor * context.plan.total
        m = self.rank or state.report.rank
        fits = seconds < context.clock.left and self._fit(context, rows, m)
        if factor <= MOST_POINTS and fits:
            logger.info("the fit holds on its points only: %g times the planned points", factor)
            self.factor, self.refine_seconds = factor, seconds

    def _fit(self, context: Context, rows: int | float, rank: int) -> bool:
        sizes = Sizes(rows, rank, context.network.parameter_count)
        return refinement_fits(context, sizes, USUAL)

    def verdict(self, context: Context) -> Status | None:
        """Alignment adds little to a linear problem that untrained networks hold to many digits."""
        if not self.untrained or self._pays(context):
            return None
        if min(context.objectives) > context.rounding(HELD):
            return None
        needless = self._is_exact(context) or self._growth_seconds < context.clock.left
        return Status.STAGNATED if needless else Status.OUT_OF_TIME

    @property
    def _growth_seconds(self) -> float:
        return GROWTH**3 * TRIALS * self.refine_seconds

    def _pays(self, context: Context) -> bool:
        gained = self.kept is None or context.objectives[-2] >= PAYS * context.objectives[-1]
        exact = self._is_exact(context)
        return gained and not exact and self._fits(context, GROWTH, self._growth_seconds)

    def _is_exact(self, context: Context) -> bool:
        return context.objectives[-1] < context.rounding(EXACT)

    def _fits(self, context: Context, factor: int | float, seconds: float) -> bool:
        """Whether limit, time and memory allow so many times the parameters."""
        parameters = round(factor * context.network.parameter_count)
        if parameters > FULL_LIMIT or seconds >= context.clock.left:
            return False
        return self._grown_fit(context, parameters)

    def _grown_fit(self, context: Context, parameters: int) -> bool:
        """Whether a network with so many parameters, and points in proportion, fits."""
        share = parameters / context.network.parameter_count
        rows = share * self.factor * context.plan.total
        return refinement_fits(context, Sizes(rows, parameters, parameters), USUAL)

    def most_parameters(self, context: Context) -> int:
        """Up to which limit and memory allow a growth."""
        now = context.network.parameter_count
        if now >= FULL_LIMIT:
            return now
        return max(now, largest(lambda m: self._grown_fit(context, m), FULL_LIMIT + 1))


def _log_growth(context: Context, what: str) -> None:
    logger.info("%s of %d parameters", what, context.network.parameter_count)
