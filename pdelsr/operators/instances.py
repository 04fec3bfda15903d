"""The results of `refine_many`, instance by instance, and their table."""

from __future__ import annotations

import io
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from rich.table import Table
else:
    Table = object  # rich is loaded by the first table

WIDTH = 88  # columns of the printed table


@dataclass(frozen=True)
class InstanceRow:
    """The result of one instance.

    Args:
        index: of the input functions, from 0.
        errors_before: relative L2 error of the operator, by unknown; empty without a reference.
        errors: relative L2 error of the refinement, by unknown.
        heldout_before: norm of the residual on held-out points, of the operator.
        heldout: norm of the residual of the refinement.
        refined: whether the refinement was better; otherwise the operator is kept.
        rank: r of the refinement.
        seconds: that it took.
    """

    index: int
    errors_before: dict[str, float]
    errors: dict[str, float]
    heldout_before: float
    heldout: float
    refined: bool
    rank: int
    seconds: float

    @property
    def error_before(self) -> float | None:
        """The largest error of the operator over the unknowns; None without a reference."""
        return max(self.errors_before.values(), default=None)

    @property
    def error(self) -> float | None:
        """The largest error of the refinement over the unknowns; None without a reference."""
        return max(self.errors.values(), default=None)


@dataclass(frozen=True)
class Instances:
    """The results of `refine_many`.

    Args:
        name: of the problem.
        rows: one per instance, in order.
        functions: the input functions; by name where a problem has several.
    """

    name: str
    rows: Sequence[InstanceRow]
    functions: Sequence[Callable[..., ArrayLike] | Mapping[str, Callable[..., ArrayLike]]]

    def __str__(self) -> str:
        from rich.console import Console

        console = Console(file=io.StringIO(), width=WIDTH, highlight=False)
        console.print(self.table())
        return console.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]

    def table(self) -> Table:
        """Mean, standard deviation, median and worst over the instances, as a rich table."""
        from rich.table import Table

        kept = sum(not row.refined for row in self.rows)
        title = f"{self.name}, {len(self.rows)} instances, {kept} of them not refined"
        table = Table("", "mean", "std", "median", "worst", title=title)
        unknowns = list(dict.fromkeys(u for row in self.rows for u in row.errors))
        columns: dict[str, list[float]] = {}
        for u in unknowns:
            of = f" in {u}" if len(unknowns) > 1 else ""
            known = [row for row in self.rows if u in row.errors]
            columns[f"error of the operator{of}"] = [row.errors_before[u] for row in known]
            columns[f"error after refinement{of}"] = [row.errors[u] for row in known]
        columns["residual of the operator"] = [row.heldout_before for row in self.rows]
        columns["residual after refinement"] = [row.heldout for row in self.rows]
        columns["seconds"] = [row.seconds for row in self.rows]
        for label, values in columns.items() if self.rows else ():
            spread = statistics.stdev(values) if len(values) > 1 else 0.0
            found = statistics.mean(values), spread, statistics.median(values), max(values)
            table.add_row(label, *(f"{v:.2e}" for v in found))
        return table
