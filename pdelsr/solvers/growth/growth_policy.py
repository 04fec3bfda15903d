"""The decisions of I-LSR to take a larger network, or another one."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass

from pdelsr.solvers.design.trial import FACTOR, FILLED
from pdelsr.solvers.growth.affordable_step import (
    LEAST_GROWTH,
    Kind,
    Situation,
    Step,
    next_step,
    power_of,
    wanted_step,
    widening,
)
from pdelsr.solvers.growth.growth_history import WORTH, GrowthHistory
from pdelsr.solvers.refinement.memory.estimate import Sizes, refinement_fits
from pdelsr.solvers.refinement.memory.refusal import largest_that
from pdelsr.solvers.refinement.rank_search import PAYS
from pdelsr.solvers.refinement.refiner import Refiner
from pdelsr.solvers.refinement.refiner_options import FULL_LIMIT, largest_rank
from pdelsr.solvers.run.context import EXACT, ROUNDING, Context
from pdelsr.solvers.run.method import State
from pdelsr.solvers.state.status import Status

logger: logging.Logger = logging.getLogger(__name__)

SATED = 8.0  # gain of an alignment below which a wider network gains more
COARSE = 0.5  # times the points, for refinements before another alignment
HELD_POWER = 0.45  # power of epsilon: a fall of the residual that needs no other method
STRETCHES = (FACTOR**0.5, FACTOR**-0.5, 1.0)  # of weights, in networks of the same size
TRIAL_SHARE = 0.25  # of the time left, to find whether alignment pays
WORTH_A_TRIAL = 4.0  # times of a refinement that must be left for a trial
OVERFIT = 3.0  # ratio of the residual on held-out points to the one on points of the fit
MOST_POINTS = 16  # times the planned ones
USUAL = Refiner()  # to compare memory; the refinement itself checks its own need


@dataclass(frozen=True)
class GrowthPolicy:
    """Decides what a run that may grow does next.

    Args:
        context: of the run.
        growth: the history of its growth, which decisions change.
    """

    context: Context
    growth: GrowthHistory

    def takes_up(self) -> bool:
        """Whether the next refinement continues the last one, which had fewer points than planned.

        It does if another alignment would leave time only for as few points again. The missing
        Newton steps on all points take less time.
        """
        growth, context = self.growth, self.context
        left = context.left
        fits = growth.newton_seconds <= left < COARSE * WORTH * growth.refine_seconds
        growth.again = growth.can_go_on and fits
        return growth.again

    def take_fewer_points(self) -> None:
        """Refine on fewer points if little time is left, or if another refinement follows.

        An alignment goes on from the network; the refinement before it only shows where the run
        stands, and is returned if something goes wrong.
        """
        growth, context = self.growth, self.context
        left = context.left
        if left < WORTH * growth.refine_seconds:
            growth.points = max(left / (WORTH * growth.refine_seconds), growth.fewest_points)
        elif math.isfinite(left) and not self.is_last():
            growth.points = COARSE

    def take_untrained(self, state: State) -> bool:
        """Take another untrained network as long as that pays; otherwise return to the best."""
        growth = self.growth
        if not growth.untrained:
            return False
        self._try_alignment()
        step = self.next()
        if step.kind is Kind.GROW:
            self._grow(state, step)
            return True
        self._take_back()
        growth.untrained = step.kind is Kind.AGAIN
        if growth.untrained:
            self._draw(step)
        return growth.untrained

    def _try_alignment(self) -> None:
        """Measure the gains of alignment and growth, if they will matter."""
        growth, context = self.growth, self.context
        now = self._situation()
        if growth.tried or now.enough or now.done or math.isinf(now.left):
            return
        if now.left < WORTH_A_TRIAL * now.seconds:  # too little time to benefit
            return
        assert context.maker is not None
        best, growth.tried = context.best.candidate, True
        seconds, m = TRIAL_SHARE * now.left, best.network.parameter_count
        growth.gains = context.maker.gains(best.predictor(), m, seconds)

    def _draw(self, step: Step) -> None:
        """Take another network of this size, with larger weights while that gains, then smaller.

        After that, take other weights of the same size.
        """
        growth, context = self.growth, self.context
        if growth.draws and context.objectives[-1] > min(context.objectives[:-1]):
            growth.turns += 1
        growth.draws, growth.points = growth.draws + 1, step.points
        best = context.best.candidate.network
        if best.parameter_count == context.network.parameter_count:
            context.discretization.replace_network(best)
        context.redraw(growth.draws, STRETCHES[min(growth.turns, len(STRETCHES) - 1)])
        self._log("another network of the same size:")

    def _grow(self, state: State, step: Step) -> None:
        growth, context = self.growth, self.context
        growth.kept, growth.grown = (state.candidate, context.plan), len(context.objectives)
        growth.before, growth.turns = context.objectives[-1], 0
        growth.owed = PAYS ** math.log2(step.parameters / context.network.parameter_count)
        context.grow(step.parameters, anew=True)
        self._log("more untrained directions: a network")

    def _take_back(self) -> None:
        """Return to the network before the last growth, if that has the smaller residual."""
        growth, context = self.growth, self.context
        kept, growth.kept = growth.kept, None
        if kept and min(context.objectives[growth.grown :]) > growth.before:
            context.discretization.return_to(*kept)
            self._log("the last growth gained nothing: back to the network")

    def take_more_if_full(self, state: State) -> None:
        """Take a wider network or more directions once alignment has filled the tangent space.

        That is the case if the last iteration gained little. Under a time limit growth must come
        early: if the last iteration gained less than growth would, or was the first one of a wider
        network, which brings most of that network's gain.
        """
        growth, context = self.growth, self.context
        report, widened, growth.widened = state.report, growth.widened, False
        if growth.alignments < 2 or report is None or report.effective_rank is None:
            return
        if report.effective_rank <= FILLED * report.rank:
            return
        before, now = context.objectives[-2:]
        hurries = math.isfinite(context.clock.limit) and growth.rank is None
        if before >= (SATED if hurries else PAYS) * now and not (hurries and widened):
            return
        if growth.rank is not None:
            self._raise_rank()
        elif growth.widens:
            self._widen()

    def _widen(self) -> None:
        """Take a wider network whose next iteration fits into the time."""
        growth, context = self.growth, self.context
        now, power = context.network.parameter_count, power_of(growth.measured)
        left = context.left
        wanted = widening(max(growth.step_seconds, growth.refine_seconds), power, left) * now
        parameters = min(round(wanted), self.most_parameters())
        if parameters < LEAST_GROWTH * now:
            return
        context.grow(parameters, anew=False)
        growth.widened = True
        self._log("alignment has filled the tangent space: a wider network")
        longer = (parameters / now) ** power
        growth.refine_seconds *= longer
        growth.step_seconds *= longer

    def _raise_rank(self) -> None:
        growth, context = self.growth, self.context
        assert growth.rank is not None
        rows = round(growth.factor * context.plan.total)
        most = largest_rank(context.network.parameter_count, rows)
        rank = min(2 * growth.rank, most)
        in_time = 2**3 * growth.refine_seconds < context.clock.left
        if rank > growth.rank and in_time and self._fit(rows, rank):
            logger.info("alignment has filled the tangent space: rank %d", rank)
            growth.rank = rank
            growth.limit = "doubled when alignment had filled the last one"
            growth.refine_seconds *= 2**2

    def is_last(self) -> bool:
        """Whether the next alignment and refinement are the last for which there is time."""
        growth, context = self.growth, self.context
        left = context.left
        needed = growth.step_seconds + WORTH * growth.refine_seconds
        return growth.step_seconds > 0 and left < needed

    def add_points_if_overfit(self, state: State) -> None:
        """Take more points if the last fit is much better on its points than on held-out ones."""
        growth, context = self.growth, self.context
        overfit = state.train > 0 and context.objectives[-1] > OVERFIT * state.train
        if context.maker is None or state.report is None or growth.coarse or not overfit:
            return
        factor, seconds = 2 * growth.factor, 2 * growth.refine_seconds
        rows = factor * context.plan.total
        m = growth.rank or state.report.rank
        fits = seconds < context.clock.left and self._fit(rows, m)
        if factor <= MOST_POINTS and fits:
            logger.info("the fit holds on its points only: %g times the planned points", factor)
            growth.factor, growth.refine_seconds = factor, seconds

    def _fit(self, rows: int | float, rank: int) -> bool:
        context = self.context
        own = rows / context.plan.dealt_to.size
        sizes = Sizes(own, rank, context.network.parameter_count)
        return refinement_fits(context.discretization, sizes, USUAL)

    def verdict(self) -> Status | None:
        """The status if a search among untrained networks ends, as alignment would add little."""
        if not self.growth.untrained or self.next().kind is not Kind.STOP:
            return None
        now = self._situation()
        return Status.STAGNATED if now.done or math.isinf(now.left) else Status.OUT_OF_TIME

    def next(self) -> Step:
        """The step after a refinement of an untrained network."""
        return next_step(self._situation())

    def wanted(self) -> Step | None:
        """The step that would come next with more time, if untrained networks are still tried."""
        return wanted_step(self._situation()) if self.growth.untrained else None

    def _situation(self) -> Situation:
        growth, context = self.growth, self.context
        smallest, pays = min(context.objectives), self._pays()
        rounded = not pays and context.fell_to(ROUNDING)
        return Situation(
            parameters=context.network.parameter_count,
            most=self.most_parameters(),
            seconds=growth.refine_seconds,
            power=power_of(growth.measured),
            left=context.left,
            pays=pays,
            enough=smallest <= context.rounding(HELD_POWER),
            gains=growth.gains,
            done=rounded or smallest < context.rounding(EXACT),
        )

    def _pays(self) -> bool:
        """Whether the last growth, if any, gained as much as it has to."""
        growth = self.growth
        if not growth.grown:
            return True
        since = self.context.objectives[growth.grown :]
        return not since or growth.before >= growth.owed * min(since)

    def _grown_fit(self, parameters: int) -> bool:
        """Whether a network of this size, with points in proportion, fits into memory."""
        context = self.context
        share = parameters / context.network.parameter_count
        rows = share * self.growth.factor * context.plan.total / context.plan.dealt_to.size
        return refinement_fits(context.discretization, Sizes(rows, parameters, parameters), USUAL)

    def most_parameters(self) -> int:
        """The largest number of parameters that limits and memory allow."""
        now = self.context.network.parameter_count
        if now >= FULL_LIMIT:
            return now
        return max(now, largest_that(self._grown_fit, FULL_LIMIT + 1))

    def _log(self, what: str) -> None:
        logger.info("%s of %d parameters", what, self.context.network.parameter_count)
