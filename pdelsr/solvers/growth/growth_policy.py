"""When I-LSR takes a larger network, or another one."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass

from pdelsr.solvers.design.trial import FACTOR, FILLED
from pdelsr.solvers.growth.growth_history import WORTH, GrowthHistory
from pdelsr.solvers.growth.next_step import (
    LEAST_GROWTH,
    Kind,
    Situation,
    Step,
    next_step,
    power_of,
    wanted_step,
    widening,
)
from pdelsr.solvers.refinement.estimate import Sizes, refinement_fits
from pdelsr.solvers.refinement.rank_search import PAYS
from pdelsr.solvers.refinement.refiner import Refiner
from pdelsr.solvers.refinement.refiner_options import FULL_LIMIT, largest_rank
from pdelsr.solvers.refinement.refusal import largest
from pdelsr.solvers.run.context import EXACT, ROUNDING, Context
from pdelsr.solvers.run.method import State
from pdelsr.solvers.state.status import Status

logger: logging.Logger = logging.getLogger(__name__)

SATED = 8.0  # gain of another alignment below which a wider network gains more
COARSE = 0.5  # times the points, of refinements after which there is time for another alignment
HELD = 0.45  # power of epsilon: a fall of the residual that no other method is needed for
STRETCHES = (FACTOR**0.5, FACTOR**-0.5, 1.0)  # of weights, for networks of the same size
TRIAL_SHARE = 0.25  # of the time left, to see whether alignment pays
WORTH_A_TRIAL = 4.0  # times of a refinement that are left
OVERFIT = 3.0  # ratio of the residual on held-out points to that on the points of the fit
MOST_POINTS = 16  # times the planned ones
USUAL = Refiner()  # whose memory is compared; the refinement itself asks for its own


@dataclass(frozen=True)
class GrowthPolicy:
    """What a run that may grow does next.

    Args:
        context: of the run.
        growth: where it stands.
    """

    context: Context
    growth: GrowthHistory

    def takes_up(self) -> bool:
        """Whether the next refinement takes up the last one, which had fewer points than planned.

        That is so where after another alignment there would be time for as few points only. The
        Newton steps that are missing on all of them take less time.
        """
        growth, context = self.growth, self.context
        left = context.left
        fits = growth.newton_seconds <= left < COARSE * WORTH * growth.refine_seconds
        growth.again = growth.can_go_on and fits
        return growth.again

    def take_fewer_points(self) -> None:
        """Refine on fewer points where little time is left, and where it will be done again.

        What an alignment starts from is the network; the refinement before it only tells where the
        run stands, and is what it returns if something goes wrong.
        """
        growth, context = self.growth, self.context
        left = context.left
        if left < WORTH * growth.refine_seconds:
            growth.points = max(left / (WORTH * growth.refine_seconds), growth.fewest_points)
        elif math.isfinite(left) and not self.is_last():
            growth.points = COARSE

    def take_untrained(self, state: State) -> bool:
        """Take another untrained network, as long as that pays; otherwise return to the best."""
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
        """Find out what alignment and growth gain, where that will matter."""
        growth, context = self.growth, self.context
        now = self._situation()
        if growth.tried or now.enough or now.done or math.isinf(now.left):
            return
        if now.left < WORTH_A_TRIAL * now.seconds:  # too little for what would be learned
            return
        assert context.maker is not None
        best, growth.tried = context.best.candidate, True
        seconds, m = TRIAL_SHARE * now.left, best.network.parameter_count
        growth.gains = context.maker.gains(best.predictor(), m, seconds)

    def _draw(self, step: Step) -> None:
        """Take another network of the same size: of larger weights while that gains, then smaller.

        After that, of other weights of the same size.
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
        """Where alignment has filled the tangent space: a wider network, or more directions.

        That is so where the last iteration gained little; under a time limit, which growth has to
        hurry for, already where it gained less than growth would, or was the first one of a wider
        network, which gains most of what that has to give.
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
        """A wider network, so that the next iteration fits into the time."""
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
        """Whether there is no time for another alignment and refinement after the next ones."""
        growth, context = self.growth, self.context
        left = context.left
        needed = growth.step_seconds + WORTH * growth.refine_seconds
        return growth.step_seconds > 0 and left < needed

    def add_points_if_overfit(self, state: State) -> None:
        """Take more points where the last fit is much better on its own than on held-out ones."""
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
        sizes = Sizes(rows, rank, context.network.parameter_count)
        return refinement_fits(context.discretization, sizes, USUAL)

    def verdict(self) -> Status | None:
        """Why a search among untrained networks ends, where alignment would add little."""
        if not self.growth.untrained or self.next().kind is not Kind.STOP:
            return None
        now = self._situation()
        return Status.STAGNATED if now.done or math.isinf(now.left) else Status.OUT_OF_TIME

    def next(self) -> Step:
        """What comes after a refinement of an untrained network."""
        return next_step(self._situation())

    def wanted(self) -> Step | None:
        """What would come next with more time, where untrained networks are still tried."""
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
            enough=smallest <= context.rounding(HELD),
            gains=growth.gains,
            done=rounded or smallest < context.rounding(EXACT),
        )

    def _pays(self) -> bool:
        """Whether the last growth gained what it has to, if there was one."""
        growth = self.growth
        if not growth.grown:
            return True
        since = self.context.objectives[growth.grown :]
        return not since or growth.before >= growth.owed * min(since)

    def _grown_fit(self, parameters: int) -> bool:
        """Whether a network with so many parameters, and points in proportion, fits."""
        context = self.context
        share = parameters / context.network.parameter_count
        rows = share * self.growth.factor * context.plan.total
        return refinement_fits(context.discretization, Sizes(rows, parameters, parameters), USUAL)

    def most_parameters(self) -> int:
        """Up to which limit and memory allow a growth."""
        now = self.context.network.parameter_count
        if now >= FULL_LIMIT:
            return now
        return max(now, largest(self._grown_fit, FULL_LIMIT + 1))

    def _log(self, what: str) -> None:
        logger.info("%s of %d parameters", what, self.context.network.parameter_count)
