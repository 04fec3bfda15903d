"""A diagnosis as text: its ranks and solvers in two tables."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from rich import box
from rich.table import Table

from pdelsr.results.findings import Findings
from pdelsr.results.rendered import rendered

ROWS = 8  # ranks, at most
WIDTH = 88


def diagnosis_text(found: Findings) -> str:
    """Ranks and solvers in two tables of at most 88 columns."""
    parts: list[Any] = [f"refinement of rank {found.rank:,}", rank_table(found)]
    parts += [solver_table(found)] if found.iterative else []
    return "\n".join(line for line in rendered(*parts, width=WIDTH).splitlines() if line)


def rank_table(found: Findings) -> Table:
    """Condition, ‖y‖ and residuals at some of the ranks, the chosen one among them."""
    table = _table("rank", "condition", "‖y‖", "rms residual", "rms on given data")
    last = len(found.ranks) - 1
    chosen = int(np.abs(found.ranks - found.rank).argmin())  # the rank itself, or its neighbour
    for i in sorted({chosen, *(round(j * last / (ROWS - 1)) for j in range(ROWS))}):
        error = "-" if found.errors is None else f"{found.errors[i]:.2e}"
        numbers = (found.conditions[i], found.delta_norms[i], math.sqrt(found.losses[i]))
        table.add_row(f"{found.ranks[i]:,}", *(f"{x:.2e}" for x in numbers), error)
    return table


def solver_table(found: Findings) -> Table:
    """The iterative solvers beside the direct one."""
    table = _table("solver", "iterations", "rms residual", "of the direct one", "seconds")
    direct = math.sqrt(found.direct)
    table.add_row("direct", "-", f"{direct:.2e}", "1", "-")
    for name, losses in found.iterative.items():
        size = math.sqrt(losses[-1])
        ratio, seconds = f"{size / direct:.3g}" if direct else "-", f"{found.seconds[name]:.2f}"
        table.add_row(name, f"{found.iterations[-1]:,}", f"{size:.2e}", ratio, seconds)
    return table


def _table(first: str, *others: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="right")
    return table
