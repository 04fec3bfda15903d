"""How many points every block of a run gets, from which sampler, and with which weight."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from pdelsr.compile import CompiledProblem, Interior
from pdelsr.declare import Problem
from pdelsr.errors import SettingsError
from pdelsr.linearize import StackedResidual
from pdelsr.linearize.points import PointPlan, balanced_weights
from pdelsr.networks import Network
from pdelsr.sample import Sampler, Sobol
from pdelsr.solvers.run.method import Method
from pdelsr.solvers.state.discretization import HELDOUT_SEED
from pdelsr.solvers.state.settings import RunSettings
from pdelsr.survey import crowds

BOUNDARY_SHARE = 0.2  # points of one soft condition, relative to those of the equations
FEWEST = 100  # points of a condition


def point_plan(
    problem: Problem,
    compiled: CompiledProblem,
    method: Method,
    settings: RunSettings,
    parameters: int,
) -> PointPlan:
    """Counts and samplers of every block for a network of this size; all weights are 1.

    Raises:
        SettingsError: an option names a block that the problem does not have.
    """
    return PointPlan(
        problem.domain,
        point_counts(problem, compiled, method, settings, parameters),
        samplers(compiled, given_samplers(problem, settings)),
        crowds=crowds(problem, compiled.exact),
        dtype=settings.torch_dtype,
        device=settings.torch_device,
    )


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
        counts.update({name: int(n) for name, n in given.items() if name in counts})
    return counts


def given_samplers(
    problem: Problem, settings: RunSettings
) -> Sampler | Mapping[str, Sampler] | None:
    """The user's samplers: those of the run, else those of the problem."""
    return settings.sampler if settings.sampler is not None else problem.sampler


def samplers(
    compiled: CompiledProblem, given: Sampler | Mapping[str, Sampler] | None
) -> dict[str, Sampler]:
    """The sampler of every block."""
    if isinstance(given, Mapping):
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
        # the usual rows: those in a narrow feature would outweigh all others
        bound = replace(plan, crowds={}).bind(compiled.blocks, HELDOUT_SEED)
        residual = StackedResidual(network, bound, settings.memory_budget)
        weights = balanced_weights(bound, residual.mean_square_row)
    if settings.weights is not None:
        for name, factor in settings.weights.items():
            weights[name] = weights.get(name, 1.0) * factor
    return weights


def require_block_names(problem: Problem, compiled: CompiledProblem, settings: RunSettings) -> None:
    """Refuse options by block that name none, before any time is spent.

    Raises:
        SettingsError: the message lists the blocks.
    """
    for option in ("points", "sampler", "weights"):
        given, declared = getattr(settings, option), getattr(problem, option)
        if isinstance(given, Mapping):
            require_blocks(option, given, compiled)
        elif given is None and isinstance(declared, Mapping):
            require_blocks(option, declared, compiled)


def require_blocks(option: str, given: Mapping[str, object], compiled: CompiledProblem) -> None:
    """Refuse names that are not blocks, nor conditions that hold exactly."""
    known = [*(b.name for b in compiled.blocks), *compiled.exact]
    for name in given:
        if name not in known:
            raise SettingsError(
                f"{option} names the block {name!r}; the problem has {', '.join(map(repr, known))}."
            )


def require_points(option: str, given: Mapping[str, object], exact: Collection[str]) -> None:
    """Refuse names of blocks that have no points, since the ansatz satisfies them exactly."""
    for name in given:
        if name in exact:
            raise SettingsError(
                f"{option} names the block {name!r}, which holds exactly by the form of the ansatz "
                "and has no points: leave it out, or use hard=False."
            )
