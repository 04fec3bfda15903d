"""What was understood of a problem, and what a method would need to solve it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from pdelsr.declare import Problem
from pdelsr.linearize.memory import LARGEST_DEFAULT
from pdelsr.results.summary import WIDTH, bytes_text, network_text
from pdelsr.solvers.context import Context
from pdelsr.solvers.ilsr import ILSR
from pdelsr.solvers.lsr import LSR
from pdelsr.solvers.method import Method
from pdelsr.solvers.prepare import prepare
from pdelsr.solvers.refiner import FULL_LIMIT, largest_rank
from pdelsr.solvers.registry import parse_options

GRAPH_COPIES = 3  # of every hidden layer's jet that a reverse pass keeps


def show_text(problem: Problem, method: str, options: Mapping[str, Any]) -> str:
    """The problem, its blocks with point counts, the network and the estimated memory.

    Of a parametric problem the problem alone, as nothing can be planned before `at`.

    Raises:
        SettingsError: options that do not fit.
        ProblemError: hard conditions that are not possible.
    """
    chosen, settings = parse_options(method, options)
    if problem.missing_inputs:
        missing = ", ".join(problem.missing_inputs)
        return f"{problem}\n\nparametric: solve it in Python, with {missing} from problem.at(...)"
    chosen = replace(chosen, weight_scale=1.0)  # no trials for a scale that changes no size
    context = prepare(problem, chosen, settings)
    lines = [str(problem), "", f"with method {chosen.name}:", _blocks(context)]
    if context.compiled.exact:
        exact = ", ".join(context.compiled.exact)
        lines.append(f"satisfied exactly by the form of the ansatz: {exact}")
    memory = bytes_text(estimated_bytes(context, chosen))
    lines.append(f"network: {network_text(context.network)}")
    lines.append(f"estimated memory: about {memory}, besides what Python and torch take")
    return "\n".join(lines)


def estimated_bytes(context: Context, method: Method) -> float:
    """Bytes of the largest arrays of a method.

    A network that may grow is counted at its largest. A refinement holds the reduced matrix, the
    stack that is factored and its factor, 3 n r numbers, the basis, m r, and one chunk of rows.
    Training by gradients holds the jets of all hidden layers.
    """
    size = context.heldout.like.element_size()
    m = context.network.parameter_count
    if not isinstance(method, LSR | ILSR):
        return size * (GRAPH_COPIES * _jet_numbers(context) + 10 * m)
    linear = context.heldout.is_linear
    factor = method.refinement_factor(linear) if isinstance(method, ILSR) else 1.0
    rows = factor * context.plan.total
    if isinstance(method, ILSR) and method.basis is None and context.grower is not None:
        rows, m = rows * FULL_LIMIT / m, max(m, FULL_LIMIT)
    basis = method.refiner().basis_for(m)
    # An open rank is counted at the largest one that it may be raised to.
    chosen = largest_rank(m, round(rows)) if basis.has_rank else m
    rank = min(method.rank or chosen, m)
    dense = 0 if basis.name in ("full", "coordinate", "last_layer") else 2 * m * rank
    chunk = context.memory_budget or min(LARGEST_DEFAULT, size * rows * m)
    return float(size * (3 * (rows + rank) * rank + dense) + chunk)


def _jet_numbers(context: Context) -> float:
    """Numbers in the jets of all hidden layers at all points."""
    widths = sum(p.shape[0] for p in context.network.parameters() if p.ndim == 2)
    total = 0
    for bound in context.fresh_residual().blocks:
        total += sum(len(bound) * len(site.indices) for site in bound.site_entries)
    return float(total * widths)


def _blocks(context: Context) -> str:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("block", overflow="fold")
    for name in ("points", "weight"):
        table.add_column(name, justify="right")
    planned = context.fresh_residual()
    weights = planned.block_weights()
    for bound in planned.blocks:
        name = bound.block.name
        table.add_row(name, f"{len(bound):,}", f"{weights[name]:.3g}")
    console = Console(file=io.StringIO(), width=WIDTH, highlight=False)
    console.print(table)
    return console.file.getvalue().rstrip()  # pyright: ignore[reportAttributeAccessIssue]
