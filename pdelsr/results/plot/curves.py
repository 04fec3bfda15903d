"""Curves of a run: residuals of the blocks, residuals against time, and singular values."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from pdelsr.results.base import BaseSolution
from pdelsr.results.plot.style import (
    BLACK,
    BLUE,
    GREY,
    SMALL,
    SMALLEST,
    VERMILION,
    decades,
    frame,
    plain,
)

Curve = Callable[[Axes, BaseSolution], None]
SIZE = (3.6, 2.8)  # inches
LINE = 0.24  # inches per block
LEGEND = 0.105  # of the height of a curve, for each line of a legend
LONGEST = 26  # characters of a block's name; more would leave no room for its residuals


@dataclass(frozen=True)
class CurveStrip:
    """Curves side by side.

    Args:
        solution: whose run is drawn.
        curves: from left to right.
    """

    solution: BaseSolution
    curves: Sequence[Curve]

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in inches."""
        lines = len(self.solution.blocks) + len(self.solution.compiled.exact)
        height = LINE * lines + 1.2 if draw_blocks in self.curves else 0.0
        return SIZE[0] * len(self.curves), max(SIZE[1], height)

    def draw(self, figure: SubFigure) -> None:
        """Draw all curves."""
        row = figure.subplots(1, len(self.curves), squeeze=False)[0]
        for axes, curve in zip(row, self.curves, strict=True):
            curve(axes, self.solution)


def draw_blocks(axes: Axes, solution: BaseSolution) -> None:
    """Root mean square of F on training and held-out points, one line per block."""
    found = list(solution.blocks.items())
    rows = np.arange(len(found))
    sides = {
        "training": ([r.train_rms for _, r in found], BLUE, "o", 5.5),
        "held-out": ([r.heldout_rms for _, r in found], VERMILION, "s", 4.0),
    }
    for label, (values, color, marker, size) in sides.items():
        axes.plot(_shown(values), rows, marker, color=color, markersize=size, label=label)
    axes.hlines(rows, *map(_shown, (s[0] for s in sides.values())), colors=GREY, linewidth=0.8)
    exact = solution.compiled.exact
    for i, _ in enumerate(exact, start=len(found)):
        axes.annotate(
            "exact", (0.02, i), xycoords=("axes fraction", "data"), va="center", fontsize=SMALL
        )
    names = [plain(shortened(name)) for name in (*(name for name, _ in found), *exact)]
    frame(axes, "residual by block", "root mean square of F", "", grid=True)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) + 0.2, -0.6)  # with a line for the legend
    decades(axes.xaxis, [v for values, *_ in sides.values() for v in values])
    axes.legend(fontsize=SMALL, frameon=False, loc="lower right", ncols=2)


def draw_history(axes: Axes, solution: BaseSolution) -> None:
    """Training and held-out residual against seconds."""
    records = solution.history
    inner = [r for r in records if r.heldout is None]
    outer = [r for r in records if r.heldout is not None]
    seconds, within = [r.seconds for r in outer], [r.seconds for r in inner]
    train, heldout = [r.train for r in outer], [r.heldout for r in outer]
    if inner:
        alone = _shown([r.train for r in inner])
        axes.plot(within, alone, ".", color=GREY, markersize=3, label="training, network alone")
    axes.plot(
        seconds, _shown(train), "o-", color=BLUE, markersize=5.5, linewidth=1.2, label="training"
    )
    axes.plot(
        seconds,
        _shown(heldout),
        "s--",
        color=VERMILION,
        markersize=4,
        linewidth=1.2,
        label="held-out",
    )
    kept = [solution.heldout] if outer and solution.best_iteration == 0 else []
    if kept:  # no iteration improved on the start
        axes.axhline(
            kept[0], color=VERMILION, linewidth=1.0, linestyle=":", label="kept: the start"
        )
    axes.legend(fontsize=SMALL, frameon=False, loc="upper right")
    frame(axes, "residual ‖f‖", "seconds", "", grid=True)
    axes.set_xlim(left=0)
    lines = len(axes.get_legend_handles_labels()[1])
    shown = [*train, *heldout, *kept, *(r.train for r in inner)]
    decades(axes.yaxis, shown, LEGEND * lines / (1 - LEGEND * lines))


def draw_spectrum(axes: Axes, solution: BaseSolution) -> None:
    """Singular values of the reduced system over the largest, with both ranks."""
    values, effective, rank = solution.singular_values, solution.effective_rank, solution.rank
    assert values is not None
    assert effective is not None
    assert rank is not None
    index = np.arange(1, len(values) + 1)
    shown = np.maximum(values / (values[0] or 1.0), 1e-20)
    axes.semilogy(index[:effective], shown[:effective], color=BLUE, linewidth=1.8)
    start = max(effective - 1, 0)
    axes.semilogy(index[start:], shown[start:], color=GREY, linewidth=1.8, linestyle=":")
    whole = f"rank {rank:,}, all of it effective" if effective == rank else f"rank {rank:,}"
    below = 1 - LEGEND * (1 + (effective < rank)) - 0.03  # room for the legend
    if effective < rank:
        label = f"effective rank {effective:,}"
        axes.axvline(effective, 0, below, color=BLACK, linewidth=1.0, linestyle="--", label=label)
    axes.axvline(rank, 0, below, color=VERMILION, linewidth=1.2, linestyle=":", label=whole)
    axes.legend(fontsize=SMALL, loc="upper right", frameon=False)
    low = math.log10(shown[shown > 0].min()) if (shown > 0).any() else -1.0
    low = min(low, -1.0) - 0.3
    axes.set_ylim(10.0**low, 10.0 ** (-low * (1 - below) / below + 0.1))
    frame(axes, "singular values of the reduced system", "index", "σ / σ₁", grid=True)
    axes.set_xlim(0, 1.03 * max(rank, len(values)))


def shortened(name: str) -> str:
    """A name cut in the middle, because neighbours differ at their ends."""
    if len(name) <= LONGEST:
        return name
    end = (LONGEST - 1) // 2
    return f"{name[: LONGEST - 1 - end].rstrip()}…{name[-end:].lstrip()}"


def _shown(values: Sequence[float | None]) -> list[float]:
    """Values for a logarithmic axis: zero at its lower end, and a gap for no number."""
    return [max(v, SMALLEST) if v is not None and math.isfinite(v) else math.nan for v in values]
