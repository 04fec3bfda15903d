"""A problem as understood, and what a method would need to solve it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from pdelsr.compile.hard import reasons_to_be_soft
from pdelsr.declare import Problem
from pdelsr.errors import MemoryLimitError
from pdelsr.resources.room import has_room, room_text
from pdelsr.results.summary import WIDTH, network_text
from pdelsr.solvers.descent.alignment import STEP_SHARE, step_share
from pdelsr.solvers.descent.levenberg_marquardt import LevenbergMarquardt
from pdelsr.solvers.growth.growth_policy import GrowthPolicy
from pdelsr.solvers.methods.ilsr import ILSR
from pdelsr.solvers.prepare import prepare
from pdelsr.solvers.request import Request
from pdelsr.solvers.run.method import Method
from pdelsr.solvers.state.discretization import Discretization


def show_text(problem: Problem, method: str, options: Mapping[str, Any]) -> str:
    """The problem, its blocks with point counts, the network and the estimated memory.

    For a parametric problem only the problem, because nothing can be planned before `at`.

    Raises:
        SettingsError: options do not fit.
        ProblemError: a hard condition is not possible.
    """
    request = Request.of(problem, method, options)
    if problem.missing_inputs:
        missing = ", ".join(problem.missing_inputs)
        return f"{problem}\n\nparametric: solve it in Python, with {missing} from problem.at(...)"
    job = request.job()
    chosen = replace(job.method, weight_scale=1.0)  # no trials for a scale that changes no size
    context = prepare(replace(job, method=chosen))
    lines = [str(problem), "", f"with method {chosen.name}:", _blocks(context.discretization)]
    lines.append("weight: the factor of the block's mean square in the sum that is minimized")
    exact_blocks = context.discretization.compiled.exact
    if exact_blocks:
        exact = ", ".join(exact_blocks)
        lines.append(f"satisfied exactly by the form of the ansatz: {exact}")
    if job.hard:
        soft = reasons_to_be_soft(problem.system, exact_blocks)
        lines += [f"{name} is soft: {why}" for name, why in soft.items()]
    if isinstance(chosen, ILSR):
        factor = chosen.refinement_factor(problem.is_linear)
        share = step_share(context.discretization, LevenbergMarquardt().largest)
        part = "half" if share == STEP_SHARE else f"{share:.1%}"
        lines.append(
            f"a refinement takes {factor:g} times these points, an alignment step {part} of them"
        )
    lines.append(f"network: {network_text(context.network)}")
    if isinstance(chosen, ILSR) and (growth := chosen.growth(context)).widens:
        most = GrowthPolicy(context, growth).most_parameters()
        if most > context.network.parameter_count:
            lines.append(f"it may grow to {most:,} parameters")
    return "\n".join([*lines, *_memory(context.discretization, chosen)])


def _memory(discretization: Discretization, method: Method) -> list[str]:
    """What the method needs, what is free, and whether that fits."""
    need, device = method.bytes_needed(discretization), discretization.plan.device
    lines = [f"estimated memory, besides what Python and torch take: {room_text(need, device)}"]
    try:
        method.require_memory(discretization)
    except MemoryLimitError as error:
        return [*lines, f"does not fit: {error}"]
    if not has_room(need, device):
        lines.append("does not fit at once: the run takes smaller pieces, or fewer points")
    return lines


def _blocks(discretization: Discretization) -> str:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("block", overflow="fold")
    for name in ("points", "weight"):
        table.add_column(name, justify="right")
    planned = discretization.fresh_residual()
    weights = planned.block_weights()
    for bound in planned.blocks:
        name = bound.block.name
        table.add_row(name, f"{len(bound):,}", f"{weights[name]:.3g}")
    console = Console(file=io.StringIO(), width=WIDTH, highlight=False)
    console.print(table)
    return console.file.getvalue().rstrip()  # pyright: ignore[reportAttributeAccessIssue]
