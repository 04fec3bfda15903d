"""Problems × methods at equal time: errors, held-out residuals, and what the default gains."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch
from rich.table import Table

from pdelsr.declare import Problem
from pdelsr.results import Solution
from pdelsr.results.record import record
from pdelsr.solve import solve


@dataclass(frozen=True)
class Measurement:
    """One run.

    Args:
        problem: its name.
        method: its name.
        seed: of the run.
        seconds: that it took.
        relative_l2: the largest over the unknowns, on 10,000 points.
        heldout: the largest held-out root mean square of a block.
        status: how it ended.
        peak_memory_bytes: of the process so far: later runs of one process see the largest.
    """

    problem: str
    method: str
    seed: int
    seconds: float
    relative_l2: float
    heldout: float
    status: str
    peak_memory_bytes: int


def measure_suite(
    problems: Sequence[Problem],
    methods: Sequence[str],
    time_limit: float,
    seeds: Sequence[int] = (0,),
    tell: Callable[[Measurement], None] = lambda measurement: None,
) -> list[Measurement]:
    """Every problem by every method with its default options, one after the other.

    The last method runs first; where it needs longer than the limit, because a step cannot be
    cut, the others get as long as it took.

    Args:
        problems: with references.
        methods: their names.
        time_limit: seconds of each run.
        seeds: runs of each pair.
        tell: called after every run.
    """
    warm_up(problems[0])
    found = []
    for problem in problems:
        problem.reference_values(problem.domain.bounding_box.mean(axis=1)[None])  # compute it now
        for seed in seeds:
            seconds = time_limit
            for method in reversed(methods):
                solution = solve(problem, method, time_limit=seconds, seed=seed)
                seconds = max(seconds, solution.seconds)
                found.append(measurement_of(solution, problem.name, method, seed))
                tell(found[-1])
    return found


def warm_up(problem: Problem) -> None:
    """Load libraries and start threads before anything is timed."""
    solve(problem, "lsr", hidden=(8,), points=50)


def measurement_of(solution: Solution, problem: str, method: str, seed: int) -> Measurement:
    """What the suite keeps of a solution."""
    kept: dict[str, Any] = record(solution)
    errors = [e["relative_l2"] for e in kept["unknowns"].values()]
    heldout = [b["heldout_rms"] for b in kept["blocks"].values()]
    return Measurement(
        problem,
        method,
        seed,
        kept["seconds"],
        max(errors),
        max(heldout, default=0.0),
        kept["status"],
        kept["peak_memory_bytes"],
    )


def suite_table(found: Sequence[Measurement], methods: Sequence[str]) -> Table:
    """Median error and time of every pair; the last column compares first and last method."""
    table = Table("problem", *(f"{m}: error (s)" for m in methods), "ratio", highlight=False)
    for problem in dict.fromkeys(m.problem for m in found):
        cells, errors = [], []
        for method in methods:
            runs = [m for m in found if (m.problem, m.method) == (problem, method)]
            errors.append(median(m.relative_l2 for m in runs))
            seconds = median(m.seconds for m in runs)
            cells.append(f"{errors[-1]:.1e} ({seconds:.0f})")
        ratio = errors[0] / errors[-1] if errors[-1] > 0 else math.inf
        table.add_row(problem, *cells, f"{ratio:.1e}")
    return table


def write_suite(path: Path, found: Sequence[Measurement], time_limit: float) -> None:
    """All measurements and the machine that they were made on, as JSON."""
    machine = {"processor": platform.machine(), "threads": torch.get_num_threads()}
    content = {
        "time_limit": time_limit,
        "machine": machine,
        "torch": torch.__version__,
        "runs": [asdict(m) for m in found],
    }
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
