"""Pictures of the benchmarks: files, panels, lines."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from benchmark_cases import measured

import pdelsr as pl
from pdelsr.benchmark.growth import Growth, Sweep
from pdelsr.benchmark.pictures import median_run, plot_growth, plot_suite
from pdelsr.results.plot.comparison import ErrorCurve, draw_comparison

PNG = b"\x89PNG"


def test_the_suite_is_drawn(tmp_path: Path) -> None:
    problems = [f"problem {i}" for i in range(5)]
    runs = [measured(m, 0, 1e-3, problem=p) for p in problems for m in ("pinn", "ilsr")]
    plot_suite(tmp_path / "a.png", runs, ("pinn", "ilsr"))
    assert (tmp_path / "a.png").read_bytes().startswith(PNG)
    with pytest.raises(pl.SettingsError, match="nothing"):
        plot_suite(tmp_path / "a.nothing", runs, ("pinn", "ilsr"))


def test_a_panel_a_problem_and_a_line_a_method() -> None:
    curve = ErrorCurve([1.0, 2.0], [1e-2, 1e-4], 5.0)
    diverged = ErrorCurve([1.0], [math.inf], 1.0)
    figure = draw_comparison({"a": {"x": curve, "y": diverged}, "b": {"y": curve}}, "xy", None)
    panels = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title() for axes in panels] == ["a", "b"]
    assert [len(axes.lines) for axes in panels] == [1, 1]
    assert {axes.get_xlim() for axes in panels} == {panels[0].get_xlim()}
    assert all(axes.get_yscale() == axes.get_xscale() == "log" for axes in panels)
    (line,) = panels[0].lines
    assert list(line.get_xdata()) == [1.0, 2.0, 5.0]  # pyright: ignore[reportArgumentType]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["x", "y"]


def test_curves_without_a_finite_error_leave_an_empty_panel(tmp_path: Path) -> None:
    curves = {"a": {"x": ErrorCurve([1.0], [math.inf], 1.0)}}
    draw_comparison(curves, ["x"], tmp_path / "a.png")
    assert (tmp_path / "a.png").exists()


def test_the_median_seed_is_drawn() -> None:
    assert median_run([measured("x", s, e) for s, e in enumerate((3.0, 1.0, 2.0))]).seed == 2
    assert median_run([measured("x", s, e) for s, e in enumerate((3.0, 1.0))]).seed == 1


def test_growth_is_drawn_with_its_slopes(tmp_path: Path) -> None:
    found = tuple(Growth(n, n, n, 1e-3 * n, 2e-3 * n, 0.0, 3e-3 * n, 8 * n) for n in (1, 10, 100))
    sweeps = [Sweep(varied, found) for varied in ("rows", "parameters", "rank")]
    plot_growth(tmp_path / "a.png", sweeps)
    assert (tmp_path / "a.png").read_bytes().startswith(PNG)
