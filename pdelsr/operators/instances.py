"""The results of `refine_many`, instance by instance, and their table."""

from __future__ import annotations

import io
import statistics
from collections.abc import Callable, Sequence
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
        index: of the input function, from 0.
        error_before: relative L2 error of the operator; None without a reference.
        error: relative L2 error of the refinement.
        heldout_before: norm of the residual on held-out points, of the operator.
        heldout: norm of the residual of the refinement.
        refined: whether the refinement was better; otherwise the operator is kept.
        rank: r of the refinement.
        seconds: that it took.
    """

    index: int
    error_before: float | None
    error: float | None
    heldout_before: float
    heldout: float
    refined: bool
    rank: int
    seconds: float


@dataclass(frozen=True)
class Instances:
    """The results of `refine_many`.

    Args:
        name: of the problem.
        rows: one per instance, in order.
        functions: the input functions.
    """

    name: str
    rows: Sequence[InstanceRow]
    functions: Sequence[Callable[..., ArrayLike]]

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
        for label, name in (
            ("error of the operator", "error_before"),
            ("error after refinement", "error"),
            ("residual of the operator", "heldout_before"),
            ("residual after refinement", "heldout"),
            ("seconds", "seconds"),
        ):
            values = [v for row in self.rows if (v := getattr(row, name)) is not None]
            if values:
                spread = statistics.stdev(values) if len(values) > 1 else 0.0
                found = statistics.mean(values), spread, statistics.median(values), max(values)
                table.add_row(label, *(f"{v:.2e}" for v in found))
        return table
