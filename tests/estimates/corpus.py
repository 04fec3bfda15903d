"""The runs that error estimates are compared with the truth on, and what each of them came to."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import capacity
import everyday
import evolution
import honesty
import materials
import numpy as np
from known_case import Case

import pdelsr as pl

THEMES: tuple[ModuleType, ...] = (honesty, materials, everyday, evolution, capacity)
FILES = Path(__file__).parents[2] / "problems"
ROUNDING = 1e-12  # errors below are at rounding, whatever the estimate
FACTOR = 10.0  # that an error may exceed its estimate by
RIGHT = 1e-6  # errors below are right, and should seldom be doubted


@dataclass(frozen=True)
class Run:
    """What one run came to.

    Args:
        name: of the problem.
        status: of the run, or "refused".
        error: relative L2, the largest over the unknowns; None where nothing is known.
        estimate: of the error; None where the run claims none.
        exists: whether the problem has a solution.
    """

    name: str
    status: str
    error: float | None = None
    estimate: float | None = None
    exists: bool = True

    @property
    def honest(self) -> bool:
        """Whether no claim is made, or one that holds."""
        if self.estimate is None:
            return True
        if not self.exists:
            return self.estimate >= 0.1
        return self.error is None or self.error <= max(FACTOR * self.estimate, ROUNDING)

    @property
    def right(self) -> bool:
        """Whether the solution has six digits."""
        return self.error is not None and self.error <= RIGHT

    def __str__(self) -> str:
        numbers = " ".join("       -" if e is None else f"{e:8.1e}" for e in self._numbers)
        word = "" if self.honest else "  SILENT"
        return f"{self.name:32} {self.status:18} error, estimate {numbers}{word}"

    @property
    def _numbers(self) -> tuple[float | None, float | None]:
        return self.error, self.estimate


def cases(*themes: ModuleType) -> Iterator[Callable[[], Case]]:
    """The functions of the themes that make a case, in the order of their files."""
    for theme in themes or THEMES:
        for _, made in inspect.getmembers(theme, inspect.isfunction):
            if made.__module__ == theme.__name__ and made.__annotations__.get("return") == "Case":
                yield made


def run_case(make: Callable[[], Case], **options: Any) -> Run:
    """Declare, solve and compare one case."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            case = make()
            problem = case.declare()
            if problem is None:
                return Run(case.name, "undeclared")
            solution = pl.solve(problem, **options)
        except pl.PdelsrError:
            return Run(make.__name__, "refused")
    points = case.sample(problem, 4000)
    assert points is not None
    error = case.error(values_of(solution, points), points)
    return Run(case.name, solution.status.value, error, solution.error_estimate, case.exists)


def run_file(path: Path, **options: Any) -> Run:
    """Solve a problem file, and compare with its reference."""
    solution = pl.solve(pl.load_problem(path), **options)
    error = max(e.relative_l2 for e in solution.errors.values())
    return Run(path.stem, solution.status.value, error, solution.error_estimate)


def values_of(solution: pl.Solution, points: np.ndarray) -> dict[str, np.ndarray]:
    """Every unknown at points, by name."""
    values = solution.predict(points)
    return values if isinstance(values, dict) else {solution.names[0]: values}


def report(runs: Sequence[Run]) -> str:
    """The runs in lines, and how many estimates hold and are marked in all."""
    solved = [run for run in runs if run.status != "refused"]
    right = [run for run in solved if run.right]
    marked = [run for run in solved if run.estimate is None]
    too_many = [run for run in right if run.estimate is None]
    share = len(too_many) / len(right) if right else math.nan
    silent = [run.name for run in runs if not run.honest]
    return "\n".join(
        [
            *map(str, runs),
            f"{len(runs)} problems: {len(runs) - len(solved)} refused; of {len(solved)} runs "
            f"{len(marked)} make no claim, {len(silent)} are silently wrong {silent or ''}",
            f"{len(right)} are right to {RIGHT:g}, {len(too_many)} of them ({share:.0%}) make no "
            "claim",
        ]
    )
