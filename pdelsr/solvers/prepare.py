"""From a job to the context of its run: build the network, plan the points, check both."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, replace

import torch

from pdelsr.errors import ResolutionWarning, warn
from pdelsr.linearize.finite import require_finite_network
from pdelsr.linearize.points import PointPlan
from pdelsr.networks import Network, UserActivation
from pdelsr.networks.design import Design, design_of, parameter_count
from pdelsr.networks.registry import can_widen
from pdelsr.resources.clock import Clock
from pdelsr.solvers.design.plan import (
    block_weights,
    point_counts,
    point_plan,
    require_block_names,
    samplers,
)
from pdelsr.solvers.design.trial import DESIGN_SHARE, PARAMETERS, Designer
from pdelsr.solvers.growth.designed_networks import DesignedNetworks
from pdelsr.solvers.refinement.memory.refusal import require_room
from pdelsr.solvers.run.context import Context
from pdelsr.solvers.run.job import Job
from pdelsr.solvers.run.predecessor import earlier_run
from pdelsr.solvers.run.selection import Selection
from pdelsr.solvers.state.discretization import HELDOUT_SEED, Discretization
from pdelsr.survey import missed_features, unresolved_features

FIRST_DESIGN_TRIALS = 4  # about
REFINE_SHARE = 0.3  # of the time limit, reserved for the refinement that follows a method
PARAMETER_COPIES = 8  # of θ: for drawing weights, gradients, vectors
POINT_COPIES = 12  # of points: for drawing, training and held-out residuals
logger: logging.Logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Setup:
    """The parts of a run before its first residual is evaluated.

    Args:
        design: of the network.
        network: at its first θ.
        plan: counts, samplers and weights.
        grown: the design of a network that has grown meanwhile; None if it has not.
    """

    design: Design
    network: Network
    plan: PointPlan
    grown: Design | None = None


def prepare(job: Job, clock: Clock | None = None) -> Context:
    """The context of a new run.

    Args:
        job: with every choice made.
        clock: one that already runs, if any.

    Raises:
        SettingsError: options do not fit the problem, or each other.
    """
    clock = clock or Clock(job.settings.time_limit)
    if job.settings.torch_device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(job.settings.torch_device)
    warn_of_data(job)
    designer = Designer(job)
    context = context_of(designer, first_setup(designer, clock.left), clock)
    if job.start is None:
        return context
    logger.info("going on from %r", job.start)
    context.discretization.go_on(job.start.rounds)
    return replace(context, earlier=earlier_run(job.start, job.problem, context.discretization))


def context_of(designer: Designer, setup: Setup, clock: Clock) -> Context:
    """The context of a run with this setup."""
    job = designer.job
    _log(job, setup)
    discretization = Discretization(
        job.compiled,
        setup.network,
        setup.plan,
        job.settings.seed,
        job.memory_budget,
        points_open=job.points is None,
    )
    return Context(
        discretization,
        clock.limited((1 - REFINE_SHARE) * clock.limit) if job.settings.refine else clock,
        job.max_iterations,
        job.method.patience,
        trained=job.settings.network is not None,
        maker=_maker(designer, setup) if job.grow else None,
        design=setup.design,
        selection=Selection(tolerance=job.settings.tolerance),
    )


def warn_of_data(job: Job) -> None:
    """Warn of data too narrow for any network, and of data that the user's points miss."""
    narrow = unresolved_features(job.problem)
    if narrow:
        warn(" ".join(narrow), ResolutionWarning)
    missed = missed_features(job.problem, job.compiled.exact, samplers(job))
    if missed:
        warn(" ".join(missed), ResolutionWarning)


def first_setup(designer: Designer, left: float = math.inf) -> Setup:
    """The setup of a new run; trials of designs take a share of the seconds left."""
    job, settings = designer.job, designer.job.settings
    require_block_names(job)
    design = chosen_design(designer, left)
    if settings.network is None:
        m = parameter_count(design.hidden, designer.features, len(job.compiled.unknowns))
        require_room(
            settings, PARAMETER_COPIES * m, f"{m:,} parameters", "take a narrower network (hidden=)"
        )
    network = designer.build(design)
    m, d = network.parameter_count, len(job.compiled.coordinates)
    total = sum(point_counts(job, m).values())
    require_room(settings, POINT_COPIES * d * total, f"{total:,} points", "lower points (--points)")
    plan = point_plan(job, m)
    if settings.network is not None or isinstance(design.activation, UserActivation):
        bound, own = plan.bind(job.compiled.blocks, HELDOUT_SEED), _own_part(job, design)
        plan.dealt_to.together(lambda: require_finite_network(network, bound, own))
    weights = block_weights(job, network, plan)
    return Setup(design, network, replace(plan, weights=weights))


def _log(job: Job, setup: Setup) -> None:
    points = ", ".join(f"{n} of {name}" for name, n in setup.plan.counts.items())
    exact = f"; exact: {', '.join(job.compiled.exact)}" if job.compiled.exact else ""
    logger.info(
        "%s by %s: %d parameters, points: %s%s",
        job.problem.name,
        job.method.name,
        setup.network.parameter_count,
        points,
        exact,
    )


def _own_part(job: Job, design: Design) -> str:
    """The user's part of a network, in words for messages."""
    if job.settings.network is not None:
        return f"network {type(job.settings.network).__name__}"
    return f"activation {getattr(design.activation, 'name', design.activation)!r}"


def _maker(designer: Designer, setup: Setup) -> DesignedNetworks:
    """The maker of larger networks, which are new ones even if the first one was given."""
    job, given = designer.job, designer.job.settings.network
    method = job.method
    if can_widen(given):
        like = given.settings()
        method = replace(method, harmonics=like["harmonics"], initialization=like["initialization"])
    fresh = replace(job, method=method, settings=replace(job.settings, network=None))
    return DesignedNetworks(Designer(fresh), setup.grown or setup.design)


def chosen_design(designer: Designer, left: float = math.inf) -> Design:
    """The design: by trial if the untrained tangent space must suffice, else the method's."""
    job, method = designer.job, designer.job.method
    linear, network = job.problem.is_linear, job.settings.network
    hidden = tuple(method.hidden or method.default_hidden(linear))
    by_trial = method.tries_designs and method.weight_scale is None and linear
    if network is not None or not by_trial:
        if can_widen(network):
            return design_of(network)
        scale = float(method.weight_scale or method.default_scale)
        activation = method.activation or method.default_activation
        return Design(hidden, activation, scale, method.first_inputs)
    trials = Clock()
    small = designer.first(left)
    taken = trials.seconds
    if method.hidden is not None:
        return designer.widened(small, hidden)
    parameters = parameter_count(hidden, designer.features, len(job.compiled.unknowns))
    # A trial is a refinement of a small network; the time grows with the cube of the size.
    refinement = taken / FIRST_DESIGN_TRIALS * (parameters / PARAMETERS) ** 3
    if parameters <= 2 * PARAMETERS or taken + refinement > DESIGN_SHARE * left:
        return small
    return designer.larger(small, parameters)
