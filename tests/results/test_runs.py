"""Several solutions on one pair of axes: what is drawn, and what cannot be compared."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sympy as sp
from solved import solved

import pdelsr as pl

X = pl.coordinates("x")
SMALL: dict[str, Any] = {"hidden": (6, 6), "points": 40, "weight_scale": 1.0}


@cache
def run(method: str, reference: bool = True, name: str = "rod") -> pl.Solution:
    """-u'' = π² sin πx by a small network, in two iterations where the method has them."""
    u = pl.unknown("u", X)
    exact = sp.sin(sp.pi * X)
    problem = pl.Problem(
        name,
        pl.Interval(X, 0, 1),
        [sp.Eq(-u.diff(X, 2), sp.pi**2 * exact)],
        [pl.Dirichlet(u, 0)],
        reference=exact if reference else None,
    )
    options = {
        "pinn": {"adam_steps": 5, "lbfgs_steps": 5},
        "lsr": {},
        "ilsr": {"alignment_steps": 3, "max_iterations": 2},
    }
    return pl.solve(problem, method, **SMALL, **options[method])


def legend_of(figure: Any) -> list[str]:
    """The words of the legend."""
    (legend,) = figure.legends
    return [text.get_text() for text in legend.get_texts()]


def test_the_error_at_the_end_is_drawn_where_the_history_has_none(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    figure = pl.plot.compare([run("pinn"), run("lsr")], path=path, dpi=40)
    assert path.read_bytes().startswith(b"\x89PNG")
    (axes,) = figure.axes
    assert axes.get_ylabel() == "relative L2 error"
    assert axes.get_xlabel() == "seconds"
    assert legend_of(figure) == ["pinn", "lsr"]
    for line, solution in zip(axes.lines, (run("pinn"), run("lsr")), strict=True):
        assert line.get_xdata() == [solution.seconds]
        assert line.get_ydata() == [solution.errors["u"].relative_l2]
        assert line.get_linestyle() == "None"


def test_errors_of_several_unknowns_are_said_to_be_the_largest() -> None:
    (axes,) = pl.plot.compare([solved("system_2d", points=200)]).axes
    assert axes.get_ylabel() == "relative L2 error, largest over the unknowns"


def test_residuals_are_drawn_as_steps_that_end_with_the_run() -> None:
    solution = run("ilsr")
    figure = pl.plot.compare([solution], what="residual")
    (axes,) = figure.axes
    assert axes.get_ylabel() == "held-out residual ‖f‖"
    (line,) = axes.lines
    assert line.get_drawstyle() == "steps-post"
    records = [r for r in solution.history if r.best is not None]
    assert list(line.get_xdata())[: len(records)] == [r.seconds for r in records]
    assert line.get_xdata()[-1] == solution.seconds
    assert list(line.get_ydata())[: len(records)] == [r.best for r in records]
    assert legend_of(figure) == [f"ilsr (error {solution.errors['u'].relative_l2:.1e})"]


def test_residuals_with_other_weights_are_relative_to_the_start() -> None:
    pinn, lsr = run("pinn"), run("lsr")
    assert pinn.weights != lsr.weights
    (axes,) = pl.plot.compare([pinn, lsr], what="residual").axes
    assert axes.get_ylabel() == "held-out residual / that of the initial network"
    for line, solution in zip(axes.lines, (pinn, lsr), strict=True):
        assert line.get_ydata()[-1] == pytest.approx(solution.heldout / solution.heldout_start)


def test_iterations_are_another_axis() -> None:
    solution = run("ilsr")
    (axes,) = pl.plot.compare([solution], what="residual", x="iterations").axes
    assert axes.get_xlabel() == "outer iterations"
    assert [*axes.lines[0].get_xdata()] == [*range(1, solution.iterations + 1)]
    assert axes.get_xscale() == "linear"


def test_the_residual_is_drawn_where_a_reference_is_missing() -> None:
    figure = pl.plot.compare([run("lsr"), run("ilsr", reference=False)])
    (axes,) = figure.axes
    assert axes.get_ylabel().startswith("held-out residual")
    assert legend_of(figure)[1] == "ilsr"


def test_labels_tell_solutions_apart() -> None:
    assert legend_of(pl.plot.compare([run("lsr"), run("lsr")])) == ["lsr 1", "lsr 2"]
    assert legend_of(pl.plot.compare([run("lsr")], labels=["$mine"])) == [r"\$mine"]
    other = run("lsr", name="other")
    figure = pl.plot.compare([run("lsr"), other])
    assert legend_of(figure) == ["rod, lsr", "other, lsr"]
    assert figure.axes[0].get_title() == "rod, other"


def test_a_run_without_a_finite_residual_is_left_out(tmp_path: Path) -> None:
    records = [replace(r, best=float("inf")) for r in run("lsr").history]
    diverged = replace(run("lsr"), history=records)
    (axes,) = pl.plot.compare([diverged], what="residual", path=tmp_path / "a.png").axes
    assert len(axes.lines[0].get_xdata()) == 0


def test_what_cannot_be_compared_is_said(tmp_path: Path) -> None:
    lsr, unknown = run("lsr"), run("ilsr", reference=False)
    refused: list[tuple[Any, dict[str, Any], str]] = [
        ([], {}, "there is no solution to compare"),
        ([lsr, "lsr"], {}, "solutions has 'lsr': give what pdelsr.solve returned"),
        ([lsr], {"labels": ["a", "b"]}, "labels has 2 for 1 solutions"),
        ([lsr], {"what": "loss"}, "what is 'loss': choose one of error, residual"),
        ([lsr], {"x": "epochs"}, "x is 'epochs': choose one of time, iterations"),
        ([lsr, unknown], {"what": "error"}, "the problem of 'ilsr' has no reference"),
        ([lsr], {"path": tmp_path / "a.doc"}, r"a\.doc ends in '\.doc': pictures end in"),
        ([lsr], {"path": tmp_path / "no" / "a.png"}, "its folder does not exist"),
        ([lsr], {"dpi": 1}, "dpi is 1"),
    ]
    for solutions, options, message in refused:
        with pytest.raises(pl.SettingsError, match=message):
            pl.plot.compare(solutions, **options)
