"""The context of a method: a discretization, the best state, the clock, reports."""

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

FLOOR = 0.45  # power of epsilon, times the terms: a smaller residual says little about the error
ROUNDING = 0.55  # the same: a residual that falls no further is down to rounding
EXACT = 0.88  # the same: a smaller residual needs no further step
TERMS_ON = 2048  # held-out points on which the size of the terms is measured
REMEMBERED = 2  # candidates whose held-out residual is not evaluated again
FINISH = 3  # evaluations on held-out points that follow the last step
FINISH_SHARE = 0.1  # of the time limit for these evaluations, at most
Measured = tuple[dict[str, float], Tensor]


@dataclass(frozen=True)
class Earlier:
    """Facts about the run that this one goes on from.

    Args:
        refined: whether it left a refinement for the same problem.
        untrained: whether its network is as it was built.
        objective: ‖f‖ before its refinement: its first one, if it had the same residual, else that
            of its network here; 0 without a refinement.
        seconds: of its last iteration.
    """

    refined: bool = False
    untrained: bool = False
    objective: float = 0.0
    seconds: float = 0.0


@dataclass
class Context:
    """One run of one method on one problem.

    Nobody assigns to its fields: whatever changes during the run changes by its methods.

    Args:
        discretization: network, blocks and points.
        clock: of the run.
        max_iterations: of the outer loop.
        patience: outer iterations without progress before the run counts as stagnated.
        trained: whether the network comes from elsewhere, rather than being a fresh one.
        maker: of other networks and their plans, see `grow`; None if the network is the user's
            choice.
        design: of the first network.
        earlier: the run that this one goes on from, if any.
        selection: the assessed states, and the best one.
        history: the records of the run so far.
        listeners: called with every record, in order.
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
        """The same run with another clock, for example with another limit."""
        return replace(self, clock=clock)

    def listen(self, *listeners: Callable[[Record], None]) -> None:
        """Call these with every record from now on, in this order."""
        self.listeners.extend(listeners)

    def resume(
        self,
        selection: Selection,
        history: Iterable[Record],
        earlier: Earlier,
        assess_seconds: float,
    ) -> None:
        """Go on where this run was cut; the tolerance is not restored, because it may have changed.

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
        """The residual on held-out points, which are never trained on."""
        return self.discretization.heldout

    @property
    def generator(self) -> torch.Generator:
        """The generator for all random draws of a method, so that the seed decides."""
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
            anew: take an untrained network; otherwise one that is the same function as now.
        """
        assert self.maker is not None
        network, plan = self.maker(self.network, self.plan, parameters, anew)
        self.discretization.replace_network(network, plan)

    def redraw(self, draw: int, stretch: float = 1.0) -> None:
        """Go on with another untrained network of the same size, on the same points.

        Args:
            draw: number of the draw; each gives other random weights.
            stretch: factor on their scale, unless that is the user's choice.
        """
        assert self.maker is not None
        network = self.maker.redrawn(self.network, draw, stretch)
        self.discretization.replace_network(network)

    def assess(
        self, candidate: Candidate, iteration: int, report: RankReport | None = None
    ) -> Assessed:
        """Assess a candidate by its held-out residual, infinite if not finite, and keep the best.

        `Selection` decides which of two states is better.

        Args:
            candidate: the state, found on the last drawn points.
            iteration: when it was found.
            report: of the last refinement; ignored for a network without δ.
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
        """Seconds for the work after the last step, which evaluates network and best state."""
        if math.isinf(self.clock.limit):
            return 0.0
        return min(FINISH * self.assess_seconds, FINISH_SHARE * self.clock.limit)

    @property
    def left(self) -> float:
        """Seconds left for steps: those on the clock less the work after the last step."""
        return self.clock.left - self.finish_seconds

    def heldout_norm(self, candidate: Candidate) -> float:
        """‖f‖ on the held-out points, infinite if not finite."""
        return self.discretization.norm_of(self._measure(candidate)[0])

    def _measure(self, candidate: Candidate) -> Measured:
        """Root mean square of every block, and squares at held-out points, with a small cache."""
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
        """The state with the sizes of terms, the scale of its residual, if it is finite."""
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
        """‖f‖ of the first state."""
        return max(self.earlier.objective, self.objectives[0])

    def rounding(self, power: float) -> float:
        """The given power of epsilon times the size of the terms at the best state."""
        return self.best.rounding(self.discretization.epsilon, power)

    def fell_to(self, power: float) -> bool:
        """Whether the best residual is below the given power of epsilon times its terms."""
        return self.best.objective < self.rounding(power)

    def report(self, record: Record) -> None:
        """Add a record to the history, log it, and call the listeners."""
        self.history.append(record)
        record.log()
        for listener in self.listeners:
            listener(record)
