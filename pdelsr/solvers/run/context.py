"""What a method works with: a discretization, its best state, the clock, reports."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from pdelsr.linearize import Predictor, StackedResidual
from pdelsr.linearize.points import PointPlan
from pdelsr.networks import Network
from pdelsr.networks.design import Design
from pdelsr.resources.clock import Clock
from pdelsr.solvers.run.network_maker import NetworkMaker
from pdelsr.solvers.state.candidate import Assessed, Candidate
from pdelsr.solvers.state.discretization import Discretization
from pdelsr.solvers.state.history import Record
from pdelsr.solvers.state.selection import Selection

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

    Args:
        discretization: network, blocks and points.
        clock: of the run.
        max_iterations: of the outer loop.
        patience: outer iterations without progress before the run counts as stagnated.
        listener: called with every record.
        trained: whether the network comes from elsewhere, rather than being a fresh one.
        maker: of other networks and their plans, see `grow`; None where the network is the
            user's choice.
        design: of the first network.
        earlier: the run that this one goes on from, if any.
    """

    discretization: Discretization
    clock: Clock
    max_iterations: int = 1
    patience: int = 3
    listener: Callable[[Record], None] = lambda record: None
    trained: bool = False
    maker: NetworkMaker | None = None
    design: Design | None = None
    earlier: Earlier = Earlier()
    history: list[Record] = field(default_factory=list)

    def __post_init__(self) -> None:
        held = self.heldout
        self._few = held.thinned(min(1.0, TERMS_ON / held.row_count))
        self.selection: Selection = Selection()
        self.assess_seconds = 0.0
        self._measured: deque[tuple[Candidate, Measured]] = deque(maxlen=REMEMBERED)

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
        self.discretization.plan = plan
        self.discretization.replace_network(network)

    def redraw(self, draw: int, stretch: float = 1.0) -> None:
        """Go on with another untrained network of the same size, on the same points.

        Args:
            draw: its random weights differ for every number.
            stretch: factor on their scale, where that is not the user's choice.
        """
        assert self.maker is not None
        network = self.maker.redrawn(self.network, draw, stretch)
        self.discretization.replace_network(network)

    def assess(self, candidate: Candidate, iteration: int) -> Assessed:
        """Held-out residual of a candidate, infinite where it is not finite; keeps the best.

        `Selection` says which of two states is the better one.
        """
        begin = self.clock.seconds
        rms, squares = self._measure(candidate)
        self.assess_seconds = max(self.assess_seconds, self.clock.seconds - begin)
        assessed = self._with_terms(Assessed(candidate, self._norm(rms), rms, iteration, squares))
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
        return self._norm(self._measure(candidate)[0])

    def _measure(self, candidate: Candidate) -> Measured:
        """Root mean square of every block, and squares at held-out points; remembered for a while.

        The network is left at the candidate's θ only where it was evaluated.
        """
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
        predictor, network = assessed.candidate.predictor(), assessed.candidate.network
        terms = self._few.terms_norm(predictor)
        refined = assessed.candidate.delta is not None
        parts = self._few.terms_norm(predictor, network) if refined else terms
        return replace(assessed, terms=terms, parts=parts)

    def _norm(self, rms: Mapping[str, float]) -> float:
        weights = self.heldout.block_weights()
        norm = math.sqrt(sum(w * rms[name] ** 2 for name, w in weights.items()))
        return norm if math.isfinite(norm) else math.inf

    @property
    def objectives(self) -> list[float]:
        """‖f‖ on the held-out points of all assessed states, in order."""
        return self.selection.objectives

    @property
    def best(self) -> Assessed:
        """The best assessed state, by its residual on held-out points; see `Selection`."""
        assert self.selection.best is not None, "nothing was assessed so far"
        return self.selection.best

    @best.setter
    def best(self, assessed: Assessed) -> None:
        self.selection.best = assessed

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
        self.listener(record)
