"""What a method works with: a discretization, its best state, the clock, reports."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from pdelsr.linearize import Predictor, StackedResidual
from pdelsr.linearize.points import PointPlan
from pdelsr.networks import Network
from pdelsr.networks.design import Design
from pdelsr.resources.clock import Clock
from pdelsr.solvers.refinement.report import RankReport
from pdelsr.solvers.run.assessed import Assessed
from pdelsr.solvers.run.network_maker import NetworkMaker
from pdelsr.solvers.run.selection import Selection
from pdelsr.solvers.state.candidate import Candidate
from pdelsr.solvers.state.discretization import Discretization
from pdelsr.solvers.state.history import Record

FLOOR = 0.45  # power of epsilon: below, beside its terms, a residual says little of the error
ROUNDING = 0.55  # power of epsilon: a residual that falls no further is down to rounding
EXACT = 0.88  # power of epsilon: a residual beside its terms that needs no more
TERMS_ON = 2048  # held-out points that the size of the terms is measured on
REMEMBERED = 2  # candidates whose held-out residual is not evaluated again
FINISH = 3  # evaluations on held-out points that follow the last step
FINISH_SHARE = 0.1  # of the time limit that they may be given at most
Measured = tuple[dict[str, float], Tensor]


@dataclass(frozen=True)
class Earlier:
    """What is known of the run that this one goes on from.

    Args:
        refined: whether it left a refinement for the same problem.
        untrained: whether its network is as it was built.
        objective: ‖f‖ before its refinement: where it began, if it had the same residual, else of
            its network here; 0 without a refinement.
        seconds: that its last iteration took.
    """

    refined: bool = False
    untrained: bool = False
    objective: float = 0.0
    seconds: float = 0.0


@dataclass
class Context:
    """One run of one method on one problem.

    Nobody assigns into it: what changes while the run goes on changes by its methods.

    Args:
        discretization: network, blocks and points.
        clock: of the run.
        max_iterations: of the outer loop.
        patience: outer iterations without progress before the run counts as stagnated.
        trained: whether the network comes from elsewhere, rather than being a fresh one.
        maker: of other networks and their plans, see `grow`; None where the network is the
            user's choice.
        design: of the first network.
        earlier: the run that this one goes on from, if any.
        selection: the assessed states, of which it knows the best one.
        history: what the run has reported.
        listeners: called with every record, in their order.
        assess_seconds: that an assessment took at most.
    """

    discretization: Discretization
    clock: Clock
    max_iterations: int = 1
    patience: int = 3
    trained: bool = False
    maker: NetworkMaker | None = None
    design: Design | None = None
    earlier: Earlier = Earlier()
    selection: Selection = field(default_factory=Selection)
    history: list[Record] = field(default_factory=list)
    listeners: list[Callable[[Record], None]] = field(default_factory=list)
    assess_seconds: float = 0.0

    def __post_init__(self) -> None:
        held = self.heldout
        self._few = held.thinned(min(1.0, TERMS_ON / held.row_count))
        self._measured: deque[tuple[Candidate, Measured]] = deque(maxlen=REMEMBERED)

    def timed_by(self, clock: Clock) -> Context:
        """The same run by another clock: with another limit, say."""
        return replace(self, clock=clock)

    def listen(self, *listeners: Callable[[Record], None]) -> None:
        """Tell these about every record from now on, in this order."""
        self.listeners.extend(listeners)

    def resume(
        self,
        selection: Selection,
        history: Iterable[Record],
        earlier: Earlier,
        assess_seconds: float,
    ) -> None:
        """Go on where this run was cut; the tolerance stays, as it may have changed since.

        Args:
            selection: the states that were assessed.
            history: what was reported.
            earlier: the run that it went on from.
            assess_seconds: that an assessment took at most.
        """
        self.selection = replace(selection, tolerance=self.selection.tolerance)
        self.history, self.earlier = list(history), earlier
        self.assess_seconds = assess_seconds

    @property
    def network(self) -> Network:
        """The network that the method trains."""
        return self.discretization.network

    @property
    def plan(self) -> PointPlan:
        """The plan of the points."""
        return self.discretization.plan

    @property
    def heldout(self) -> StackedResidual:
        """The residual on points that are never trained on."""
        return self.discretization.heldout

    @property
    def generator(self) -> torch.Generator:
        """The generator that a method draws from, so that the seed decides."""
        return self.discretization.generator

    def fresh_residual(
        self, factor: int | float = 1.0, adapt_to: Predictor | None = None
    ) -> StackedResidual:
        """See `Discretization.fresh_residual`."""
        return self.discretization.fresh_residual(factor, adapt_to)

    def grow(self, parameters: int, anew: bool) -> None:
        """Go on with a larger network and more points.

        Args:
            parameters: about how many.
            anew: an untrained network; otherwise the same function as now.
        """
        assert self.maker is not None
        network, plan = self.maker(self.network, self.plan, parameters, anew)
        self.discretization.replace_network(network, plan)

    def redraw(self, draw: int, stretch: float = 1.0) -> None:
        """Go on with another untrained network of the same size, on the same points.

        Args:
            draw: its random weights differ for every number.
            stretch: factor on their scale, where that is not the user's choice.
        """
        assert self.maker is not None
        network = self.maker.redrawn(self.network, draw, stretch)
        self.discretization.replace_network(network)

    def assess(
        self, candidate: Candidate, iteration: int, report: RankReport | None = None
    ) -> Assessed:
        """Held-out residual of a candidate, infinite where it is not finite; keeps the best.

        `Selection` says which of two states is the better one.

        Args:
            candidate: the state, found on the last points that were drawn.
            iteration: when it was found.
            report: of the last refinement; a network without δ has none to tell of.
        """
        begin = self.clock.seconds
        rms, squares = self._measure(candidate)
        self.assess_seconds = max(self.assess_seconds, self.clock.seconds - begin)
        found = Assessed(
            candidate,
            self.discretization.norm_of(rms),
            rms,
            iteration,
            squares,
            report=None if candidate.delta is None else report,
            training=self.discretization.training,
        )
        assessed = self._with_terms(found)
        floor, rounding = (
            assessed.rounding(self.discretization.epsilon, power) for power in (FLOOR, ROUNDING)
        )
        self.selection.offer(assessed, floor, rounding)
        return assessed

    @property
    def finish_seconds(self) -> float:
        """That a run needs after its last step: the network and the best state are evaluated."""
        if math.isinf(self.clock.limit):
            return 0.0
        return min(FINISH * self.assess_seconds, FINISH_SHARE * self.clock.limit)

    @property
    def left(self) -> float:
        """Seconds that steps may take: what the clock has left without the work after the last."""
        return self.clock.left - self.finish_seconds

    def heldout_norm(self, candidate: Candidate) -> float:
        """‖f‖ on the held-out points, infinite where it is not finite."""
        return self.discretization.norm_of(self._measure(candidate)[0])

    def _measure(self, candidate: Candidate) -> Measured:
        """Root mean square of every block, squares at held-out points; remembered for a while."""
        for i, (known, measured) in enumerate(self._measured):
            if known is candidate:
                del self._measured[i]
                self._measured.append((known, measured))
                return measured
        squares = self.heldout.block_squares(candidate.predictor())
        measured = self.heldout.rms_of(squares), self.heldout.weighted(squares)
        self._measured.append((candidate, measured))
        return measured

    def _with_terms(self, assessed: Assessed) -> Assessed:
        """The state with the sizes that its residual is measured against, where it is finite."""
        if not math.isfinite(assessed.objective):
            return assessed
        candidate = assessed.candidate
        predictor = candidate.predictor()
        terms = parts = self._few.terms_norm(predictor)
        if candidate.delta is not None:
            parts = self._few.terms_norm(predictor, candidate.at_theta())
        return replace(assessed, terms=terms, parts=parts)

    @property
    def objectives(self) -> list[float]:
        """‖f‖ on the held-out points of all assessed states, in order."""
        return self.selection.objectives

    @property
    def best(self) -> Assessed:
        """The best assessed state, by its residual on held-out points; see `Selection`."""
        assert self.selection.best is not None, "nothing was assessed so far"
        return self.selection.best

    @property
    def first_objective(self) -> float:
        """‖f‖ before anything was done."""
        return max(self.earlier.objective, self.objectives[0])

    def rounding(self, power: float) -> float:
        """That power of epsilon times the size of the terms at the best state."""
        return self.best.rounding(self.discretization.epsilon, power)

    def fell_to(self, power: float) -> bool:
        """Whether the best residual is below that power of epsilon times the size of its terms."""
        return self.best.objective < self.rounding(power)

    def report(self, record: Record) -> None:
        """Add to the history, log, and tell whoever listens."""
        self.history.append(record)
        record.log()
        for listener in self.listeners:
            listener(record)
