"""The table of the suite: medians over seeds, the worst seed, and how good error estimates are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from rich.box import SIMPLE_HEAD
from rich.table import Table

from pdelsr.benchmark.suite import Measurement, name_of_row
from pdelsr.solvers.state.status import Status

WIDTH = 76  # columns for title and caption, at least
REACHED = (Status.CONVERGED.value, Status.PRECISION_LIMITED.value)  # nothing left to gain


@dataclass(frozen=True)
class Quantiles:
    """Smallest, middle and largest of `count` values."""

    smallest: float
    middle: float
    largest: float
    count: int


def suite_table(found: Sequence[Measurement], methods: Sequence[str]) -> Table:
    """A cell has the median error over the seeds, the worst in parentheses, and median seconds.

    The last column divides the median error of the first method by that of the last one. A problem
    with several time limits has a row for each. If a reference is zero, the row says that its
    errors are absolute.
    """
    several = len({m.seed for m in found}) > 1
    limits = len({m.time_limit for m in found}) > 1
    title = f"relative L2 error, {'median and (worst) over seeds, ' if several else ''}seconds"
    table = Table("problem", title=title, caption=_caption(found), box=SIMPLE_HEAD, min_width=WIDTH)
    ratio = [f"{methods[0]} / {methods[-1]}"] if len(methods) > 1 else []
    for column in (*methods, *ratio):
        table.add_column(column, justify="right", min_width=9)
    for problem, limit in dict.fromkeys((m.problem, m.time_limit) for m in found):
        here = [m for m in found if (m.problem, m.time_limit) == (problem, limit)]
        runs = [[m for m in here if m.method == k] for k in methods]
        errors = [median(m.relative_l2 for m in of_method) for of_method in runs]
        gain = [_ratio(errors[0], errors[-1])] if ratio else []
        name = name_of_row(problem, here)
        name = f"{name}, {limit:g} s" if limits else name
        table.add_row(name, *(_cell(r, several) for r in runs), *gain)
        table.add_section()
    return table


def estimate_quality(found: Sequence[Measurement]) -> Quantiles | None:
    """Quantiles of estimated over true error; None if no run has both."""
    ratios = [
        m.error_estimate / m.relative_l2
        for m in found
        if m.error_estimate is not None and 0 < m.relative_l2 < math.inf
    ]
    return Quantiles(min(ratios), median(ratios), max(ratios), len(ratios)) if ratios else None


def largest_rise(found: Sequence[Measurement]) -> tuple[float, Measurement] | None:
    """Largest ratio of the errors after two consecutive outer iterations, and its run."""
    rises = [
        (after / before, m)
        for m in found
        for (_, before), (_, after) in pairwise(m.curve)
        if 0 < before < math.inf
    ]
    return max(rises, key=lambda rise: rise[0], default=None)


def largest_loss(found: Sequence[Measurement]) -> tuple[float, Measurement] | None:
    """The largest factor by which a longer limit made the error larger, and its run.

    The error is divided by the smallest one of the shorter limits.
    """
    losses = []
    for m in found:
        shorter = [
            other.relative_l2
            for other in found
            if (other.problem, other.method, other.seed) == (m.problem, m.method, m.seed)
            and other.time_limit < m.time_limit
        ]
        if shorter and 0 < min(shorter) < math.inf:
            losses.append((m.relative_l2 / min(shorter), m))
    return max(losses, key=lambda loss: loss[0], default=None)


def least_use(found: Sequence[Measurement]) -> tuple[float, Measurement] | None:
    """The smallest share of its time limit that a run without success used, and the run."""
    shares = [(m.seconds / m.time_limit, m) for m in found if m.status not in REACHED]
    return min(shares, key=lambda share: share[0], default=None)


def _cell(runs: Sequence[Measurement], several: bool) -> str:
    errors = [m.relative_l2 for m in runs]
    lines = [f"{median(errors):.1e}"]
    if several:
        lines.append(f"({max(errors):.1e})")
    seconds = median(m.seconds for m in runs)
    lines.append(f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s")
    return "\n".join(lines)


def _ratio(first: float, last: float) -> str:
    if last == first:
        return "1"
    if last > 0 and math.isfinite(last):
        return f"{first / last:.1e}"
    return "inf" if last == 0 else "0"


def _caption(found: Sequence[Measurement]) -> str | None:
    lines = []
    quality, rise = estimate_quality(found), largest_rise(found)
    if quality is not None:
        lines.append(
            f"estimated / true error over {quality.count} runs: min {quality.smallest:.2g}, "
            f"median {quality.middle:.2g}, max {quality.largest:.2g}"
        )
    if len({m.time_limit for m in found}) > 1:
        lines += _about_limits(found)
    if rise is not None:
        ratio, run = rise
        lines.append(
            "largest ratio of the errors after two outer iterations in a row: "
            f"{ratio:.3g}, {_named(run)}"
        )
    return "\n".join(lines) or None


def _about_limits(found: Sequence[Measurement]) -> list[str]:
    lines, loss, use = [], largest_loss(found), least_use(found)
    if loss is not None:
        ratio, run = loss
        lines.append(
            "largest ratio of the errors with a longer and a shorter limit: "
            f"{ratio:.3g}, {_named(run)}, {run.time_limit:g} s"
        )
    if use is not None:
        share, run = use
        lines.append(
            f"smallest share of a limit that was used, unless {' or '.join(REACHED)}: "
            f"{share:.2f}, {_named(run)}, {run.time_limit:g} s"
        )
    return lines


def _named(run: Measurement) -> str:
    return f"{run.problem} by {run.method} with seed {run.seed}"
