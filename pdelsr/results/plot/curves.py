"""Curves of a run: residuals against time, and the singular values of the reduced system."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from pdelsr.results.plot.style import BLACK, BLUE, GREY, ORANGE, SMALL, frame

if TYPE_CHECKING:  # Solution calls this module; only its type is needed here
    from pdelsr.results.solution import Solution


def draw_history(axes: Axes, solution: Solution) -> None:
    """Training and held-out residual against seconds."""
    records = solution.history
    inner = [r for r in records if r.heldout is None]
    outer = [r for r in records if r.heldout is not None]
    if inner:
        axes.semilogy(
            [r.seconds for r in inner],
            [r.train for r in inner],
            color=GREY,
            linewidth=0,
            marker=".",
            markersize=3,
            label="training, network alone",
        )
    seconds = [r.seconds for r in outer]
    axes.semilogy(
        seconds,
        [r.train for r in outer],
        color=BLUE,
        linewidth=1.2,
        marker="o",
        markersize=4,
        label="training",
    )
    axes.semilogy(
        seconds,
        [r.heldout for r in outer],
        color=ORANGE,
        linewidth=1.2,
        marker="s",
        markersize=4,
        label="held-out",
    )
    axes.legend(fontsize=SMALL, frameon=False)
    frame(axes, "residual ‖f‖", "seconds", "", grid=True)
    axes.set_xlim(left=0)


def draw_spectrum(axes: Axes, solution: Solution) -> None:
    """Singular values of the reduced system over the largest, with the effective rank."""
    values, rank = solution.singular_values, solution.effective_rank
    assert values is not None
    assert rank is not None
    index = np.arange(1, len(values) + 1)
    shown = np.maximum(values / values[0], 1e-20)
    axes.semilogy(index[:rank], shown[:rank], color=BLUE, linewidth=1.6)
    axes.semilogy(index[max(rank - 1, 0) :], shown[max(rank - 1, 0) :], color=GREY, linewidth=1.6)
    axes.axvline(rank, color=BLACK, linewidth=0.9, linestyle="--")
    right = rank > 0.6 * len(values)
    axes.annotate(
        f"effective rank {rank:,}",
        (rank, 0.97),
        xycoords=("data", "axes fraction"),
        xytext=(-4 if right else 4, 0),
        textcoords="offset points",
        ha="right" if right else "left",
        va="top",
        fontsize=SMALL,
    )
    frame(axes, "singular values of the reduced system", "index", "σ / σ₁", grid=True)
