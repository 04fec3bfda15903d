"""From a problem and options to a context: compile, build the network, plan the points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pdelsr.compile import CompiledProblem, Interior, compile_problem
from pdelsr.declare import Problem
from pdelsr.errors import SettingsError
from pdelsr.linearize import StackedResidual
from pdelsr.linearize.memory import chunk_bytes
from pdelsr.linearize.points import PointPlan, balanced_weights
from pdelsr.networks import Network
from pdelsr.sample import Sampler, Sobol
from pdelsr.solvers.clock import Clock
from pdelsr.solvers.context import HELDOUT_SEED, Context
from pdelsr.solvers.design import Design, parameter_count
from pdelsr.solvers.method import Method
from pdelsr.solvers.refusal import require_room
from pdelsr.solvers.settings import RunSettings
from pdelsr.solvers.trial import PARAMETERS, Designer

BOUNDARY_SHARE = 0.2  # points of one soft condition, relative to those of the equations
FEWEST = 100  # points of a condition
PARAMETER_COPIES = 8  # of θ: weights while they are drawn, gradients, vectors
POINT_COPIES = 12  # of points while they are drawn, for training and for held-out residuals


def prepare(problem: Problem, method: Method, settings: RunSettings) -> Context:
    """Everything a method needs to start.

    Raises:
        SettingsError: options that do not fit the problem.
        ProblemError: hard conditions that are not possible.
    """
    clock = Clock(settings.time_limit)
    settings = with_chunks(settings)
    compiled = compile_problem(problem, chosen_hard(method, settings))
    designer = Designer(problem, compiled, method, settings)
    design = chosen_design(designer)
    if settings.network is None:
        outputs = len(compiled.unknowns)
        m = parameter_count(design.hidden, designer.features, outputs)
        require_room(
            settings, PARAMETER_COPIES * m, f"{m:,} parameters", "take a narrower network (hidden=)"
        )
    network = designer.build(design)
    counts = point_counts(problem, compiled, method, settings, network.parameter_count)
    total, d = sum(counts.values()), len(compiled.coordinates)
    require_room(settings, POINT_COPIES * d * total, f"{total:,} points", "lower points (--points)")
    plan = PointPlan(
        problem.domain,
        counts,
        samplers(compiled, settings.sampler if settings.sampler is not None else problem.sampler),
        dtype=settings.torch_dtype,
        device=settings.torch_device,
    )

    balance = method.default_balance if settings.balance is None else settings.balance
    plan = replace(plan, weights=block_weights(compiled, network, plan, settings, balance))

    def grown(network: Network, parameters: int, anew: bool) -> tuple[Network, PointPlan]:
        nonlocal design
        if anew:
            design = designer.larger(design, parameters)
            found = designer.build(design)
        else:
            design = designer.sized(design, parameters)
            found = designer.grown(network, design, settings.seed + parameters)
        counts = point_counts(problem, compiled, method, settings, found.parameter_count)
        return found, replace(plan, counts=counts)

    return Context(
        compiled,
        network,
        plan,
        clock,
        settings.seed,
        settings.memory_budget,
        settings.max_iterations or method.default_iterations,
        method.patience,
        trained=settings.network is not None,
        enlarge=grown if may_grow(problem, method, settings) else None,
        points_open=settings.points is None and problem.points is None,
    )


def with_chunks(settings: RunSettings) -> RunSettings:
    """The settings with the bytes of a chunk fixed for the whole run."""
    if settings.memory_budget is not None:
        return settings
    return replace(settings, memory_budget=chunk_bytes(settings.torch_device))


def may_grow(problem: Problem, method: Method, settings: RunSettings) -> bool:
    """A network or points that the user chose stay as they are."""
    given = (settings.network, method.hidden, settings.points, problem.points)
    return all(choice is None for choice in given)


def chosen_hard(method: Method, settings: RunSettings) -> bool:
    """The user's choice, else the method's; a network that is given keeps its meaning."""
    if settings.hard is not None:
        return settings.hard
    return method.default_hard and settings.network is None


def chosen_design(designer: Designer) -> Design:
    """By trial where the untrained tangent space has to hold the solution, else the method's."""
    method, linear = designer.method, designer.problem.is_linear
    hidden = tuple(method.hidden or method.default_hidden(linear))
    by_trial = method.tries_designs and method.weight_scale is None and linear
    if designer.settings.network is not None or not by_trial:
        scale = float(method.weight_scale or method.default_scale)
        activation = method.activation or method.default_activation
        return Design(hidden, activation, scale, method.first_inputs)
    small = designer.first()
    if method.hidden is not None:
        return designer.widened(small, hidden)
    parameters = parameter_count(hidden, designer.features, len(designer.compiled.unknowns))
    return designer.larger(small, parameters) if parameters > 2 * PARAMETERS else small


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
