"""What a method works with: network, fresh points, held-out points, clock, reports."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch

from pdelsr.compile import CompiledProblem
from pdelsr.linearize import Predictor, StackedResidual
from pdelsr.linearize.points import PointPlan
from pdelsr.networks import Network, closure
from pdelsr.solvers.candidate import Assessed, Candidate
from pdelsr.solvers.clock import Clock
from pdelsr.solvers.history import Record
from pdelsr.subspace.rsvd import spread

HELDOUT = 4  # times the planned points are held out: evaluating is cheap beside fitting
HELDOUT_SEED = 2**31 - 1  # the stream of held-out points; training seeds stay below
PROBES = 2048  # points of a block where the values of states are compared
CLEAR = 0.5  # ratio of two residuals that leaves no doubt which state is better
NEAR = 0.5  # largest change, in errors of a state, that is taken for a slightly smaller residual
ROUNDS = 10_000  # point rounds of one seed before two seeds could meet


@dataclass
class Context:
    """One run of one method on one problem.

    Args:
        compiled: the blocks.
        network: holds θ, and moves as the method trains it.
        plan: points, samplers and weights of the blocks.
        clock: of the run.
        seed: of points and bases.
        memory_budget: bytes for one chunk of rows.
        max_iterations: of the outer loop.
        patience: outer iterations without progress before the run counts as stagnated.
        listener: called with every record.
        trained: whether the network comes from elsewhere, rather than being a fresh one.
        enlarge: makes a larger network and its plan, see `grow`; None where the network is the
            user's choice.
    """

    compiled: CompiledProblem
    network: Network
    plan: PointPlan
    clock: Clock
    seed: int = 0
    memory_budget: int | None = None
    max_iterations: int = 1
    patience: int = 3
    listener: Callable[[Record], None] = lambda record: None
    trained: bool = False
    enlarge: Callable[[Network, int, bool], tuple[Network, PointPlan]] | None = None
    history: list[Record] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.generator = torch.Generator().manual_seed(self.seed)
        self.heldout = self._residual(self.plan.held_out(HELDOUT), HELDOUT_SEED, None)
        self.training: StackedResidual | None = None
        self.rounds = 0
        self._best: Assessed | None = None
        self._error_per_residual = math.inf
        sites = [site for b in self.heldout.blocks for site in b.sites]
        self._probes = torch.cat([s[spread(len(s), PROBES, s.device)] for s in sites])
        self.objectives: list[float] = []

    def replace_network(self, network: Network) -> None:
        """Go on with another network, on the same held-out points."""
        self.network = network
        self.heldout = replace(self.heldout, network=network)

    def grow(self, parameters: int, anew: bool) -> None:
        """Go on with a larger network and more points.

        Args:
            parameters: about how many.
            anew: an untrained network; otherwise the same function as now.
        """
        assert self.enlarge is not None
        network, self.plan = self.enlarge(self.network, parameters, anew)
        self.replace_network(network)

    def return_to(self, candidate: Candidate) -> None:
        """Go on with the network and θ of an earlier state."""
        candidate.predictor()
        self.replace_network(candidate.network)

    def go_on(self, rounds: int) -> None:
        """Continue the random streams of an earlier run after its last round of points."""
        self.rounds = rounds
        self.generator.manual_seed(ROUNDS * self.seed + rounds)

    def fresh_residual(
        self, factor: int | float = 1.0, adapt_to: Predictor | None = None
    ) -> StackedResidual:
        """The residual on points that were not used before.

        Args:
            factor: times the planned number of points.
            adapt_to: draw interior points where this predictor's residual is large.
        """
        self.rounds += 1
        seed = ROUNDS * self.seed + self.rounds
        self.training = self._residual(self.plan.scaled(factor), seed, adapt_to)
        return self.training

    def _residual(self, plan: PointPlan, seed: int, adapt_to: Predictor | None) -> StackedResidual:
        blocks = plan.bind(self.compiled.blocks, seed, adapt_to)
        return StackedResidual(self.network, blocks, self.memory_budget)

    def assess(self, candidate: Candidate, iteration: int) -> Assessed:
        """Held-out residual of a candidate, infinite where it is not finite; keeps the best.

        A refined state replaces another one where its residual is at most half as large, or
        smaller while the two predictions hardly differ.
        """
        predictor = candidate.predictor()
        rms = self.heldout.block_rms(predictor)
        weights = self.heldout.block_weights()
        objective = math.sqrt(sum(w * rms[name] ** 2 for name, w in weights.items()))
        largest = max(rms.values())
        if not math.isfinite(objective):
            objective = largest = math.inf
        self.objectives.append(objective)
        with torch.no_grad():
            values = predictor(self._probes, closure(((0,) * self._probes.shape[1],)))[0]
        assessed = Assessed(candidate, objective, largest, iteration, values)
        if self._best is None or self._is_better(assessed, self._best):
            self._best = assessed
        return assessed

    def _is_better(self, new: Assessed, best: Assessed) -> bool:
        """Whether the residual is smaller, and clearly so where the error may be larger.

        Refinements on different points have errors that differ by chance, and residuals that do
        not tell which is smaller unless they are far apart. A change that is small beside the
        error does no harm. That is taken from the last clear step: what changed there was the
        error before it.
        """
        if not new.objective < best.objective:
            return False
        clear = new.objective <= CLEAR * best.objective
        moved = new.distance(best)
        likely = self._error_per_residual * best.objective
        if clear and math.isfinite(best.objective) and math.isfinite(moved):
            self._error_per_residual = moved / best.objective
        refined = new.candidate.delta is not None and best.candidate.delta is not None
        return clear or not refined or not moved > NEAR * likely

    @property
    def best(self) -> Assessed:
        """The best assessed state, by its residual on held-out points; see `assess`."""
        assert self._best is not None, "nothing was assessed so far"
        return self._best

    @best.setter
    def best(self, assessed: Assessed) -> None:
        self._best = assessed

    def report(self, record: Record) -> None:
        """Add to the history and tell whoever listens."""
        self.history.append(record)
        self.listener(record)
