"""From a problem and options to a context: compile, build the network, plan the points."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeGuard

from torch import nn

from pdelsr.compile import CompiledProblem, compile_problem
from pdelsr.declare import Problem
from pdelsr.errors import ResolutionWarning, SettingsError, warn
from pdelsr.linearize.finite import require_finite_network
from pdelsr.linearize.points import PointPlan
from pdelsr.networks import MLP, Network, UserActivation
from pdelsr.networks.design import Design, design_of, parameter_count
from pdelsr.networks.registry import require_named_activation
from pdelsr.resources.clock import Clock
from pdelsr.resources.memory import chunk_bytes
from pdelsr.solvers.design.plan import (
    block_weights,
    given_samplers,
    point_counts,
    point_plan,
    require_block_names,
    samplers,
)
from pdelsr.solvers.design.trial import PARAMETERS, SHARE, Designer
from pdelsr.solvers.growth.designed_networks import DesignedNetworks
from pdelsr.solvers.refinement.refusal import require_room
from pdelsr.solvers.run.context import Context
from pdelsr.solvers.run.method import Method
from pdelsr.solvers.state.discretization import HELDOUT_SEED, Discretization
from pdelsr.solvers.state.settings import RunSettings
from pdelsr.survey import missed_features, unresolved_features

TRIALS = 4  # of the first design, about
UNLIMITED = 10**9  # iterations
PARAMETER_COPIES = 8  # of θ: weights while they are drawn, gradients, vectors
POINT_COPIES = 12  # of points while they are drawn, for training and for held-out residuals
logger: logging.Logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Start:
    """What a run starts from, before its first residual is evaluated.

    Args:
        design: of the network.
        network: at its first θ.
        plan: counts, samplers and weights.
    """

    design: Design
    network: Network
    plan: PointPlan


def prepare(
    problem: Problem,
    method: Method,
    settings: RunSettings,
    start: Callable[[Designer], Start] | None = None,
    spent: float = 0.0,
) -> Context:
    """Everything a method needs to start.

    Args:
        problem: the declaration.
        method: with its options.
        settings: of the run.
        start: gives design, network and plan, where a checkpoint knows them; None for trials.
        spent: seconds that the run took before.

    Raises:
        SettingsError: options that do not fit the problem, or each other.
        ProblemError: hard conditions that are not possible.
    """
    clock = Clock.after(spent, settings.time_limit)
    warn_unresolved(problem)
    if settings.grow:
        require_growth(problem, method, settings)
    settings = with_chunks(settings)
    compiled = compile_problem(problem, chosen_hard(method, settings))
    warn_missed(problem, compiled, settings)
    designer = Designer(problem, compiled, method, settings)
    found = start(designer) if start else first_start(designer, clock.left)
    _log(problem, method, compiled, found)
    discretization = Discretization(
        compiled,
        found.network,
        found.plan,
        settings.seed,
        settings.memory_budget,
        points_open=settings.points is None and problem.points is None,
    )
    return Context(
        discretization,
        clock,
        _iterations(method, settings),
        method.patience,
        trained=settings.network is not None,
        maker=_maker(designer, found) if may_grow(problem, method, settings) else None,
        design=found.design,
    )


def _iterations(method: Method, settings: RunSettings) -> int:
    """The user's choice; else the method's, or as many as there is time for."""
    if settings.max_iterations is not None:
        return settings.max_iterations
    limited = not math.isinf(settings.time_limit)
    return UNLIMITED if limited and method.uses_time else method.default_iterations


def warn_unresolved(problem: Problem) -> None:
    """Warn of data that are too narrow for any network."""
    found = unresolved_features(problem)
    if found:
        warn(" ".join(found), ResolutionWarning)


def warn_missed(problem: Problem, compiled: CompiledProblem, settings: RunSettings) -> None:
    """Warn of data that the user's own points miss."""
    given = samplers(compiled, given_samplers(problem, settings))
    found = missed_features(problem, compiled.exact, given)
    if found:
        warn(" ".join(found), ResolutionWarning)


def with_chunks(settings: RunSettings) -> RunSettings:
    """The settings with the bytes of a chunk fixed for the whole run."""
    if settings.memory_budget is not None:
        return settings
    return replace(settings, memory_budget=chunk_bytes(settings.torch_device))


def first_start(designer: Designer, left: float = math.inf) -> Start:
    """Design, network and plan of a new run; trials of designs take a share of the seconds left."""
    problem, compiled = designer.problem, designer.compiled
    method, settings = designer.method, designer.settings
    require_block_names(problem, compiled, settings)
    design = chosen_design(designer, left)
    if settings.network is None:
        m = parameter_count(design.hidden, designer.features, len(compiled.unknowns))
        require_room(
            settings, PARAMETER_COPIES * m, f"{m:,} parameters", "take a narrower network (hidden=)"
        )
    network = designer.build(design)
    counts = point_counts(problem, compiled, method, settings, network.parameter_count)
    total, d = sum(counts.values()), len(compiled.coordinates)
    require_room(settings, POINT_COPIES * d * total, f"{total:,} points", "lower points (--points)")
    plan = point_plan(problem, compiled, method, settings, network.parameter_count)
    if settings.network is not None or isinstance(design.activation, UserActivation):
        bound = plan.bind(compiled.blocks, HELDOUT_SEED)
        require_finite_network(network, bound, _own_part(settings, design))
    balance = method.default_balance if settings.balance is None else settings.balance
    weights = block_weights(compiled, network, plan, settings, balance)
    return Start(design, network, replace(plan, weights=weights))


def _log(problem: Problem, method: Method, compiled: CompiledProblem, found: Start) -> None:
    points = ", ".join(f"{n} of {name}" for name, n in found.plan.counts.items())
    exact = f"; exact: {', '.join(compiled.exact)}" if compiled.exact else ""
    logger.info(
        "%s by %s: %d parameters, points: %s%s",
        problem.name,
        method.name,
        found.network.parameter_count,
        points,
        exact,
    )


def _own_part(settings: RunSettings, design: Design) -> str:
    """How messages call what the user gave of a network."""
    if settings.network is not None:
        return f"network {type(settings.network).__name__}"
    return f"activation {getattr(design.activation, 'name', design.activation)!r}"


def may_grow(problem: Problem, method: Method, settings: RunSettings) -> bool:
    """A network or points that the user chose stay as they are, unless `grow` says otherwise."""
    if settings.grow is not None:
        return settings.grow
    given = (settings.network, settings.points, problem.points)
    return method.sizes_open and all(choice is None for choice in given)


def require_growth(problem: Problem, method: Method, settings: RunSettings) -> None:
    """Refuse `grow=True` where nothing can grow.

    Raises:
        SettingsError: what stands against it.
    """
    if method.hidden is None and not method.sizes_open:
        raise SettingsError("grow=True takes the whole tangent space: leave basis and rank out.")
    if settings.points is not None or problem.points is not None:
        raise SettingsError("grow=True needs more points as it goes: leave points out.")
    if settings.network is not None and not can_widen(settings.network):
        raise SettingsError(
            f"grow=True cannot widen this {type(settings.network).__name__}: give a pl.MLP with a "
            "built-in activation and without Fourier features, or leave grow out."
        )


def can_widen(network: nn.Module | None) -> TypeGuard[MLP]:
    """Whether it can be made wider: a multilayer perceptron that files know by its settings.

    Random Fourier features would not be those of a network that is built anew.
    """
    if type(network) is not MLP or network.settings()["fourier"]:
        return False
    try:
        require_named_activation(network)
    except SettingsError:
        return False
    return True


def _maker(designer: Designer, found: Start) -> DesignedNetworks:
    """Larger networks are new ones, also where the first one was given."""
    method, given = designer.method, designer.settings.network
    if can_widen(given):
        like = given.settings()
        method = replace(method, harmonics=like["harmonics"], initialization=like["initialization"])
    settings = replace(designer.settings, network=None)
    return DesignedNetworks(replace(designer, method=method, settings=settings), found.design)


def chosen_hard(method: Method, settings: RunSettings) -> bool:
    """The user's choice, else the method's; a network that is given keeps its meaning."""
    if settings.hard is not None:
        return settings.hard
    return method.default_hard and settings.network is None


def chosen_design(designer: Designer, left: float = math.inf) -> Design:
    """By trial where the untrained tangent space has to hold the solution, else the method's."""
    method, linear = designer.method, designer.problem.is_linear
    hidden = tuple(method.hidden or method.default_hidden(linear))
    by_trial = method.tries_designs and method.weight_scale is None and linear
    if designer.settings.network is not None or not by_trial:
        if can_widen(designer.settings.network):
            return design_of(designer.settings.network)
        scale = float(method.weight_scale or method.default_scale)
        activation = method.activation or method.default_activation
        return Design(hidden, activation, scale, method.first_inputs)
    begin = time.perf_counter()
    small = designer.first(left)
    taken = time.perf_counter() - begin
    if method.hidden is not None:
        return designer.widened(small, hidden)
    parameters = parameter_count(hidden, designer.features, len(designer.compiled.unknowns))
    # One trial is a refinement of a small network; that of a larger one takes its cube.
    refinement = taken / TRIALS * (parameters / PARAMETERS) ** 3
    if parameters <= 2 * PARAMETERS or taken + refinement > SHARE * left:
        return small
    return designer.larger(small, parameters)
