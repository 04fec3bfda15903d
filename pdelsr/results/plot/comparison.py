"""Error against time of several methods: one panel per problem, one line per method."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from pdelsr.results.plot.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    MARGIN,
    ORANGE,
    PURPLE,
    SKY,
    SMALL,
    SMALLEST,
    VERMILION,
    Picture,
    frame,
    log_axes,
)
from pdelsr.results.plot.write import write_picture

PANEL = (2.7, 2.1)  # inches
COLUMNS = 4
LEGEND = 0.5  # inches
MAIN = (BLUE, "o")  # of the last method
OTHERS = (
    *((ORANGE, "s"), (GREEN, "^"), (PURPLE, "D"), (GREY, "v"), (VERMILION, "P")),
    *((SKY, "X"), (BLACK, "<")),
)
MARKED = 12  # curves with more points get fewer markers


@dataclass(frozen=True)
class ErrorCurve:
    """The error of one run against time.

    Args:
        seconds: in rising order.
        errors: of the best state from that time on.
        end: seconds at which the run ended.
    """

    seconds: Sequence[int | float]
    errors: Sequence[int | float]
    end: int | float


def draw_comparison(
    curves: Mapping[str, Mapping[str, ErrorCurve]], methods: Sequence[str], path: str | Path | None
) -> Picture:
    """Draw panels on logarithmic axes with a common legend, and write them if a path is given.

    Args:
        curves: by problem and method.
        methods: in the order of the legend; the last one is drawn on top, in its own style.
        path: of the picture; the ending chooses the format.
    """
    rows = -(-len(curves) // COLUMNS)
    columns = -(-len(curves) // rows)
    width = max(PANEL[0] * columns, 5.4)
    figure = Picture(figsize=(width, PANEL[1] * rows + LEGEND), dpi=200, layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False)
    flat = list(panels.reshape(-1))
    for axes, (problem, of_problem) in zip(flat, curves.items(), strict=False):
        for i, method in enumerate(methods):
            if method in of_problem:
                _draw_curve(axes, of_problem[method], i, len(methods))
        frame(axes, problem, "", "", grid=True)
        log_axes(axes)
    same_seconds(flat[: len(curves)])
    for axes in flat[len(curves) :]:
        axes.set_visible(False)
    figure.supxlabel("seconds", fontsize=SMALL + 1)
    figure.supylabel("relative L2 error of the best state", fontsize=SMALL + 1)
    handles = [_line(i, len(methods), label=method) for i, method in enumerate(methods)]
    figure.legend(
        handles=handles,
        loc="outside upper center",
        ncols=min(len(methods), round(width / 1.15)),
        fontsize=SMALL,
        frameon=False,
    )
    if path is not None:
        write_picture(figure, path)
    return figure


def _draw_curve(axes: Axes, curve: ErrorCurve, position: int, count: int) -> None:
    """Draw steps up to the end of the run, because a state is the best one until the next."""
    shown = [
        (s, max(e, SMALLEST))
        for s, e in zip(curve.seconds, curve.errors, strict=True)
        if math.isfinite(e)
    ]
    if not shown:
        return
    last_second, last_error = shown[-1]
    shown.append((max(curve.end, last_second), last_error))
    line = _line(position, count)
    line.set_data(*zip(*shown, strict=True))
    line.set_drawstyle("steps-post")
    every = -(-len(shown) // MARKED)
    line.set_markevery(list(range(0, len(shown) - 1, every)))
    line.set_zorder(3 if position == count - 1 else 2)
    if len(curve.seconds) == 1:  # a single marker: larger, and above all lines
        line.set(markersize=5.5, zorder=4)
    axes.add_line(line)
    axes.autoscale_view()


def same_seconds(panels: Sequence[Axes]) -> None:
    """One range of seconds for all panels, at least a decade long."""
    limits = [axes.dataLim.intervalx for axes in panels]
    drawn = [limit for limit in limits if np.isfinite(limit).all()]
    if not drawn:
        return
    low, high = np.log10(np.min(drawn)) - MARGIN, np.log10(np.max(drawn)) + MARGIN
    if math.ceil(low) > math.floor(high):  # no power of ten in between
        low, high = math.floor(low) - MARGIN, math.ceil(high) + MARGIN
    for axes in panels:
        axes.set_xlim(10.0**low, 10.0**high)


def _line(position: int, count: int, label: str = "") -> Line2D:
    main = position == count - 1
    color, marker = MAIN if main else OTHERS[position % len(OTHERS)]
    return Line2D(
        [],
        [],
        color=color,
        marker=marker,
        markersize=4.5 if main else 3.5,
        linewidth=2.0 if main else 1.1,
        linestyle="-" if main or position < len(OTHERS) else "--",
        label=label,
    )
