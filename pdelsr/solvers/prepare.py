"""From a problem and options to a context: compile, build the network, plan the points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import nn

from pdelsr.compile import CompiledProblem, Interior, compile_problem
from pdelsr.declare import Problem
from pdelsr.errors import SettingsError
from pdelsr.linearize import StackedResidual
from pdelsr.linearize.points import PointPlan, balanced_weights
from pdelsr.networks import FeatureNetwork, HardConditions, ModuleNetwork, Network
from pdelsr.networks.mlp import MLP
from pdelsr.sample import Sampler, Sobol
from pdelsr.solvers.clock import Clock
from pdelsr.solvers.context import HELDOUT_SEED, Context
from pdelsr.solvers.method import Method
from pdelsr.solvers.settings import RunSettings

BOUNDARY_SHARE = 0.2  # points of one soft condition, relative to those of the equations
FEWEST = 100  # points of a condition


def prepare(problem: Problem, method: Method, settings: RunSettings) -> Context:
    """Everything a method needs to start.

    Raises:
        SettingsError: options that do not fit the problem.
        ProblemError: hard conditions that are not possible.
    """
    clock = Clock(settings.time_limit)
    hard = method.default_hard if settings.hard is None else settings.hard
    compiled = compile_problem(problem, hard)
    network = build_network(problem, compiled, method, settings)
    assert isinstance(settings.dtype, torch.dtype)
    assert isinstance(settings.device, torch.device)
    plan = PointPlan(
        problem.domain,
        point_counts(problem, compiled, method, settings, network.parameter_count),
        samplers(compiled, settings.sampler if settings.sampler is not None else problem.sampler),
        dtype=settings.dtype,
        device=settings.device,
    )
    balance = method.default_balance if settings.balance is None else settings.balance
    plan = replace(plan, weights=block_weights(compiled, network, plan, settings, balance))
    return Context(
        compiled,
        network,
        plan,
        clock,
        settings.seed,
        settings.memory_budget,
        settings.max_iterations or method.default_iterations,
        method.patience,
    )


def build_network(
    problem: Problem, compiled: CompiledProblem, method: Method, settings: RunSettings
) -> Network:
    """The user's network or the method's default one, with hard conditions around it."""
    d, k = len(compiled.coordinates), len(compiled.unknowns)
    axes = {compiled.coordinates.index(c): p for c, p in compiled.periodic.items()}
    if settings.network is not None:
        inner = adopted(settings.network, d, k, axes)
        inner = inner.to(dtype=settings.dtype, device=settings.device)
    else:
        scale = method.weight_scale or method.default_scale(problem.is_linear)
        inner = MLP(
            d,
            k,
            tuple(method.hidden or method.default_hidden(d, k, problem.is_linear)),
            activation=method.activation,
            bounds=[(float(a), float(b)) for a, b in problem.domain.bounding_box],
            periodic=axes,
            harmonics=method.harmonics,
            initialization=method.initialization,
            weight_scale=scale,
            seed=settings.seed,
            dtype=settings.dtype,
            device=settings.device,
        )
    if any(form is not None for form in compiled.hard):
        return HardConditions(inner, compiled.hard)
    return inner


def adopted(network: nn.Module, d: int, k: int, periodic: Mapping[int, float]) -> Network:
    """The user's network, checked against the problem."""
    if not isinstance(network, Network):
        network = ModuleNetwork(network, d, k)
    if (network.in_features, network.out_features) != (d, k):
        raise SettingsError(
            f"network maps {network.in_features} coordinate(s) to {network.out_features} "
            f"field(s); the problem has {d} coordinate(s) and {k} unknown(s)."
        )
    built_in = network.settings()["periodic"] if isinstance(network, FeatureNetwork) else {}
    missing = [axis for axis in periodic if axis not in {int(a) for a in built_in}]
    if missing:
        raise SettingsError(
            f"a hard periodic condition in coordinate {missing[0]} needs a network with a periodic "
            f"embedding: build it with MLP(..., periodic={dict(periodic)}), or use hard=False."
        )
    return network


def point_counts(
    problem: Problem,
    compiled: CompiledProblem,
    method: Method,
    settings: RunSettings,
    parameters: int,
) -> dict[str, int]:
    """Points of every block: the user's, else the problem's, else the method's default."""
    given = settings.points if settings.points is not None else problem.points
    equations = [b.name for b in compiled.blocks if isinstance(b.region, Interior)]
    rows = method.default_points(parameters)
    interior = given if isinstance(given, int) else -(-rows // max(len(equations), 1))
    conditions = max(FEWEST, round(BOUNDARY_SHARE * interior))
    counts = {b.name: interior if b.name in equations else conditions for b in compiled.blocks}
    if isinstance(given, Mapping):
        require_blocks("points", given, compiled)
        counts.update({name: int(n) for name, n in given.items() if name in counts})
    return counts


def samplers(
    compiled: CompiledProblem, given: Sampler | Mapping[str, Sampler] | None
) -> dict[str, Sampler]:
    """The sampler of every block."""
    if isinstance(given, Mapping):
        require_blocks("sampler", given, compiled)
        return {b.name: given.get(b.name, Sobol()) for b in compiled.blocks}
    return {b.name: given or Sobol() for b in compiled.blocks}


def block_weights(
    compiled: CompiledProblem,
    network: Network,
    plan: PointPlan,
    settings: RunSettings,
    balance: bool,
) -> dict[str, float]:
    """The weights w_b: balanced or 1, times the user's."""
    weights = {b.name: 1.0 for b in compiled.blocks}
    if balance:
        bound = plan.bind(compiled.blocks, HELDOUT_SEED)
        residual = StackedResidual(network, bound, settings.memory_budget)
        weights = balanced_weights(bound, residual.mean_square_row)
    if settings.weights is not None:
        require_blocks("weights", settings.weights, compiled)
        for name, factor in settings.weights.items():
            weights[name] = weights.get(name, 1.0) * factor
    return weights


def require_blocks(option: str, given: Mapping[str, object], compiled: CompiledProblem) -> None:
    """Refuse names that are not blocks; blocks that hard conditions replaced are ignored."""
    known = [*(b.name for b in compiled.blocks), *compiled.exact]
    for name in given:
        if name not in known:
            raise SettingsError(
                f"{option} names the block {name!r}; the problem has {', '.join(map(repr, known))}."
            )
