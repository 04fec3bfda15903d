"""Narrow data are found, whatever they are written with, and wide data raise no alarm."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import sympy as sp
import torch
from narrow_problems import KINDS, LINE, A, U, W, X, Y, coded, gauss, line, plate, ring, rod

import pdelsr as pl
from pdelsr.survey import crowds, features_of, unresolved_features
from pdelsr.survey.features import Budget, Feature, Survey, Suspect

PROBLEMS = sorted((Path(__file__).parents[2] / "problems").glob("*.py"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width", [1e-5])
def test_narrow_data_are_named(kind: str, width: float) -> None:
    assert unresolved_features(KINDS[kind](width))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width", [0.03])
def test_data_that_a_network_resolves_raise_no_alarm(kind: str, width: float) -> None:
    assert unresolved_features(KINDS[kind](width)) == ()


@pytest.mark.parametrize("path", PROBLEMS, ids=lambda p: p.stem)
def test_the_problem_files_have_no_narrow_data(path: Path) -> None:
    problem = pl.load_problem(path)
    assert features_of(problem) == ()
    assert crowds(problem, ()) == {}


@pytest.mark.parametrize(
    "function",
    [
        sp.sqrt(X),
        sp.Abs(X - A) ** sp.Rational(1, 3),
        sp.log(X),
        1 / sp.sqrt(X),
        sp.Heaviside(X - A),
        sp.Piecewise((X, X < A), (1 - X, True)),
        sp.sin(100 * X),
        sp.tanh((X - A) / 1e-6),
        X**40,
    ],
    ids=str,
)
def test_kinks_steps_and_singular_points_are_not_narrow(function: sp.Expr) -> None:
    assert unresolved_features(line(function)) == ()


def test_a_step_on_a_circle_is_not_narrow_where_a_line_hardly_cuts_it() -> None:
    inside = sp.Piecewise((1, sp.Rational(4, 25) > (X - A) ** 2 + (Y - A) ** 2), (0, True))
    assert unresolved_features(plate(inside)) == ()


def test_place_and_width_are_right() -> None:
    (found,) = features_of(plate(gauss(X - A, 1e-5) * gauss(Y - 2 * A / 3, 1e-5)))
    assert found.feature.place == pytest.approx([0.4142, 0.8284 / 3], abs=1e-8)
    assert found.feature.width == pytest.approx(math.sqrt(math.log(2)) * 1e-5, rel=0.1)


def test_a_circle_is_known_at_many_places() -> None:
    (found,) = features_of(plate(ring(1e-5)))
    unit = found.feature.centres
    assert len(unit) > 8
    radii = np.hypot(unit[:, 0] - 0.4142, unit[:, 1] - 0.271)
    assert np.abs(radii - 0.25).max() < 1e-4


def test_the_sentence_names_statement_term_place_and_width() -> None:
    (sentence,) = unresolved_features(line(sp.exp(-(((X - A) * 10**6) ** 2))))
    assert sentence.startswith("equation: -exp(-(1000000*x - 414200)**2) varies within a length of")
    assert "8e-07 near x = 0.4142, which is too narrow for a network" in sentence


def test_data_of_a_condition_are_told_of_once() -> None:
    (sentence,) = unresolved_features(KINDS["initial"](1e-5))
    assert sentence.startswith("Initial on u(x, t): -exp(")


def test_what_is_narrow_is_found_once_for_a_problem() -> None:
    problem = line(gauss(X - A, 1e-5))
    assert features_of(problem) is features_of(problem)


def test_points_of_the_equation_crowd_for_data_that_are_lifted_into_it() -> None:
    problem = KINDS["initial"](1e-5)
    assert set(crowds(problem, ())) == {"initial u"}
    assert set(crowds(problem, ("initial u",))) == {"equation"}


@pytest.mark.slow
def test_a_thousand_terms_take_a_moment() -> None:
    terms = [sp.exp(-((X - sp.Rational(k, 1000)) ** 2) * 100) for k in range(1000)]
    equation = sp.Eq(U.diff(X, 2), sp.Add(*terms), evaluate=False)
    problem = pl.Problem("many", LINE, [equation], [pl.Dirichlet(U, 0)])
    assert unresolved_features(problem) == ()


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x[:, None] * x,
        lambda x: x * torch.nan,
        lambda x: {}["a"],
        lambda x: 1.0,
        lambda x: x.numpy().sum(),
    ],
)
def test_what_callables_do_wrong_is_left_to_those_who_need_them(function) -> None:
    assert unresolved_features(coded(function)) == ()


def test_numpy_code_is_sampled_densely() -> None:
    found = unresolved_features(coded(lambda x: np.exp(-(((x.numpy() - 0.4142) / 2e-6) ** 2))))
    assert "near x = 0.4142" in found[0]


def test_numpy_code_is_sampled_however_many_terms_there_are() -> None:
    names = [f"c{k:02d}" for k in range(19)]
    terms = [pl.coefficient(n, lambda a: np.sin(a.numpy()), X) for n in names]
    narrow = pl.coefficient("z", lambda x: np.exp(-(((x.numpy() - 0.4142) / 2e-6) ** 2)), X)
    found = unresolved_features(line(sp.Add(*terms, narrow)))
    assert "near x = 0.4142" in found[0]


def test_a_run_warns() -> None:
    with pytest.warns(pl.ResolutionWarning, match=r"equation: .* near x = 0\.4142"):
        pl.solve(line(gauss(X - A, 1e-6)), "lsr", hidden=(8,), points=100, weight_scale=1.0)


def test_the_middle_of_a_disk_is_not_narrow() -> None:
    disk = pl.Disk((X, Y), (0, 0), 1)
    source = sp.sqrt(X**2 + Y**2 + sp.Rational(1, 10)) + X
    equation = sp.Eq(W.diff(X, 2) + W.diff(Y, 2), source)
    problem = pl.Problem("disk", disk, [equation], [pl.Dirichlet(W, X)])
    assert features_of(problem) == ()


def test_a_wide_function_around_a_hole_is_not_narrow() -> None:
    """Its values on both sides of the hole are alike, which is no peak between them."""
    x, y = pl.coordinates("x y")
    u = pl.unknown("u", x, y)
    plate = pl.Box((x, y), (-8, -12), (8, 12)) - pl.Disk((x, y), (-3.2, 6), 0.4, name="hole")
    around = sp.exp(-((x + sp.Rational(16, 5)) ** 2 + (y - 6) ** 2) / 2)
    far = 5 * sp.exp(-((x - 3) ** 2 + (y + 6) ** 2) / 2)
    equation = u.diff(x, 2) + u.diff(y, 2) - around - far
    assert unresolved_features(pl.Problem("plate", plate, [equation], [pl.Dirichlet(u, 0)])) == ()


def places(problem: pl.Problem) -> np.ndarray:
    """All places along x at which points of the equation crowd."""
    return crowds(problem, ())["equation"][""].centres[:, 0]


PEAKS = [sp.Rational(2 * k + 1, 41) for k in range(20)]
TWENTY = {
    "sum": sp.Add(*(gauss(X - p, 1e-4 * (k + 1)) for k, p in enumerate(PEAKS))),
    "product": (1 + X) * sp.Add(*(gauss(X - p, 1e-4) for p in PEAKS)),
    "beside_steps": sp.Add(
        *(gauss(X - p, 1e-3) for p in PEAKS), *(sp.tanh((X - p) * 10**7) for p in PEAKS)
    ),
}


@pytest.mark.parametrize("source", TWENTY.values(), ids=TWENTY)
def test_each_of_twenty_peaks_has_its_crowd(source: sp.Expr) -> None:
    found = places(line(source))
    for peak in PEAKS:
        assert np.abs(found - float(peak)).min() < 1e-5


def test_what_is_not_searched_is_told() -> None:
    many = sp.Add(*(gauss(X - sp.Rational(2 * k + 1, 161), 1e-4) for k in range(80)))
    problem = line(many)
    assert len(places(problem)) >= 64
    assert "equation: 16 steep terms were not searched" in unresolved_features(problem)[-1]


def star(corners: int) -> pl.Polygon:
    """A convex polygon around the middle of the unit square."""
    angles = 2 * np.pi * np.arange(corners) / corners
    corner = np.column_stack([0.5 + 0.4 * np.cos(angles), 0.5 + 0.4 * np.sin(angles)])
    return pl.Polygon((X, Y), corner.tolist())


def heated(corners: int, value: sp.Expr) -> pl.Problem:
    equation = sp.Eq(W.diff(X, 2) + W.diff(Y, 2), 0)
    return pl.Problem("heated", star(corners), [equation], [pl.Neumann(W, value)])


@pytest.mark.filterwarnings("ignore::pdelsr.ConditionWarning")
def test_narrow_data_are_found_on_every_part() -> None:
    narrow = gauss(X - A, 1e-5)
    regions = {found.region.name for found in features_of(heated(30, narrow))}
    assert regions == {"edge 8", "edge 21"}
    assert unresolved_features(heated(70, sp.sin(3 * X))) == ()
    (*_, last) = unresolved_features(heated(70, narrow))
    assert "data on 6 parts were not searched" in last


@pytest.mark.filterwarnings("ignore::pdelsr.ConditionWarning")
def test_many_terms_on_many_parts_are_not_all_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[object] = []
    most = 300  # a search costs three of a sum of 80 terms
    usual = Survey.peaks_of

    def peaks_of(self: Survey, suspect: Suspect, whole: sp.Expr) -> Iterable[Feature]:
        searched.append(suspect)
        return usual(self, suspect, whole)

    monkeypatch.setattr(Survey, "peaks_of", peaks_of)
    monkeypatch.setattr("pdelsr.survey.problem.Budget", lambda: Budget(most))
    peaks = sp.Add(*(gauss(X - sp.Rational(2 * k + 1, 161), 1e-4) for k in range(80)))
    equation = sp.Eq(W.diff(X, 2) + W.diff(Y, 2), 0)
    problem = pl.Problem("many", star(70), [equation], [pl.Dirichlet(W, peaks)])
    (*_, last) = unresolved_features(problem)
    assert 64 < len(searched) <= most / 3
    assert re.search(r": \d+ steep terms and data on 6 parts were not searched", last)


def test_data_whose_slopes_sympy_cannot_form_are_searched() -> None:
    saw = sp.Mod(2 * X, 1) + sp.frac(3 * X) + sp.floor(4 * X)
    assert unresolved_features(rod(saw)) == ()
    (sentence,) = unresolved_features(rod(saw + gauss(X - A, 1e-5)))
    assert "near x = 0.4142" in sentence
