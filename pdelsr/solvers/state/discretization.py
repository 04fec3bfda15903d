"""The source of residuals: a network, the blocks of a problem, and freshly drawn points."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from pdelsr.compile import CompiledProblem
from pdelsr.linearize import Predictor, StackedResidual
from pdelsr.linearize.points import PointPlan
from pdelsr.networks import Network
from pdelsr.solvers.state.candidate import Candidate

HELDOUT_SEED = 2**31 - 1  # of held-out points; no round uses it for seeds below 214,748
ROUNDS = 10_000  # rounds of points of one seed before the streams of two seeds could meet


@dataclass
class Discretization:
    """A network that moves, and the points where it is fitted and assessed.

    Args:
        compiled: the blocks.
        network: holds θ, and moves as a method trains it.
        plan: points, samplers and weights of the blocks.
        seed: for points and bases.
        memory_budget: bytes for one chunk of rows.
        points_open: whether the number of points is the method's choice.

    Attributes:
        first_plan: the plan before any growth.
        generator: for bases and for random draws of a method.
        heldout: the residual on points that are never trained on.
        training: the last residual that was drawn.
        rounds: how many were drawn.
    """

    compiled: CompiledProblem
    network: Network
    plan: PointPlan
    seed: int = 0
    memory_budget: int | None = None
    points_open: bool = False

    def __post_init__(self) -> None:
        self.first_plan: PointPlan = self.plan
        self.generator: torch.Generator = torch.Generator().manual_seed(self.seed)
        self.heldout: StackedResidual = self._residual(self.plan.held_out(), HELDOUT_SEED, None)
        self.training: StackedResidual | None = None
        self.rounds: int = 0

    def replace_network(self, network: Network, plan: PointPlan | None = None) -> None:
        """Go on with another network, on the same held-out points.

        Args:
            network: at its θ.
            plan: of the points for its fits from now on; None for the present one.
        """
        self.network, self.plan = network, plan or self.plan
        self.heldout = replace(self.heldout, network=network)

    def return_to(self, candidate: Candidate, plan: PointPlan | None = None) -> None:
        """Go on with the network of an earlier state, moved back to its θ.

        Args:
            candidate: the state.
            plan: its plan; None for the present one.
        """
        candidate.move_network()
        self.replace_network(candidate.network, plan)

    def take_up(self, training: StackedResidual | None) -> None:
        """Make the points of an earlier fit the last ones again."""
        self.training = training

    def go_on(self, rounds: int) -> None:
        """Continue the random streams of an earlier run after its last round of points."""
        self.rounds = rounds
        self.generator.manual_seed(ROUNDS * self.seed + rounds)

    def resume(
        self,
        plan: PointPlan,
        training: StackedResidual | None,
        rounds: int,
        generator: Tensor,
    ) -> None:
        """Go on where this run was cut.

        Args:
            plan: of the points then.
            training: the last residual that was drawn.
            rounds: how many were drawn.
            generator: the state of the generator.
        """
        self.plan, self.training, self.rounds = plan, training, rounds
        self.generator.set_state(generator)

    def fresh_residual(
        self, factor: int | float = 1.0, adapt_to: Predictor | None = None
    ) -> StackedResidual:
        """The residual on new points.

        Args:
            factor: on the planned number of points.
            adapt_to: draw interior points where this predictor's residual is large.
        """
        self.rounds += 1
        seed = ROUNDS * self.seed + self.rounds
        self.training = self._residual(self.plan.scaled(factor), seed, adapt_to)
        return self.training

    def heldout_norm(self, candidate: Candidate) -> float:
        """‖f‖ of a state on the held-out points, infinite if not finite."""
        return self.norm_of(self.heldout.block_rms(candidate.predictor()))

    def norm_of(self, rms: Mapping[str, float]) -> float:
        """‖f‖ on the held-out points for given root mean squares of the blocks there."""
        weights = self.heldout.block_weights()
        norm = math.sqrt(sum(w * rms[name] ** 2 for name, w in weights.items()))
        return norm if math.isfinite(norm) else math.inf

    @property
    def fresh_row_count(self) -> int | float:
        """Rows of a residual on the planned points, of which every process has its part."""
        return self.plan.row_count(self.compiled.blocks) / self.plan.dealt_to.size

    @property
    def epsilon(self) -> float:
        """Machine epsilon of the dtype."""
        return torch.finfo(self.heldout.like.dtype).eps

    def _residual(self, plan: PointPlan, seed: int, adapt_to: Predictor | None) -> StackedResidual:
        blocks = plan.bind(self.compiled.blocks, seed, adapt_to)
        return StackedResidual(self.network, blocks, self.memory_budget, self.plan.dealt_to)
