"""The results of `solve_many`, and their table."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

from pdelsr.declare import Problem
from pdelsr.results.solution import Solution

WIDTH = 88  # columns of the printed table


@dataclass(frozen=True)
class Run:
    """One problem that was solved.

    Args:
        problem: as it was solved, with its parameters.
        seed: of the run.
        solution: of the run.
    """

    problem: Problem
    seed: int
    solution: Solution


@dataclass(frozen=True)
class Runs(Sequence[Run]):
    """The results of `solve_many`, in the order of problems, parameters and seeds."""

    runs: tuple[Run, ...]

    @overload
    def __getitem__(self, index: int) -> Run: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Run, ...]: ...

    def __getitem__(self, index: int | slice) -> Run | tuple[Run, ...]:
        return self.runs[index]

    def __len__(self) -> int:
        return len(self.runs)

    @property
    def solutions(self) -> tuple[Solution, ...]:
        """The solution of each run."""
        return tuple(run.solution for run in self.runs)

    def __str__(self) -> str:
        from rich.console import Console
        from rich.table import Table

        table = Table("problem", "seed", "status", "error", "estimated", "s")
        for run in self.runs:
            errors = [error.relative_l2 for error in run.solution.errors.values()]
            values = (max(errors, default=None), run.solution.error_estimate)
            cells = ["-" if value is None else f"{value:.1e}" for value in values]
            name = ", ".join(
                [run.problem.name, *(f"{k} = {v}" for k, v in run.problem.parameters.items())]
            )
            status, seconds = run.solution.status.value, f"{run.solution.seconds:.0f}"
            table.add_row(name, str(run.seed), status, *cells, seconds)
        console = Console(file=io.StringIO(), width=WIDTH, color_system=None)
        console.print(table)
        file = console.file
        assert isinstance(file, io.StringIO)
        return file.getvalue()
