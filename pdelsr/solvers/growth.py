"""When I-LSR takes a larger network, or another one."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, field

from pdelsr.linearize.points import PointPlan
from pdelsr.solvers.candidate import Candidate
from pdelsr.solvers.context import EXACT, ROUNDING, Context
from pdelsr.solvers.estimate import Sizes, refinement_fits
from pdelsr.solvers.method import State
from pdelsr.solvers.next_step import (
    FEWER_POINTS,
    LEAST_GROWTH,
    LEAST_POINTS,
    Gains,
    Kind,
    Situation,
    Step,
    next_step,
    power_of,
    wanted_step,
    widening,
)
from pdelsr.solvers.refiner import PAYS, Refiner
from pdelsr.solvers.refiner_options import FULL_LIMIT, largest_rank
from pdelsr.solvers.refusal import largest
from pdelsr.solvers.status import Status
from pdelsr.solvers.trial import FACTOR, FILLED

logger: logging.Logger = logging.getLogger(__name__)

SATED = 8.0  # gain of another alignment below which a wider network gains more
COARSE = 0.5  # times the points, of refinements after which there is time for another alignment
HELD = 0.45  # power of epsilon: a fall of the residual that no other method is needed for
STRETCHES = (FACTOR**0.5, FACTOR**-0.5, 1.0)  # of weights, for networks of the same size
TRIAL_SHARE = 0.25  # of the time left, to see whether alignment pays
WORTH_A_TRIAL = 4.0  # times of a refinement that are left
WORTH = 1.2  # times of a refinement that an iteration needs, so that its alignment can do something
FEWEST = 1.2  # times the planned points, of a refinement of an aligned network at least
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
            return self._fewer_points * self.refine_seconds
        fewer = WORTH * self._fewer_points * self.refine_seconds
        return min(fewer, self.newton_seconds) if self._can_go_on else fewer

    @property
    def _can_go_on(self) -> bool:
        """Whether a refinement that needs no other alignment is open: that on all points."""
        return self.coarse and not self.untrained and self.rank is None

    @property
    def _fewer_points(self) -> float:
        """Times the points that a refinement has at least."""
        return LEAST_POINTS if self.untrained else min(FEWER_POINTS, FEWEST / self.factor)

    def takes_up(self, context: Context) -> bool:
        """Whether the next refinement takes up the last one, which had fewer points than planned.

        That is so where after another alignment there would be time for as few points only. The
        Newton steps that are missing on all of them take less time.
        """
        left = context.clock.left - context.finish_seconds
        fits = self.newton_seconds <= left < COARSE * WORTH * self.refine_seconds
        self.again = self._can_go_on and fits
        return self.again

    def take_fewer_points(self, context: Context) -> None:
        """Refine on fewer points where little time is left, and where it will be done again.

        What an alignment starts from is the network; the refinement before it only tells where the
        run stands, and is what it returns if something goes wrong.
        """
        left = context.clock.left - context.finish_seconds
        if left < WORTH * self.refine_seconds:
            self.points = max(left / (WORTH * self.refine_seconds), self._fewer_points)
        elif math.isfinite(left) and not self.is_last(context):
            self.points = COARSE

    def take_untrained(self, context: Context, state: State) -> bool:
        """Take another untrained network, as long as that pays; otherwise return to the best."""
        if not self.untrained:
            return False
        self._try_alignment(context)
        step = self.next(context)
        if step.kind is Kind.GROW:
            self._grow(context, state, step)
            return True
        self._take_back(context)
        self.untrained = step.kind is Kind.AGAIN
        if self.untrained:
            self._draw(context, step)
        return self.untrained

    def _try_alignment(self, context: Context) -> None:
        """Find out what alignment and growth gain, where that will matter."""
        now = self._situation(context)
        if self.tried or now.enough or now.done or math.isinf(now.left):
            return
        if now.left < WORTH_A_TRIAL * now.seconds:  # too little for what would be learned
            return
        assert context.grower is not None
        best, self.tried = context.best.candidate, True
        seconds, m = TRIAL_SHARE * now.left, best.network.parameter_count
        self.gains = context.grower.gains(best.predictor(), m, seconds)

    def _draw(self, context: Context, step: Step) -> None:
        """Take another network of the same size: of larger weights while that gains, then smaller.

        After that, of other weights of the same size.
        """
        if self.draws and context.objectives[-1] > min(context.objectives[:-1]):
            self.turns += 1
        self.draws, self.points = self.draws + 1, step.points
        best = context.best.candidate.network
        if best.parameter_count == context.network.parameter_count:
            context.replace_network(best)
        context.redraw(self.draws, STRETCHES[min(self.turns, len(STRETCHES) - 1)])
        _log_growth(context, "another network of the same size:")

    def _grow(self, context: Context, state: State, step: Step) -> None:
        self.kept, self.grown = (state.candidate, context.plan), len(context.objectives)
        self.before, self.turns = context.objectives[-1], 0
        self.owed = PAYS ** math.log2(step.parameters / context.network.parameter_count)
        context.grow(step.parameters, anew=True)
        _log_growth(context, "more untrained directions: a network")

    def _take_back(self, context: Context) -> None:
        """Return to the network before the last growth, if that has the smaller residual."""
        kept, self.kept = self.kept, None
        if kept and min(context.objectives[self.grown :]) > self.before:
            candidate, context.plan = kept
            context.return_to(candidate)
            _log_growth(context, "the last growth gained nothing: back to the network")

    def take_more_if_full(self, context: Context, state: State) -> None:
        """Where alignment has filled the tangent space: a wider network, or more directions.

        That is so where the last iteration gained little; under a time limit, which growth has to
        hurry for, already where it gained less than growth would, or was the first one of a wider
        network, which gains most of what that has to give.
        """
        report, widened, self.widened = state.report, self.widened, False
        if self.alignments < 2 or report is None or report.effective_rank is None:
            return
        if report.effective_rank <= FILLED * report.rank:
            return
        before, now = context.objectives[-2:]
        hurries = math.isfinite(context.clock.limit) and self.rank is None
        if before >= (SATED if hurries else PAYS) * now and not (hurries and widened):
            return
        if self.rank is not None:
            self._raise_rank(context)
        elif self.widens:
            self._widen(context)

    def _widen(self, context: Context) -> None:
        """A wider network, so that the next iteration fits into the time."""
        now, power = context.network.parameter_count, power_of(self.measured)
        left = context.clock.left - context.finish_seconds
        wanted = widening(max(self.step_seconds, self.refine_seconds), power, left) * now
        parameters = min(round(wanted), self.most_parameters(context))
        if parameters < LEAST_GROWTH * now:
            return
        context.grow(parameters, anew=False)
        self.widened = True
        _log_growth(context, "alignment has filled the tangent space: a wider network")
        longer = (parameters / now) ** power
        self.refine_seconds *= longer
        self.step_seconds *= longer

    def _raise_rank(self, context: Context) -> None:
        assert self.rank is not None
        rows = round(self.factor * context.plan.total)
        most = largest_rank(context.network.parameter_count, rows)
        rank = min(2 * self.rank, most)
        in_time = 2**3 * self.refine_seconds < context.clock.left
        if rank > self.rank and in_time and self._fit(context, rows, rank):
            logger.info("alignment has filled the tangent space: rank %d", rank)
            self.rank = rank
            self.limit = "doubled when alignment had filled the last one"
            self.refine_seconds *= 2**2

    def is_last(self, context: Context) -> bool:
        """Whether there is no time for another alignment and refinement after the next ones."""
        left = context.clock.left - context.finish_seconds
        return self.step_seconds > 0 and left < self.step_seconds + WORTH * self.refine_seconds

    def add_points_if_overfit(self, context: Context, state: State) -> None:
        """Take more points where the last fit is much better on its own than on held-out ones."""
        overfit = state.train > 0 and context.objectives[-1] > OVERFIT * state.train
        if context.grower is None or state.report is None or self.coarse or not overfit:
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
        """Why a search among untrained networks ends, where alignment would add little."""
        if not self.untrained or self.next(context).kind is not Kind.STOP:
            return None
        now = self._situation(context)
        return Status.STAGNATED if now.done or math.isinf(now.left) else Status.OUT_OF_TIME

    def next(self, context: Context) -> Step:
        """What comes after a refinement of an untrained network."""
        return next_step(self._situation(context))

    def wanted(self, context: Context) -> Step | None:
        """What would come next with more time, where untrained networks are still tried."""
        return wanted_step(self._situation(context)) if self.untrained else None

    def _situation(self, context: Context) -> Situation:
        smallest, pays = min(context.objectives), self._pays(context)
        rounded = not pays and context.fell_to(ROUNDING)
        return Situation(
            parameters=context.network.parameter_count,
            most=self.most_parameters(context),
            seconds=self.refine_seconds,
            power=power_of(self.measured),
            left=context.clock.left - context.finish_seconds,
            pays=pays,
            enough=smallest <= context.rounding(HELD),
            gains=self.gains,
            done=rounded or smallest < context.rounding(EXACT),
        )

    def _pays(self, context: Context) -> bool:
        """Whether the last growth gained what it has to, if there was one."""
        if not self.grown:
            return True
        since = context.objectives[self.grown :]
        return not since or self.before >= self.owed * min(since)

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
