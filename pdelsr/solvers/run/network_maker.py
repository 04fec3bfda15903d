"""The contract of makers of other networks during a run, and the gains of these."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

from pdelsr.linearize import Predictor
from pdelsr.linearize.points import PointPlan
from pdelsr.networks import Network


@dataclass(frozen=True)
class Gains:
    """Factors by which the residual falls.

    Args:
        alignment: of an alignment and the refinement after it.
        doubling: of an untrained network with twice the parameters.
    """

    alignment: float
    doubling: float

    def grown(self, factor: int | float) -> float:
        """The gain of `factor` times the parameters."""
        return self.doubling ** math.log2(max(factor, 1.0))


class NetworkMaker(ABC):
    """Makes other networks for a run; see `Context.grow` and `Context.redraw`."""

    @abstractmethod
    def __call__(
        self,
        network: Network,
        plan: PointPlan,
        parameters: int,
        anew: bool,
    ) -> tuple[Network, PointPlan]:
        """A network of about `parameters` parameters, and the plan with points for it."""

    @abstractmethod
    def gains(
        self, untrained: Predictor, parameters: int, seconds: int | float = math.inf
    ) -> Gains | None:
        """The gains of alignment and growth, measured on a network of half the size."""

    @abstractmethod
    def redrawn(self, network: Network, draw: int, stretch: float = 1.0) -> Network:
        """An untrained network of the same size with other weights, scaled by `stretch`."""
