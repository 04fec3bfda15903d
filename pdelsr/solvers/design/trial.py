"""The design of a default network for a linear problem, by refining small untrained networks.

The best random features depend on the solution: fast or slow, a product or a sum of functions of
single coordinates. A small network finds them in a fraction of a second, without the solution, by
the residual on held-out points.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch

from pdelsr.compile import Interior
from pdelsr.linearize import Identity, Predictor, RefinedPredictor, StackedResidual
from pdelsr.linearize.bound_block import BoundBlock
from pdelsr.linearize.points import PointPlan, balanced_weights
from pdelsr.lstsq import QR
from pdelsr.networks import MLP, HardConditions, Network
from pdelsr.networks.design import Design, parameter_count
from pdelsr.processes import ALONE, Group, current
from pdelsr.resources.clock import Clock
from pdelsr.resources.deadline import given_up_after
from pdelsr.solvers.design.build import build_network
from pdelsr.solvers.refinement.tangent_newton import Refinement, refine_in_subspace
from pdelsr.solvers.run.job import Job
from pdelsr.solvers.state.settings import LARGEST_SEED
from pdelsr.survey import crowds

logger: logging.Logger = logging.getLogger(__name__)

DESIGN_SHARE = 0.3  # of the time left that trials may take
REFINEMENT = 0.5  # of the time left after the trials, for the first refinement
PARAMETERS = 1200  # of a trial network
TRIAL_STEPS = 2  # more than one, so that a linear solve is corrected as in the run
FIRST_SCALES = (1.0, 2.0)  # with which every design is tried
POWER = 2.5  # of the parameters, with which the time of a trial grows
FEWER_PARAMETERS = 4  # times fewer parameters in the smallest trials
WALKS = 3  # about the number of trials of neighbouring scales
ROUGH = 600  # parameters of the first trials; 300 do not tell sine from tanh
FACTOR = 2**0.5  # between neighbouring scales, at first
FINE = 2**0.25  # between the last ones
ROUGHER = 2.5  # factor by which a larger scale may raise the residual, see `Trial._is_better`
DIGITS = 6  # of scales
FILLED = 0.9  # share of directions above rounding from which none are spare
SMALLEST_SCALE, LARGEST_SCALE = 0.15, 12.0  # scales
ACTIVATIONS = ("sin", "tanh")
FEW_INPUTS = (1, 2)  # of a neuron, for problems in many coordinates
MANY_COORDINATES = 3
DRAW = 7919  # between the seeds of two networks of one design
TRAIN_SEED, TEST_SEED = 2**31 - 2, 2**31 - 3  # of points that no run uses


@dataclass(frozen=True, eq=False)
class Designer:
    """Chooses a `Design` by trial, and builds networks from designs.

    Args:
        job: on a linear problem; options of its method limit the choice.
    """

    job: Job

    def first(self, left: int | float = math.inf) -> Design:
        """The small design with the smallest held-out residual after one refinement.

        If trials of the usual size would take more than 0.3 of the seconds left, smaller networks
        are tried, and the design is widened as far as there is time to refine it. When that share
        is used up, the best design so far is taken.

        As far as the options leave them open, both activations, and one hidden layer with few
        inputs per neuron, are tried at two scales with at most 600 parameters, which costs a
        quarter of the usual 1,200. For the best one the scale with the smallest residual is
        searched, by factors of 2^½, and with all parameters by factors of 2^¼.
        """
        clock, seconds = Clock(), DESIGN_SHARE * left
        open_designs = self.open_designs()
        parameters, sizes, one = self.largest, {}, math.inf
        at_scales = [replace(d, weight_scale=s) for s in FIRST_SCALES for d in open_designs]
        if not math.isinf(seconds):
            parameters = min(parameters, PARAMETERS // FEWER_PARAMETERS)
            with given_up_after(seconds):
                self.smallest_seconds(open_designs[0])  # loads libraries, which are needed anyway
        with given_up_after(seconds):
            if not math.isinf(seconds):
                one = self.smallest_seconds(open_designs[0])
                affordable = affordable_parameters(one, len(at_scales) + WALKS, seconds)
                parameters = min(affordable, self.largest)
            at_scales = [self.sized(d, min(parameters, ROUGH)) for d in at_scales]
            trial = self.trial(at_scales[0], sizes)
            rough = trial.at_best_scale(min(at_scales, key=trial.size), FACTOR)
            whole = self.widened(rough, self.sized(rough, parameters).hidden)
            found = self.trial(whole, sizes).at_best_scale(whole, FINE)
            logger.info("%s is the best of %d designs that were tried", found, len(sizes))
            return self._of_usual_size(found, parameters, _refinable(one, clock, left))
        logger.info("the time for trials of designs is over after %d", len(sizes))
        tried = min(parameters, ROUGH)
        first = self.sized(at_scales[0], tried)
        best = min(sizes, key=sizes.__getitem__, default=first)
        return self._of_usual_size(best, tried, _refinable(one, clock, left))

    @property
    def largest(self) -> int:
        """Parameters of the last trials, at most those of the user's own widths.

        A network of 25 parameters wants another scale than one of 1,200, where all scales may end
        at rounding.
        """
        hidden = self.job.method.hidden
        if hidden is None:
            return PARAMETERS
        unknowns = len(self.job.compiled.unknowns)
        return min(PARAMETERS, parameter_count(tuple(hidden), self.features, unknowns))

    def smallest_seconds(self, design: Design) -> float:
        """Seconds of the smallest trial."""
        clock = Clock()
        least = self.sized(design, PARAMETERS // FEWER_PARAMETERS)
        self.trial(least, {}).size(least)
        return clock.seconds

    def _of_usual_size(self, design: Design, parameters: int, most: int | float) -> Design:
        """A tried design, enlarged to the usual size.

        It grows at most by a factor of two, and no further than can be refined in time.
        """
        if parameters >= self.largest:
            return design
        wanted = max(min(2 * parameters, self.largest, most), parameters)
        return self.widened(design, self.sized(design, int(wanted)).hidden)

    def larger(self, design: Design, parameters: int) -> Design:
        """The design with about `parameters` parameters; wider networks need larger scales."""
        sized = self.sized(design, parameters)
        return (
            sized
            if self.job.method.weight_scale is not None
            else self.widened(design, sized.hidden)
        )

    def widened(self, design: Design, hidden: tuple[int, ...]) -> Design:
        """The design with given widths, and a scale that grows like the root of the width.

        The best scale of deep untrained networks was measured to grow like this: from 600 to 1,200
        and 2,400 parameters it went from 2 to 2.4 and 2.8 for the wave, Poisson and Helmholtz
        equations. With one hidden layer it did not depend on the width.
        """
        growth = (sum(hidden) / sum(design.hidden)) ** 0.5 if len(hidden) > 1 else 1.0
        return replace(design, hidden=hidden, weight_scale=design.weight_scale * max(growth, 1.0))

    def grown(self, network: Network, design: Design, seed: int) -> Network:
        """A network that is the same function, with at least the same widths."""
        if isinstance(network, HardConditions):
            return HardConditions(self.grown(network.network, design, seed), network.forms)
        assert isinstance(network, MLP)
        return network.widened(tuple(map(max, network.hidden, design.hidden)), seed)

    def sized(self, design: Design, parameters: int) -> Design:
        """The design with equal widths and about `parameters` parameters."""
        return design.sized(parameters, self.features, len(self.job.compiled.unknowns))

    def build(self, design: Design, draw: int = 0) -> Network:
        """The network of a design, with hard conditions around it; each draw has other weights."""
        seed = (self.job.settings.seed + DRAW * draw) % (LARGEST_SEED + 1)
        return build_network(self.job, design, seed)

    @property
    def features(self) -> int:
        """Width of the input features."""
        compiled = self.job.compiled
        periodic = len(compiled.periodic)
        return len(compiled.coordinates) - periodic + 2 * periodic * self.job.method.harmonics

    def open_designs(self, parameters: int = 1) -> list[Design]:
        """The designs that the method's options leave open, with about `parameters` parameters."""
        method, dim = self.job.method, len(self.job.compiled.coordinates)
        activations = ACTIVATIONS if method.activation is None else (method.activation,)
        depth = 2 if method.hidden is None else len(method.hidden)
        designs = [Design((1,) * depth, a, first_inputs=method.first_inputs) for a in activations]
        if method.first_inputs is None and method.hidden is None and dim >= MANY_COORDINATES:
            designs += [Design((1,), activations[0], first_inputs=k) for k in FEW_INPUTS]
        return [self.sized(design, parameters) for design in designs]

    def trial(self, design: Design, sizes: dict[Design, float]) -> Trial:
        """A trial with points and weights for a design; its residuals go into `sizes`."""
        return self.trial_on(self.balanced_plan(self.build(design)), sizes)

    def trial_on(self, plan: PointPlan, sizes: dict[Design, float]) -> Trial:
        """A trial on the points of a plan, with the fit on the same multiple of them as in a run.

        On few points, networks with a small scale look better than they are: for Poisson's equation
        the scales 2 and 2.8 left residuals of 1.5e-7 and 3.2e-7 with two rows per parameter, and
        1.5e-8 and 1.6e-8 with four.
        """
        blocks = self.job.compiled.blocks
        factor = self.job.method.refinement_factor(self.job.problem.is_linear)
        train = plan.scaled(factor).bind(blocks, TRAIN_SEED)
        test = replace(plan, dealt_to=ALONE).bind(blocks, TEST_SEED)
        return Trial(self.build, train, test, self.job.memory_budget, sizes, group=plan.dealt_to)

    def balanced_plan(self, network: Network) -> PointPlan:
        """Points for a trial of this network, with weights that balance its rows."""
        plan = _plan(self.job, network.parameter_count)
        first = replace(plan, crowds={}).bind(self.job.compiled.blocks, TRAIN_SEED)
        residual = StackedResidual(network, first, group=plan.dealt_to)
        weights = balanced_weights(first, residual.mean_square_row)
        return replace(plan, weights=weights)


@dataclass(frozen=True, eq=False)
class Trial:
    """Refines designs of one size on the same points with the same weights.

    Args:
        build: makes the network of a design.
        train: the points of the fit.
        test: the held-out points.
        memory_budget: bytes of one chunk of rows.
        sizes: held-out residuals found so far.
        spare: designs with a part of the directions below rounding.
        group: processes that share the work.
    """

    build: Callable[[Design], Network]
    train: tuple[BoundBlock, ...]
    test: tuple[BoundBlock, ...]
    memory_budget: int | None = None
    sizes: dict[Design, float] = field(default_factory=dict)
    spare: set[Design] = field(default_factory=set)
    group: Group = ALONE

    def at_best_scale(self, design: Design, factor: float) -> Design:
        """The design with the best scale of its weights, found in steps by a factor."""
        larger = self.walk(design, factor)
        return self.walk(design, 1 / factor) if larger is design else larger

    def walk(self, design: Design, factor: float) -> Design:
        """Multiply the scale by `factor` as long as that improves the design."""
        while True:
            scale = round(design.weight_scale * factor, DIGITS)  # twice 2^¼ is 2^½, and known
            scaled = replace(design, weight_scale=scale)
            if not SMALLEST_SCALE <= scaled.weight_scale <= LARGEST_SCALE:
                return design
            if not self._is_better(scaled, design):
                return design
            design = scaled

    def _is_better(self, new: Design, old: Design) -> bool:
        """Whether another scale is better.

        If the smaller one has directions below rounding, its residual is smooth. The residual of
        the larger one is rougher, and rough residuals mean smaller errors: for the wave equation
        with 1,640 parameters the scales 2 and 2.8 had residuals of 2.6e-8 and 6.3e-8, and errors of
        4.0e-11 and 2.9e-12.
        """
        sizes, larger = (self.size(new), self.size(old)), new.weight_scale > old.weight_scale
        allowed = ROUGHER if (old if larger else new) in self.spare else 1.0
        return sizes[0] < allowed * sizes[1] if larger else allowed * sizes[0] < sizes[1]

    def size(self, design: Design) -> float:
        """Held-out residual after one refinement; infinite if it is not finite."""
        if design not in self.sizes:
            network = self.build(design)
            found = self.refinement(network)
            predictor = _predictor(network, found)
            size = math.inf if predictor is None else self.heldout_size(predictor, network)
            self.sizes[design] = size
            if (found.report.effective_rank or 0) < FILLED * found.report.rank:
                self.spare.add(design)
            logger.debug("%s: held-out residual %.1e", design, size)
        return self.sizes[design]

    def refined(self, network: Network) -> RefinedPredictor | None:
        """The predictor after one refinement; None if that found nothing."""
        return _predictor(network, self.refinement(network))

    def residual(self, network: Network, blocks: tuple[BoundBlock, ...]) -> StackedResidual:
        """The residual of a network on some points."""
        return StackedResidual(network, blocks, self.memory_budget, self.group)

    def refinement(self, network: Network) -> Refinement:
        residual = self.residual(network, self.train)
        directions = Identity(network.parameter_count)
        return refine_in_subspace(residual, directions, QR(), TRIAL_STEPS, described=False)

    def heldout_size(self, predictor: Predictor, network: Network) -> float:
        """The residual of a function at the held-out points; infinite if it is not finite."""
        held = self.residual(network, self.test).evaluate(predictor)
        size = torch.linalg.vector_norm(held).item()
        return size if math.isfinite(size) else math.inf


def affordable_parameters(one: float, count: int, seconds: float) -> int:
    """Parameters of the last trials that fit into the time.

    Args:
        one: seconds of the smallest trial.
        count: number of trials before the last ones, with the same parameters or with 600.
        seconds: for all of them.
    """
    least = PARAMETERS / FEWER_PARAMETERS
    share = max(seconds - one, 0.0) / one
    parameters = least * (share / (count + WALKS)) ** (1 / POWER)
    if parameters > ROUGH:
        share -= count * (ROUGH / least) ** POWER
        parameters = least * (share / WALKS) ** (1 / POWER)
    return round(min(max(parameters, least), PARAMETERS))


def _refinable(one: float, clock: Clock, left: float) -> float:
    """Parameters for which the first refinement has enough time.

    Args:
        one: seconds of the smallest trial; infinite if it was never finished.
        clock: of the trials.
        left: seconds that were left when the trials began.
    """
    if math.isinf(left):
        return math.inf
    seconds = REFINEMENT * max(left - clock.seconds, 0.0)
    return PARAMETERS / FEWER_PARAMETERS * (seconds / one) ** (1 / POWER)


def _predictor(network: Network, found: Refinement) -> RefinedPredictor | None:
    return RefinedPredictor(network, found.delta) if found.steps else None


def _plan(job: Job, parameters: int) -> PointPlan:
    blocks = job.compiled.blocks
    equations = sum(isinstance(b.region, Interior) for b in blocks)
    interior = -(-2 * parameters // max(equations, 1))
    counts = {b.name: interior if isinstance(b.region, Interior) else interior // 4 for b in blocks}
    return PointPlan(
        job.problem.domain,
        counts,
        crowds=crowds(job.problem, job.compiled.exact),
        dtype=job.settings.torch_dtype,
        device=job.settings.torch_device,
        dealt_to=current(),
    )
