"""Larger networks for a run whose network is not the user's choice."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pdelsr.linearize.points import PointPlan
from pdelsr.networks import Network
from pdelsr.solvers.design import Design
from pdelsr.solvers.plan import point_counts
from pdelsr.solvers.trial import Designer


@dataclass
class Grower:
    """Makes a larger network and the plan that suits it.

    Args:
        designer: of the run.
        design: of the present network.
    """

    designer: Designer
    design: Design

    def __call__(
        self, network: Network, plan: PointPlan, parameters: int, anew: bool
    ) -> tuple[Network, PointPlan]:
        """A network of about so many parameters, and the plan with points for it.

        Args:
            network: the present one.
            plan: the present one.
            parameters: about how many.
            anew: an untrained network; otherwise the same function as now.
        """
        designer = self.designer
        if anew:
            self.design = designer.larger(self.design, parameters)
            found = designer.build(self.design)
        else:
            self.design = designer.sized(self.design, parameters)
            found = designer.grown(network, self.design, designer.settings.seed + parameters)
        counts = point_counts(
            designer.problem,
            designer.compiled,
            designer.method,
            designer.settings,
            found.parameter_count,
        )
        return found, replace(plan, counts=counts)
