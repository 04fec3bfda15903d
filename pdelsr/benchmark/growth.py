"""How time and memory of one refinement grow with rows, parameters and rank.

One of n, m and r varies while the other two stay fixed, and a power law size^slope is fitted to
every part. By operation count, the basis costs about 4 (r + 1000) m r + 6 m r² (randomized SVD of
the output Jacobian at r + 1000 points), the product G V costs 2 n m r, and QR of the reduced matrix
costs 2 n r². The step is that of `pdelsr benchmark step`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from rich.table import Table

from pdelsr.benchmark.process import in_fresh_process
from pdelsr.benchmark.step import WARM_UP, Step, StepSettings, take_step
from pdelsr.resources.memory import peak_memory

BOUNDARY_SHARE = 0.1  # of the rows
COSTS = ("basis", "product", "solve", "seconds", "memory_bytes")


@dataclass(frozen=True)
class GrowthSettings:
    """Sizes of the measurement: the fixed ones, and the ones that vary.

    Args:
        width: of the hidden layers when m is fixed.
        layers: hidden layers.
        rows: n when it is fixed.
        rank: r when it is fixed.
        rows_tried: sizes of n.
        widths_tried: widths, which set m.
        ranks_tried: sizes of r.
        repeats: steps in one process; the one with the median time counts.
    """

    width: int = 64
    layers: int = 3
    rows: int = 4000
    rank: int = 500
    rows_tried: tuple[int, ...] = (2000, 4000, 8000, 16_000, 32_000)
    widths_tried: tuple[int, ...] = (32, 45, 64, 91, 128)
    ranks_tried: tuple[int, ...] = (125, 250, 500, 1000, 2000)
    repeats: int = 3

    def steps(self, varied: str) -> list[StepSettings]:
        """One step for each size of "rows", "parameters" or "rank"."""
        if varied == "rows":
            return [self._step(self.width, n, self.rank) for n in self.rows_tried]
        if varied == "parameters":
            return [self._step(width, self.rows, self.rank) for width in self.widths_tried]
        return [self._step(self.width, self.rows, r) for r in self.ranks_tried]

    def _step(self, width: int, rows: int, rank: int) -> StepSettings:
        boundary = round(BOUNDARY_SHARE * rows)
        return StepSettings((width,) * self.layers, rows - boundary, boundary, rank)


VARIED = ("rows", "parameters", "rank")


@dataclass(frozen=True)
class Growth:
    """The cost of one step of one size.

    Args:
        rows: n.
        parameters: m.
        rank: r.
        basis: seconds for V.
        product: seconds for G V.
        solve: seconds for the reduced problem.
        seconds: of the whole step.
        memory_bytes: peak of the process in its first step, less the peak before it.
    """

    rows: int
    parameters: int
    rank: int
    basis: float
    product: float
    solve: float
    seconds: float
    memory_bytes: int


@dataclass(frozen=True)
class Sweep:
    """All sizes of one variable.

    Args:
        varied: "rows", "parameters" or "rank".
        found: in rising order.
    """

    varied: str
    found: tuple[Growth, ...]

    @property
    def sizes(self) -> list[int]:
        """Sizes of the variable."""
        return [getattr(g, self.varied) for g in self.found]

    def values(self, part: str) -> list[int | float]:
        """Values of one of `COSTS`."""
        return [getattr(g, part) for g in self.found]

    def slopes(self, part: str) -> Slopes:
        """The growth of one of `COSTS`."""
        return fit_slopes(self.sizes, self.values(part))


@dataclass(frozen=True)
class Slopes:
    """Exponents p of value ≈ c · size^p.

    Args:
        overall: over all sizes.
        upper: over the upper half of the sizes, where overheads have faded.
    """

    overall: float
    upper: float

    def __str__(self) -> str:
        return f"{self.overall:.2f} ({self.upper:.2f})"


Apply = Callable[..., Growth]


def measure_growth(
    settings: GrowthSettings = GrowthSettings(),
    tell: Callable[[Growth], None] = lambda growth: None,
    apply: Apply = in_fresh_process,
) -> list[Sweep]:
    """Measure all sizes, one after the other, each in a fresh process.

    Args:
        settings: the sizes.
        tell: called after every size.
        apply: calls a function with its arguments.
    """
    known: dict[StepSettings, Growth] = {}
    for varied in VARIED:
        for step in settings.steps(varied):
            if step not in known:  # the fixed sizes belong to every sweep
                known[step] = apply(measure_size, step, settings.repeats)
                tell(known[step])
    return [Sweep(v, tuple(known[step] for step in settings.steps(v))) for v in VARIED]


def measure_size(step: StepSettings, repeats: int) -> Growth:
    """Measure one size in this process, after a small warm-up of the same code."""
    take_step("rows", WARM_UP)
    before = peak_memory()
    steps = [take_step("rows", step)]
    memory = peak_memory() - before
    steps += [take_step("rows", step) for _ in range(repeats - 1)]
    middle: Step = sorted(steps, key=lambda s: s.seconds)[(len(steps) - 1) // 2]
    return Growth(
        middle.rows,
        middle.parameters,
        step.rank,
        middle.basis,
        middle.product,
        middle.solve,
        middle.seconds,
        memory,
    )


def fit_slopes(sizes: Sequence[int | float], values: Sequence[int | float]) -> Slopes:
    """Least squares in log-log; NaN where fewer than two values are positive.

    Args:
        sizes: in rising order.
        values: one for each size.
    """
    half = len(sizes) // 2
    return Slopes(_slope(sizes, values), _slope(sizes[half:], values[half:]))


def _slope(sizes: Sequence[int | float], values: Sequence[int | float]) -> float:
    positive = [(s, v) for s, v in zip(sizes, values, strict=True) if v > 0]
    if len(positive) < 2:
        return math.nan
    x, y = np.log(np.array(positive, dtype=np.float64)).T
    return float(np.polyfit(x, y, 1)[0])


def growth_table(sweeps: Sequence[Sweep]) -> Table:
    """Seconds and memory of all sizes, and the slopes of each sweep."""
    title = "one refinement; slopes over all sizes (over the upper half of them)"
    table = Table(title=title, highlight=False)
    for name in ("n", "m", "r", "basis s", "G V s", "solve s", "total s", "memory MB"):
        table.add_column(name, justify="right", no_wrap=True)
    for sweep in sweeps:
        for g in sweep.found:
            times = (f"{s:.3f}" for s in (g.basis, g.product, g.solve, g.seconds))
            sizes = (str(size) for size in (g.rows, g.parameters, g.rank))
            table.add_row(*sizes, *times, f"{g.memory_bytes / 1e6:.0f}")
        names = ("slope" if sweep.varied == varied else "" for varied in VARIED)
        table.add_row(*names, *(str(sweep.slopes(part)) for part in COSTS), style="bold")
        table.add_section()
    return table


def growth_record(sweep: Sweep) -> dict[str, Any]:
    """The slopes of one sweep as plain values, by part."""
    return {part: asdict(sweep.slopes(part)) for part in COSTS}
