"""The gains of alignment and growth, measured on a network of half the size."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, replace

import torch

from pdelsr.linearize import Predictor
from pdelsr.linearize.points import PointPlan
from pdelsr.networks import Network
from pdelsr.networks.design import Design
from pdelsr.resources.deadline import given_up_after
from pdelsr.solvers.descent.alignment import STEP_SHARE
from pdelsr.solvers.descent.levenberg_marquardt import LevenbergMarquardt
from pdelsr.solvers.design.trial import TRAIN_SEED, Designer, Trial
from pdelsr.solvers.run.network_maker import Gains

logger: logging.Logger = logging.getLogger(__name__)

STEPS = 30  # of the alignment
RESAMPLE_EVERY = 10  # steps


def gains_of(
    designer: Designer,
    design: Design,
    untrained: Predictor,
    parameters: int,
    seconds: int | float = math.inf,
) -> Gains | None:
    """The gain of an alignment at half the size, and the gain of doubling from there.

    Both depend on the problem. For Poisson's equation, networks of 547 parameters left a residual
    of 1e-5, 4e-10 after alignment, and 3e-8 with twice the parameters; for the wave equation
    alignment made it worse (`docs/experiments/alignment_gain.py`).

    Args:
        designer: of the run.
        design: of the untrained network.
        untrained: the refined network of this design.
        parameters: of the network.
        seconds: that the trial may take; if too few, it returns None.
    """
    with given_up_after(seconds):
        trial = aligned_trial(designer, design, parameters // 2)
        doubled, before = trial.trial.heldout_size(untrained, trial.network), trial.refined_size()
        trial.align()
        aligned = trial.refined_size()
        logger.info(
            "residual of a network of %d parameters: %.1e, aligned %.1e, and %.1e of one of %d",
            *(trial.network.parameter_count, before, aligned, doubled, parameters),
        )
        return Gains(_ratio(before, aligned), _ratio(before, doubled))
    logger.info("the time to see what alignment gains is over")
    return None


def _ratio(before: float, after: float) -> float:
    return before / after if 0 < after < before < math.inf else 1.0


def aligned_trial(designer: Designer, design: Design, parameters: int) -> AlignedTrial:
    """A network of another size, with points for it.

    The scale of the weights of deep networks changes like the root of the width, see
    `Designer.widened`.
    """
    small = designer.sized(design, parameters)
    if designer.job.method.weight_scale is None and len(design.hidden) > 1:
        share = sum(small.hidden) / sum(design.hidden)
        small = replace(small, weight_scale=design.weight_scale * share**0.5)
    network = designer.build(small)
    plan = designer.balanced_plan(network)
    return AlignedTrial(designer, network, plan, designer.trial_on(plan, {}))


@dataclass(frozen=True, eq=False)
class AlignedTrial:
    """Aligns and refines one network, as a run would.

    Args:
        designer: of the run.
        network: the one to align.
        plan: with points for it.
        trial: refines the network.
    """

    designer: Designer
    network: Network
    plan: PointPlan
    trial: Trial

    def align(self) -> None:
        """Take the steps of one alignment."""
        descent, generator = LevenbergMarquardt(), torch.Generator().manual_seed(0)
        residual = None
        for step in range(STEPS):
            if residual is None or step % RESAMPLE_EVERY == 0:
                plan, seed = self.plan.scaled(STEP_SHARE), TRAIN_SEED - 1 - step
                blocks = plan.bind(self.designer.job.compiled.blocks, seed, self.network)
                residual = self.trial.residual(self.network, blocks)
            descent.step(residual, generator)

    def refined_size(self) -> float:
        """The held-out residual after refinement; infinite if that finds nothing."""
        refined = self.trial.refined(self.network)
        return math.inf if refined is None else self.trial.heldout_size(refined, self.network)
