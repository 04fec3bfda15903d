"""A reference that solves another problem, or has no values, is noticed at declaration."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import sympy as sp

import pdelsr as pl
from pdelsr.errors import ProblemError, ReferenceWarning

x, y, t = pl.coordinates("x y t")
a = sp.Symbol("a")
u, v, p, w = pl.unknown("u", x, t), pl.unknown("v", x), pl.unknown("p", x), pl.unknown("w", x, y)
BAR = pl.Interval(x, 0, 1) * pl.TimeInterval(t, 0, 1)
MODE = sp.exp(-(sp.pi**2) * t) * sp.sin(sp.pi * x)
SINE = sp.sin(sp.pi * x)
DISK = pl.Disk((x, y), (0, 0), 1)


def heat(reference, initial=SINE, **options):
    conditions = [pl.Initial(sp.Eq(u, initial)), pl.Dirichlet(u, 0)]
    return pl.Problem(
        "heat", BAR, u.diff(t) - u.diff(x, 2), conditions, reference=reference, **options
    )


def ring(reference):
    conditions = [pl.Initial(sp.Eq(u, sp.sin(2 * sp.pi * x))), pl.Periodic(u, x)]
    return pl.Problem("ring", BAR, u.diff(t) + u.diff(x), conditions, reference=reference)


def disk(reference, flux=2):
    observed = pl.Observations(w, points=[(0.0, 0.0)], values=[0.0])
    conditions = [pl.Neumann(w, flux), observed]
    equation = w.diff(x, 2) + w.diff(y, 2) - 4
    return pl.Problem("disk", DISK, equation, conditions, reference=reference)


def rod(reference):
    equations = [sp.Eq(p, 2 * v.diff(x)), sp.Eq(p.diff(x), 4)]
    return pl.Problem(
        "rod", pl.Interval(x, 0, 1), equations, [pl.Dirichlet(v, x**2)], (v, p), reference=reference
    )


SOUND = {
    "exact": lambda: heat(MODE),
    "numpy": lambda: heat(lambda x, t: np.exp(-(np.pi**2) * t) * np.sin(np.pi * x)),
    "rounded_to_eight_digits": lambda: heat(MODE * (1 + 1e-8)),
    "periodic": lambda: ring(sp.sin(2 * sp.pi * (x - t))),
    "flux_and_data": lambda: disk(x**2 + y**2),
    "system": lambda: rod({v: x**2, p: 4 * x}),
    "one_of_two_by_numpy": lambda: rod({v: lambda points: points[:, 0] ** 2, p: 4 * x}),
    "with_a_parameter": lambda: heat(a * MODE, a * sp.sin(sp.pi * x), parameters={a: 0.1}),
    "trusted": lambda: ring(pl.reference.cole_hopf(0.1)),
}
S, T = np.linspace(0, 1, 30), np.linspace(0, 1, 20)
DECAY = np.exp(-(np.pi**2) * T) * np.sin(np.pi * S[:, None])


def grid(*axes):
    return pl.reference.gridded(axes, np.ones(tuple(map(len, axes))))


def corner(reference):
    """Poisson's equation on the lower half of a square, which is cut out of it."""
    half = pl.Box((x, y), (0, 0), (1, 1)) - pl.Box((x, y), (-1, 0.5), (2, 2))
    equation = w.diff(x, 2) + w.diff(y, 2)
    return pl.Problem("corner", half, equation, [pl.Dirichlet(w, 1)], reference=reference)


def test_gridded_data_that_cover_the_domain_are_taken() -> None:
    assert heat(pl.reference.gridded((S, T), DECAY)).reference is not None
    disk(grid(np.linspace(-1, 1, 9), np.linspace(-2, 1, 9)))
    corner(grid(S, np.linspace(0, 0.5, 9)))
    rod({v: grid(S), p: 4 * x})


UNCOVERED = {
    "half_of_space": (
        lambda: heat(grid(S / 2, T)),
        "reach over 0 <= x <= 0.5, and the domain to x = 1:",
    ),
    "short_of_the_end": (
        lambda: heat(grid(S, 0.999 * T)),
        "0 <= t <= 0.999, and the domain to t = 1:",
    ),
    "of_the_disk": (lambda: disk(grid(S, 2 * S - 1)), "0 <= x <= 1, and the domain to x = -0.99"),
    "of_one_unknown": (lambda: rod({v: x**2, p: grid(S / 2)}), "0 <= x <= 0.5"),
    "of_a_cut_domain": (
        lambda: corner(grid(S, S / 4)),
        "0 <= y <= 0.25, and the domain to y = 0.5:",
    ),
    "axes": (lambda: heat(grid(S)), "have 1 axes, and the problem has the coordinates x, t"),
}


@pytest.mark.parametrize(("make", "message"), UNCOVERED.values(), ids=UNCOVERED)
def test_gridded_data_that_do_not_cover_the_domain_are_refused(make, message) -> None:
    with pytest.raises(ProblemError, match=message):
        make()


WRONG = {
    "equation": (lambda: heat(sp.sin(sp.pi * x) * sp.exp(-9 * t)), "violates 'equation'"),
    "initial": (lambda: heat(2 * MODE), "violates 'initial u'"),
    "side_by_numpy": (lambda: heat(lambda x, t: 1 + 0 * x), "violates 'dirichlet u'.* by 1"),
    "period": (lambda: ring(sp.sin(5 * (x - t))), "violates 'periodic u'"),
    "flux": (lambda: disk(x**2 + y**2, flux=3), "violates 'neumann w' .* by 1 at"),
    "data": (lambda: disk(1 + x**2 + y**2), "violates 'observations w' .* by 1 at x = 0, y = 0"),
    "system": (lambda: rod({v: x**2, p: 5 * x}), "violates 'equation 1'"),
}
REFUSED = {
    "raises": (lambda x, t: 1 / 0, "fails with ZeroDivisionError"),
    "shape": (lambda x, t: np.zeros(3), r"returned shape \(3,\)"),
    "nan": (lambda x, t: np.sqrt(x - 0.5), "not finite"),
    "sympy_nan": (sp.sqrt(x - sp.Rational(1, 2)), "not finite"),
    "complex": (lambda x, t: 1j * x, "expected real numbers"),
    "complex_root": (sp.root(-8, 3) * x, r"a value is complex; the real root .* sp\.real_root"),
}


@pytest.mark.parametrize("make", SOUND.values(), ids=SOUND)
def test_a_sound_reference_is_silent(make):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        problem = make()
    assert [one for one in told if one.category is ReferenceWarning] == []
    assert problem.reference is not None


@pytest.mark.parametrize(("make", "message"), WRONG.values(), ids=WRONG)
@pytest.mark.filterwarnings("ignore::pdelsr.ConditionWarning")
def test_a_wrong_reference_is_named(make, message):
    with pytest.warns(ReferenceWarning, match=message):
        make()


@pytest.mark.parametrize(("reference", "message"), REFUSED.values(), ids=REFUSED)
def test_a_reference_that_cannot_be_evaluated_is_refused(reference, message):
    with pytest.raises(ProblemError, match=message):
        heat(reference)


@pytest.mark.parametrize("made_by", [pl.reference.cole_hopf, pl.reference.ColeHopf])
def test_what_makes_a_reference_is_none(made_by: Any) -> None:
    for given in (made_by, [made_by]):
        with pytest.raises(pl.ProblemError, match=f"{made_by.__name__} makes a reference and is"):
            ring(given)


@pl.reference.parametric("rate")
def decaying(rate):
    """Of the heat equation with a diffusivity, from a sine."""
    return lambda points: np.exp(-float(rate) * points[:, 1]) * np.sin(np.pi * points[:, 0])


def slow_heat(reference):
    conditions = [pl.Initial(sp.Eq(u, SINE)), pl.Dirichlet(u, 0)]
    equation = sp.Eq(u.diff(t), a / sp.pi**2 * u.diff(x, 2))
    return pl.Problem("heat", BAR, equation, conditions, parameters={a: 2}, reference=reference)


def test_a_reference_of_ones_own_may_have_parameters():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        problem = slow_heat(decaying(a))
    point = np.array([[0.5, 1.0]])
    assert problem.reference_values(point) == pytest.approx(np.exp(-2))
    assert problem.with_parameters(a=3).reference_values(point) == pytest.approx(np.exp(-3))


@pl.reference.parametric("rate")
def shifted(rate):
    return lambda points: float(rate) + decaying(rate=1.0)(points)


@pytest.mark.parametrize("given", [lambda r: r, lambda r: {u: r}], ids=["alone", "by unknown"])
def test_a_reference_with_parameters_is_checked(given):
    with pytest.warns(ReferenceWarning, match="it violates 'dirichlet u'"):
        slow_heat(given(shifted(a)))


def test_a_class_is_no_reference():
    class Series:
        def __call__(self, points):
            return points[:, 0]

    with pytest.raises(ProblemError, match=r"Series is a class; give an object of it, Series\("):
        heat(Series)
