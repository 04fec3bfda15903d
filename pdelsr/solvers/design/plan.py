"""Number of points, sampler and weight of every block of a run."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from pdelsr.compile import CompiledProblem, Interior
from pdelsr.errors import SettingsError
from pdelsr.linearize import StackedResidual
from pdelsr.linearize.points import PointPlan, balanced_weights
from pdelsr.networks import Network
from pdelsr.processes import current
from pdelsr.sample import Sampler, Sobol
from pdelsr.solvers.run.job import Job
from pdelsr.solvers.state.discretization import HELDOUT_SEED
from pdelsr.survey import crowds

BOUNDARY_SHARE = 0.2  # points of one soft condition, relative to those of the equations
LEAST_CONDITION_POINTS = 100  # points of a condition


def point_plan(job: Job, parameters: int) -> PointPlan:
    """Counts and samplers of every block for a network of this size; all weights are 1."""
    return PointPlan(
        job.problem.domain,
        point_counts(job, parameters),
        samplers(job),
        crowds=crowds(job.problem, job.compiled.exact),
        dtype=job.settings.torch_dtype,
        device=job.settings.torch_device,
        dealt_to=current(),
    )


def point_counts(job: Job, parameters: int) -> dict[str, int]:
    """Points of every block: the user's choice, else the problem's, else the method's default."""
    given, blocks = job.points, job.compiled.blocks
    equations = [b.name for b in blocks if isinstance(b.region, Interior)]
    rows = job.method.default_points(parameters)
    interior = given if isinstance(given, int) else -(-rows // max(len(equations), 1))
    conditions = max(LEAST_CONDITION_POINTS, round(BOUNDARY_SHARE * interior))
    counts = {b.name: interior if b.name in equations else conditions for b in blocks}
    if isinstance(given, Mapping):
        counts.update({name: int(n) for name, n in given.items() if name in counts})
    return counts


def samplers(job: Job) -> dict[str, Sampler]:
    """The sampler of every block."""
    given, blocks = job.sampler, job.compiled.blocks
    if isinstance(given, Mapping):
        return {b.name: given.get(b.name, Sobol()) for b in blocks}
    return {b.name: given or Sobol() for b in blocks}


def block_weights(job: Job, network: Network, plan: PointPlan) -> dict[str, float]:
    """The weights w_b: balanced or 1, times the user's."""
    blocks, given = job.compiled.blocks, job.settings.weights
    weights = {b.name: 1.0 for b in blocks}
    if job.balance:
        # the usual rows only: those in a narrow feature would outweigh all others
        bound = replace(plan, crowds={}).bind(blocks, HELDOUT_SEED)
        residual = StackedResidual(network, bound, job.memory_budget, plan.dealt_to)
        weights = balanced_weights(bound, residual.mean_square_row)
    if given is not None:
        for name, factor in given.items():
            weights[name] = weights.get(name, 1.0) * factor
    return weights


def require_block_names(job: Job) -> None:
    """Refuse options for blocks that do not exist, before any time is spent.

    Raises:
        SettingsError: there are some; the message lists the blocks.
    """
    given = job.settings.weights
    weights = job.problem.weights if given is None else given
    for option, found in (("points", job.points), ("sampler", job.sampler), ("weights", weights)):
        if isinstance(found, Mapping):
            require_blocks(option, found, job.compiled)


def require_blocks(option: str, given: Mapping[str, object], compiled: CompiledProblem) -> None:
    """Refuse names that are neither blocks nor conditions that hold exactly."""
    known = [*(b.name for b in compiled.blocks), *compiled.exact]
    for name in given:
        if name not in known:
            raise SettingsError(
                f"{option} names the block {name!r}; the problem has {', '.join(map(repr, known))}."
            )


def require_points(option: str, given: Mapping[str, object], exact: Collection[str]) -> None:
    """Refuse names of blocks without points, because the ansatz satisfies them exactly."""
    for name in given:
        if name in exact:
            raise SettingsError(
                f"{option} names the block {name!r}, which holds exactly by the form of the ansatz "
                "and has no points: leave it out, or use hard=False."
            )
