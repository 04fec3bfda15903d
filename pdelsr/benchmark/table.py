"""The table of the suite: medians over seeds, the worst seed, and how good error estimates are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from rich.box import SIMPLE_HEAD
from rich.table import Table

from pdelsr.benchmark.suite import Measurement

WIDTH = 76  # at least, for title and caption


@dataclass(frozen=True)
class Quantiles:
    """Smallest, middle and largest of `count` values."""

    smallest: float
    middle: float
    largest: float
    count: int


def suite_table(found: Sequence[Measurement], methods: Sequence[str]) -> Table:
    """A cell is the median error over the seeds, the worst in parentheses, and median seconds.

    The last column divides the median error of the first method by that of the last one.
    """
    several = len({m.seed for m in found}) > 1
    title = f"relative L2 error, {'median and (worst) over seeds, ' if several else ''}seconds"
    table = Table("problem", title=title, caption=_caption(found), box=SIMPLE_HEAD, min_width=WIDTH)
    ratio = [f"{methods[0]} / {methods[-1]}"] if len(methods) > 1 else []
    for column in (*methods, *ratio):
        table.add_column(column, justify="right", min_width=9)
    for problem in dict.fromkeys(m.problem for m in found):
        runs = [[m for m in found if (m.problem, m.method) == (problem, k)] for k in methods]
        errors = [median(m.relative_l2 for m in of_method) for of_method in runs]
        gain = [_ratio(errors[0], errors[-1])] if ratio else []
        table.add_row(problem, *(_cell(r, several) for r in runs), *gain)
        table.add_section()
    return table


def estimate_quality(found: Sequence[Measurement]) -> Quantiles | None:
    """Quantiles of estimated over true error; None where no run has both."""
    ratios = [
        m.error_estimate / m.relative_l2
        for m in found
        if m.error_estimate is not None and 0 < m.relative_l2 < math.inf
    ]
    return Quantiles(min(ratios), median(ratios), max(ratios), len(ratios)) if ratios else None


def largest_rise(found: Sequence[Measurement]) -> tuple[float, Measurement] | None:
    """Largest ratio of the errors after two outer iterations in a row, and the run it is from."""
    rises = [
        (after / before, m)
        for m in found
        for (_, before), (_, after) in pairwise(m.curve)
        if 0 < before < math.inf
    ]
    return max(rises, key=lambda rise: rise[0], default=None)


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
    if rise is not None:
        ratio, run = rise
        lines.append(
            "largest ratio of the errors after two outer iterations in a row: "
            f"{ratio:.3g}, {run.problem} by {run.method} with seed {run.seed}"
        )
    return "\n".join(lines) or None
