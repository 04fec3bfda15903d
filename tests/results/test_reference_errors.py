"""A solution against a reference that has no value somewhere, and without what is open."""

from __future__ import annotations

import copy
import json
import math
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp
import torch
from solved import SMALL, solved

import pdelsr as pl
from pdelsr.results.accuracy import errors_of
from pdelsr.results.error_estimate import LEVEL_DEGREE, _without_levels
from pdelsr.results.fields import fields_at
from pdelsr.results.levels import without_open_part
from pdelsr.results.plot import views as views_module
from pdelsr.results.plot.fields import fields
from pdelsr.results.plot.style import title as plot_title
from pdelsr.results.plot.views import views
from pdelsr.results.reference_errors import TRIES, compared, known_reference, values_of

X, Y, T = pl.coordinates("x y t")
pytestmark = pytest.mark.filterwarnings("ignore::pdelsr.ReferenceWarning")


@pytest.fixture(autouse=True)
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, count in (("LINE", 31), ("ONE_MAP", 15), ("MAP_OF_MANY", 15)):
        monkeypatch.setattr(views_module, name, count)


def with_reference(solution: pl.Solution, reference: Any) -> pl.Solution:
    """The solution, measured against something else, as if it had passed the declaration."""
    problem = copy.copy(solution.problem)
    object.__setattr__(problem, "reference", reference)
    return replace(solution, problem=problem)


# References that fail somewhere -------------------------------------------------------------------


def refuses_the_left(points: np.ndarray) -> np.ndarray:
    """As a spline does that is asked outside of its data."""
    if (points[:, 0] < 0.3).any():
        raise ValueError("outside of the data")
    return points.sum(axis=1)


FAILING: dict[str, tuple[Any, Callable[[np.ndarray], np.ndarray]]] = {
    "an edge": (X * sp.log(X) + Y, lambda p: p[:, 0] > 0),
    "a corner": (sp.log(X**2 + Y**2), lambda p: p.any(axis=1)),
    "a half": (sp.sqrt(X - sp.Rational(1, 2)), lambda p: p[:, 0] >= 0.5),
    "a line inside": (
        lambda p: 1 / np.where(p[:, 1] == 0.5, 0, 1.0),
        lambda p: p[:, 1] != 0.5,
    ),
    "by an error": (refuses_the_left, lambda p: p[:, 0] >= 0.3),
}


def plate(reference: Any) -> pl.Problem:
    u = pl.unknown("u", X, Y)
    box = pl.Box((X, Y), (0, 0), (1, 1))
    problem = pl.Problem("plate", box, [u.diff(X, 2) + u.diff(Y, 2)], [pl.Dirichlet(u, Y)])
    object.__setattr__(problem, "reference", reference)
    return problem


@pytest.mark.parametrize("name", FAILING)
def test_only_the_points_without_a_value_are_left_out(name: str) -> None:
    reference, has_value = FAILING[name]
    line = np.linspace(0, 1, 101)
    points = np.stack([g.reshape(-1) for g in np.meshgrid(line, line, indexing="ij")], axis=1)
    problem, known = plate(reference), has_value(points)
    with pytest.warns(pl.ReferenceWarning, match=f"{(~known).sum():,} of 10,201 points.*: ref"):
        found = known_reference(problem, points)
    np.testing.assert_array_equal(np.isfinite(found[:, 0]), known)
    np.testing.assert_array_equal(found[known], problem.reference_values(points[known]))


def test_values_are_found_up_to_a_curved_edge() -> None:
    line = np.linspace(0, 1, 101)
    points = np.stack([g.reshape(-1) for g in np.meshgrid(line, line, indexing="ij")], axis=1)
    square = (points**2).sum(axis=1)
    problem = plate(lambda p: np.sqrt(0.6 - (p**2).sum(axis=1)))
    found = np.isfinite(known_reference(problem, points)[:, 0])
    assert not found[square > 0.6].any()
    assert (found.sum() + 200) > (square <= 0.6).sum()


def test_a_reference_that_has_values_is_asked_once_and_without_a_warning() -> None:
    calls = []

    def counted(points: np.ndarray) -> np.ndarray:
        calls.append(len(points))
        return points[:, 0]

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        known_reference(plate(counted), np.random.default_rng(0).random((500, 2)))
    assert calls == [500]


@pytest.mark.parametrize(("here_and_there", "most"), [(False, 520), (True, TRIES + 2)])
def test_a_reference_that_fails_is_not_asked_for_ever(here_and_there: bool, most: int) -> None:
    calls = []

    def fails(points: np.ndarray) -> np.ndarray:
        calls.append(len(points))
        if not here_and_there or (np.sin(1e4 * points[:, 0]) > 0).any():
            raise RuntimeError("no")
        return points[:, 0]

    found = known_reference(plate(fails), np.random.default_rng(0).random((20_000, 2)))
    assert len(calls) <= most
    assert np.isnan(found).any()


def singular() -> pl.Solution:
    """With a reference that sympy knows at x = 0, and numpy does not."""
    return with_reference(solved("poisson_1d"), X * sp.log(X) + sp.sin(sp.pi * X))


def test_pictures_of_a_reference_with_a_gap_are_drawn(tmp_path: Path) -> None:
    solution = singular()
    figure = solution.plot(tmp_path / "a.png", what="fields", dpi=40)
    assert (tmp_path / "a.png").is_file()
    values, error = (axes for part in figure.subfigs for axes in part.axes)
    reference = np.ma.filled(values.lines[1].get_ydata(), np.nan)
    shown = np.ma.filled(error.lines[0].get_ydata(), np.nan)
    for curve in (reference, shown):
        np.testing.assert_array_equal(np.isnan(curve), np.arange(31) == 0)
    assert np.isfinite(values.lines[0].get_ydata()).all()
    solution.plot(what="error", at=None)


def nowhere_on_the_mesh(points: np.ndarray) -> np.ndarray:
    """At the points of errors, but at no others."""
    if len(points) != 10_000:
        raise RuntimeError("not here")
    return points[:, 0]


@pytest.mark.parametrize("what", ["fields", "all"])
def test_a_reference_without_any_value_is_not_drawn(what: str) -> None:
    figure = with_reference(solved("poisson_1d"), nowhere_on_the_mesh).plot(what=what)
    first = figure.subfigs[0].axes
    assert [axes.get_title() for axes in first] == ["u"]
    assert len(first[0].lines) == 1
    assert "relative L2 error" in figure.get_suptitle()


def test_an_error_without_any_value_is_refused() -> None:
    with pytest.raises(pl.SettingsError, match="no reference, or none with a value here"):
        with_reference(solved("poisson_1d"), nowhere_on_the_mesh).plot(what="error")


def fails_always(points: np.ndarray) -> np.ndarray:
    raise RuntimeError("no values")


def test_a_reference_that_fails_everywhere_costs_no_picture() -> None:
    solution = with_reference(solved("poisson_1d"), fails_always)
    assert "poisson_1d by lsr: " in solution.plot().get_suptitle()
    figure = pl.plot.compare([solution])
    assert figure.axes[0].get_ylabel() == "held-out residual ‖f‖"
    with pytest.raises(pl.SettingsError, match="no reference, or one that fails"):
        pl.plot.compare([solution], what="error")


def test_gaps_of_one_view_leave_the_others(tmp_path: Path) -> None:
    solution = with_reference(solved("heat_2d"), lambda p: np.log(p[:, 2]) + p[:, 0])
    for row in fields(solution, views(solution.problem.domain)).values():
        assert [bool(f.reference.count()) for f in row] == [False, True, True, True, True]
    solution.plot(tmp_path / "a.png", what="fields", dpi=40)
    solution.animate(tmp_path / "a.gif", frames=2, dpi=30)


def test_tables_and_meshes_have_nan_where_the_reference_has_no_value() -> None:
    found = fields_at(singular(), np.linspace(0, 1, 11)[:, None])
    for name in ("u_reference", "u_error"):
        np.testing.assert_array_equal(np.isnan(found[name]), np.arange(11) == 0)
    assert np.isfinite(found["u"]).all()
    data = pytest.importorskip("xarray") and singular().to_xarray(n=11)
    assert int(data.u_error.isnull().sum()) == 1


# What is open -------------------------------------------------------------------------------------


@cache
def duct() -> pl.Solution:
    """A flow in one dimension whose pressure is known up to a function of time."""
    u, p = pl.unknown("u", X, T), pl.unknown("p", X, T)
    flow, pressure = sp.sin(T) * sp.exp(X), sp.cos(2 * X) * sp.exp(-T)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pl.ConditionWarning)
        problem = pl.Problem(
            "duct",
            pl.Interval(X, 0, 1) * pl.TimeInterval(T, 0, 2),
            [
                sp.Eq(u.diff(T) + p.diff(X), flow.diff(T) + pressure.diff(X)),
                sp.Eq(u.diff(X), flow.diff(X)),
            ],
            [pl.Initial(sp.Eq(u, flow)), pl.Dirichlet(u, flow, on="x=0")],
            unknowns=[u, p],
            reference={u: flow, p: pressure},
        )
    return pl.solve(problem, "lsr", hidden=(20, 20), points=400, weight_scale=1.0)


def drifting(change: sp.Expr) -> pl.Solution:
    """The flow against a reference whose pressure differs by what the equations do not see."""
    u, p = duct().problem.unknowns
    reference = duct().problem.reference
    return with_reference(duct(), {u: reference[u], p: reference[p] + change})


CHANGES = [sp.Integer(7), sp.cos(5 * T), 3 * T**2 - 1]


def test_an_open_function_of_time_is_no_error() -> None:
    errors = duct().errors
    assert errors["p"].relative_l2 < 1e-4
    for change in CHANGES:
        other = drifting(change).errors
        assert other["u"] == errors["u"]
        assert other["p"].relative_l2 == pytest.approx(errors["p"].relative_l2, rel=1e-2)
        assert other["p"].relative_to_variation == pytest.approx(other["p"].relative_l2)


def test_what_the_equations_see_stays_an_error() -> None:
    wrong = drifting(X / 100 + sp.cos(5 * T)).errors["p"]
    spread = 0.01 / math.sqrt(12)
    assert wrong.relative_l2 * _size_of_pressure() == pytest.approx(spread, rel=0.05)


def _size_of_pressure() -> float:
    """‖p − its mean over x‖ over the duct, by quadrature."""
    x = np.linspace(0, 1, 2001)
    spread = np.cos(2 * x).std()
    t = np.linspace(0, 2, 2001)
    return spread * math.sqrt(np.mean(np.exp(-2 * t)))


def test_pictures_and_tables_lack_what_is_open_as_the_errors_do() -> None:
    solution = drifting(sp.cos(5 * T))
    largest = solution.errors["p"].max_error
    for at in ({}, {0: (0.5,)}, {1: (1.0,)}):
        ((field,),) = [fields(solution, views(solution.problem.domain, at))["p"]]
        assert field.error is not None
        assert field.error.max() < 3 * largest
    found = fields_at(solution, np.random.default_rng(1).random((200, 2)) * [1, 2])
    assert np.abs(found["p_error"]).max() < 3 * largest
    difference = found["p"] - found["p_reference"]
    assert np.abs(difference - difference.mean()).max() > 0.5


def test_a_slice_through_time_keeps_its_error() -> None:
    # x − 1/2 has no part that is open, and is a constant along x = 0
    (field,) = fields(drifting(X), views(duct().problem.domain, {0: (0.0,)}))["p"]
    assert field.error is not None
    np.testing.assert_allclose(field.error, 0.5, rtol=0.1)


def test_an_open_constant_is_left_out_of_pictures_too() -> None:
    u = pl.unknown("u", X)
    exact = sp.cos(sp.pi * X)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pl.ConditionWarning)
        problem = pl.Problem(
            "insulated",
            pl.Interval(X, 0, 1),
            [sp.Eq(u.diff(X, 2), exact.diff(X, 2))],
            [pl.Neumann(u, 0)],
            reference=exact + 50,
        )
    solution = pl.solve(problem, "lsr", **SMALL)
    assert solution.errors["u"].relative_l2 < 1e-4
    (field,) = fields(solution, views(problem.domain))["u"]
    assert field.error is not None
    assert field.error.max() < 1e-3
    assert np.abs(fields_at(solution, np.array([[0.1], [0.9]]))["u_error"]).max() < 1e-3


def test_nothing_is_taken_off_where_nothing_is_open() -> None:
    solution = solved("system_2d")
    points = np.random.default_rng(0).random((100, 2))
    values = values_of(solution, points)
    against = compared(solution, points, values)
    assert against is not None
    np.testing.assert_array_equal(against.error, values - solution.problem.reference_values(points))


def test_a_truth_that_is_all_open_is_measured_absolutely() -> None:
    problem = duct().problem
    points = np.random.default_rng(0).random((2000, 2)) * [1, 2]
    truth = np.stack([points[:, 0], np.exp(points[:, 1])], axis=1)
    wrong = truth + 0.1 * (points[:, :1] - 0.5)
    error = errors_of(problem, points, wrong, truth)["p"]
    assert error.relative_l2 == pytest.approx(0.1 / math.sqrt(12), rel=0.05)
    assert error.relative_to_variation is None
    assert error.absolute


def test_an_error_against_zero_is_called_absolute() -> None:
    relative, absolute = solved("poisson_1d"), with_reference(solved("poisson_1d"), sp.Integer(0))
    assert absolute.errors["u"].absolute
    assert absolute.errors["u"].relative_l2 == pytest.approx(math.sqrt(0.5), rel=1e-2)
    assert "absolute 7.07e-01" in absolute.summary()
    assert "absolute error 7.1e-01" in plot_title(absolute)
    assert "relative L2 error" in plot_title(relative)
    (axes,) = pl.plot.compare([relative, absolute]).axes
    assert axes.get_ylabel() == "relative L2 or absolute error"
    assert json.loads(absolute.to_json())["unknowns"]["u"]["absolute"] is True
    assert not relative.errors["u"].absolute
    assert "absolute" not in relative.summary()
    assert json.loads(relative.to_json())["unknowns"]["u"]["absolute"] is False


def test_few_points_do_not_hide_an_error() -> None:
    points = np.random.default_rng(0).random((12, 2)) * [1, 2]
    values = np.random.default_rng(1).standard_normal((12, 2))
    found = without_open_part(duct().problem, points, values)[:, 1]
    assert np.linalg.norm(found) > 0.5 * np.linalg.norm(values[:, 1] - values[:, 1].mean())


def test_errors_and_their_estimate_leave_out_the_same() -> None:
    rng = np.random.default_rng(0)
    points = rng.random((1000, 2)) * [1, 2]
    of_time = np.polynomial.chebyshev.chebval(points[:, 1] - 1, [1.0] * (LEVEL_DEGREE + 1))
    values = np.stack([np.exp(points[:, 0]), of_time + 1e-3 * rng.standard_normal(1000)], axis=1)
    found = without_open_part(duct().problem, points, values)
    p_in_time = {1: 1}  # positions
    expected = _without_levels(torch.from_numpy(values), torch.from_numpy(points), p_in_time)
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-12)


def test_a_solution_that_is_not_finite_has_errors_that_are_not() -> None:
    points = np.random.default_rng(0).random((100, 2))
    truth = np.ones((100, 2))
    error = errors_of(duct().problem, points, truth * np.nan, truth)["p"]
    assert math.isnan(error.relative_l2)
