"""Other networks for a run whose network is not the user's choice."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from pdelsr.linearize import Predictor
from pdelsr.linearize.points import PointPlan
from pdelsr.networks import MLP, Network
from pdelsr.networks.design import Design, design_of
from pdelsr.networks.hard import inner_network
from pdelsr.solvers.design.plan import point_counts
from pdelsr.solvers.design.trial import Designer
from pdelsr.solvers.growth.alignment_trial import gains_of
from pdelsr.solvers.run.network_maker import Gains, NetworkMaker


@dataclass
class DesignedNetworks(NetworkMaker):
    """Makes other networks, and plans of points for them.

    Args:
        designer: of the run.
        design: of the present network.
    """

    designer: Designer
    design: Design

    def __call__(
        self,
        network: Network,
        plan: PointPlan,
        parameters: int,
        anew: bool,
    ) -> tuple[Network, PointPlan]:
        """A network of about `parameters` parameters, and the plan with points for it.

        Args:
            network: the present one.
            plan: the present one.
            parameters: about how many.
            anew: an untrained network; otherwise the same function as now.
        """
        designer, job = self.designer, self.designer.job
        if anew:
            self.design = designer.larger(self.design, parameters)
            found = designer.build(self.design)
        else:
            self.design = designer.sized(self.design, parameters)
            found = designer.grown(network, self.design, job.settings.seed + parameters)
        return found, replace(plan, counts=point_counts(job, found.parameter_count))

    def gains(
        self, untrained: Predictor, parameters: int, seconds: int | float = math.inf
    ) -> Gains | None:
        """The gains of alignment and growth, measured on a network of half the size.

        Args:
            untrained: the refined network.
            parameters: of the network.
            seconds: that a trial may take; if too few, it returns None.
        """
        return gains_of(self.designer, self.design, untrained, parameters, seconds)

    def redrawn(self, network: Network, draw: int, stretch: float = 1.0) -> Network:
        """An untrained network like this one, with other random weights for every `draw`.

        Args:
            network: the present one.
            draw: number of the draw, from 1.
            stretch: factor on the scale of the weights, unless the user gave one.
        """
        inner = inner_network(network)
        assert isinstance(inner, MLP)
        given = replace(design_of(inner), activation=inner.activation)
        if self.designer.job.method.weight_scale is None:
            given = replace(given, weight_scale=given.weight_scale * stretch)
        return self.designer.build(given, draw)
