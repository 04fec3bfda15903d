"""Several solutions on one pair of axes: their errors, or held-out residuals, against time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from pdelsr.errors import SettingsError
from pdelsr.results.accuracy import largest_error
from pdelsr.results.base import BaseSolution
from pdelsr.results.plot.comparison import same_seconds
from pdelsr.results.plot.style import (
    MEDIUM,
    SMALL,
    SMALLEST,
    STYLES,
    Picture,
    decades,
    frame,
    plain,
)
from pdelsr.results.plot.write import PICTURES, require_dpi, require_file, write_picture
from pdelsr.results.reference_errors import known_errors

SIZE = (5.6, 4.0)  # inches
AXES = {"time": "seconds", "iterations": "outer iterations"}
QUANTITIES = ("error", "residual")
PLAIN = 2000  # ratio of the ends of the time axis up to which it has ticks at 1, 2, 5, 10
MARKED = 15  # markers of a curve, about, at most


@dataclass(frozen=True)
class RunCurve:
    """The curve of one solution.

    Args:
        places: seconds or iterations, in rising order.
        values: of the best state from there on.
        end: where the run ended.
    """

    places: Sequence[int | float]
    values: Sequence[float]
    end: int | float


def compare(
    solutions: Sequence[Any],
    labels: Sequence[str] | None,
    path: str | Path | None,
    what: str | None,
    x: str,
    dpi: int,
) -> Picture:
    """Draw the comparison, and write it if a path is given; see `pdelsr.plot.compare`."""
    runs = read_solutions(solutions)
    names = read_labels(labels, runs)
    chosen = read_kind(what, runs, names)
    if x not in AXES:
        raise SettingsError(f"x is {x!r}: choose one of {', '.join(AXES)}.")
    require_dpi(dpi)
    if path is not None:
        require_file(path, PICTURES, "pictures")
    relative = len({tuple(sorted(run.weights.items())) for run in runs}) > 1
    curves = [
        error_curve(run, x) if chosen == "error" else residual_curve(run, x, relative)
        for run in runs
    ]
    if chosen == "residual":
        names = [_with_error(name, run) for name, run in zip(names, runs, strict=True)]
    figure = Picture(figsize=SIZE, dpi=dpi, layout="constrained")
    axes = figure.subplots()
    for i, (curve, name) in enumerate(zip(curves, names, strict=True)):
        _draw(axes, curve, plain(name), i)
    problems = ", ".join(dict.fromkeys(plain(run.problem.name) for run in runs))
    frame(axes, problems, AXES[x], _quantity(chosen, relative, runs), grid=True)
    _finish(axes, curves, x)
    figure.legend(loc="outside lower center", ncols=2, fontsize=SMALL, frameon=False)
    if path is not None:
        write_picture(figure, path)
    return figure


def read_solutions(given: Any) -> list[BaseSolution]:
    """At least one solution.

    Raises:
        SettingsError: something else.
    """
    try:
        runs = [given] if isinstance(given, BaseSolution) else list(given)
    except TypeError:
        runs = [given]
    for run in runs:
        if not isinstance(run, BaseSolution):
            raise SettingsError(f"solutions has {run!r}: give what pdelsr.solve returned.")
    if not runs:
        raise SettingsError("there is no solution to compare: give a list of them.")
    return runs


def read_labels(given: Sequence[str] | None, runs: Sequence[BaseSolution]) -> list[str]:
    """A label for each solution: by default the method, numbered if one occurs twice.

    Raises:
        SettingsError: the number of labels does not fit.
    """
    if given is not None:
        labels = [given] if isinstance(given, str) else [str(label) for label in given]
        if len(labels) != len(runs):
            raise SettingsError(
                f"labels has {len(labels)} for {len(runs)} solutions: give each one."
            )
        return labels
    methods = [run.method.name for run in runs]
    if len({run.problem.name for run in runs}) > 1:
        methods = [f"{run.problem.name}, {run.method.name}" for run in runs]
    if len(set(methods)) == len(methods):
        return methods
    return [f"{method} {i}" for i, method in enumerate(methods, start=1)]


def read_kind(what: str | None, runs: Sequence[BaseSolution], names: Sequence[str]) -> str:
    """The requested quantity; by default the error if that of every run is known.

    Raises:
        SettingsError: there is no such quantity, or no reference for it.
    """
    if what not in (None, *QUANTITIES):
        raise SettingsError(f"what is {what!r}: choose one of {', '.join(QUANTITIES)}.")
    known = [bool(run.error_history or known_errors(run)) for run in runs]
    bare = [name for name, has_error in zip(names, known, strict=True) if not has_error]
    if what == "error" and bare:
        raise SettingsError(
            f"the problem of {bare[0]!r} has no reference, or one that fails, hence no error: give "
            'Problem(reference=…), or what="residual".'
        )
    return what or ("residual" if bare else "error")


def error_curve(run: BaseSolution, x: str) -> RunCurve:
    """The largest relative L2 error of an unknown: tracked over time, or only at the end."""
    end = run.seconds if x == "time" else run.iterations
    if not run.error_history:
        return RunCurve([end], [largest_error(run.errors).relative_l2], end)
    iterations = [r.iteration for r in run.history if r.heldout is not None]
    seconds, errors = zip(*run.error_history, strict=True)
    return RunCurve(seconds if x == "time" else iterations, errors, end)


def residual_curve(run: BaseSolution, x: str, relative: bool) -> RunCurve:
    """The held-out residual of the best state, over that of the initial network if `relative`."""
    outer = [r for r in run.history if r.best is not None]
    places = [r.seconds if x == "time" else r.iteration for r in outer]
    scale = run.heldout_start if relative else 1.0
    values = [r.best / scale if scale else math.nan for r in outer if r.best is not None]
    return RunCurve(places, values, run.seconds if x == "time" else run.iterations)


def _draw(axes: Axes, curve: RunCurve, label: str, i: int) -> None:
    """Draw steps up to the end of the run, because a state is the best one until the next."""
    color, marker, dashes = STYLES[i % len(STYLES)]
    known = [(p, v) for p, v in zip(curve.places, curve.values, strict=True) if math.isfinite(v)]
    places = [p for p, _ in known]
    values = [max(v, SMALLEST) for _, v in known]
    single = len(known) == 1
    if known and curve.end > places[-1]:
        places, values = [*places, curve.end], [*values, values[-1]]
    axes.plot(
        places,
        values,
        color=color,
        marker=marker,
        markersize=8 if single else 5,
        markevery=max(1, len(places) // MARKED),
        linestyle="none" if single and len(places) == 1 else dashes,
        linewidth=1.5,
        drawstyle="steps-post",
        label=label,
    )


def _finish(axes: Axes, curves: Sequence[RunCurve], x: str) -> None:
    axes.xaxis.label.set_fontsize(MEDIUM)
    axes.yaxis.label.set_fontsize(MEDIUM)
    decades(axes.yaxis, [v for curve in curves for v in curve.values])
    if x == "time":
        axes.set_xscale("log")
        axes.set_xlim(0.1, 10.0)  # if nothing is finite
        same_seconds([axes])
        low, high = axes.get_xlim()
        few = high / low < PLAIN
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,), numticks=12))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlim(left=0)


def _with_error(name: str, run: BaseSolution) -> str:
    errors = known_errors(run)
    if not errors:
        return name
    return f"{name} (error {largest_error(errors).relative_l2:.1e})"


def _quantity(chosen: str, relative: bool, runs: Sequence[BaseSolution]) -> str:
    if chosen == "error":
        several = any(len(run.names) > 1 for run in runs)
        kinds = dict.fromkeys(largest_error(run.errors).kind for run in runs)
        return f"{' or '.join(kinds)} error" + (", largest over the unknowns" if several else "")
    return (
        "held-out residual / that of the initial network" if relative else "held-out residual ‖f‖"
    )
