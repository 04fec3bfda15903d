"""Initial data whose slope jumps across the seam of a period."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp
import torch

import pdelsr as pl
from pdelsr.compile import compile_problem
from pdelsr.compile.periodic_seam import frozen_equation, seam_layer

x, t = pl.coordinates("x t")
u = pl.unknown("u", x, t)
U0 = x**2 * sp.cos(sp.pi * x)


def problem(rate: sp.Expr, initial: sp.Expr = U0, low: float = -1, high: float = 1) -> pl.Problem:
    return pl.Problem(
        "seam",
        pl.Interval(x, low, high) * pl.TimeInterval(t, 0, sp.Rational(1, 2)),
        [sp.Eq(u.diff(t), rate)],
        [pl.Initial(sp.Eq(u, initial)), pl.Periodic(u, x)],
    )


def diffusion() -> sp.Expr:
    return u.diff(x, 2) / 50


def jet(found: pl.Problem, points: np.ndarray, *indices: tuple[int, int]) -> torch.Tensor:
    form = compile_problem(found, hard=True).hard[0]
    assert form is not None
    return form.lift_jet(torch.tensor(points), indices)


def test_the_lift_keeps_the_data_at_the_start() -> None:
    points = np.stack([np.linspace(-1, 1, 41), np.zeros(41)], axis=1)
    (values,) = jet(problem(diffusion()), points, (0, 0))
    expected = points[:, 0] ** 2 * np.cos(np.pi * points[:, 0])
    np.testing.assert_allclose(values, expected, atol=1e-13)


@pytest.mark.parametrize("time", [1e-6, 1e-2, 0.5])
def test_the_slope_of_the_lift_is_periodic_after_the_start(time: float) -> None:
    ends = np.array([[-1.0, time], [1.0, time]])
    values, slopes = jet(problem(diffusion()), ends, (0, 0), (1, 0))
    assert values[0].item() == pytest.approx(values[1].item(), abs=1e-13)
    assert slopes[0].item() == pytest.approx(slopes[1].item(), abs=1e-12)


@pytest.mark.parametrize(
    ("rate", "velocity", "D", "r"),
    [
        (diffusion(), 0, 1 / 50, 0),
        (diffusion() - 3 * u, 0, 1 / 50, -3),
        (diffusion() - 2 * u.diff(x), 2, 1 / 50, 0),
        (diffusion() + 5 * u - 5 * u**3, 0, 1 / 50, -10),  # u = -1 at the seam
        (diffusion() - u * u.diff(x), -1, 1 / 50, 0),  # the mean slope there is 0
        ((2 - x**2) * u.diff(x, 2) / 50, 0, 1 / 50, 0),
    ],
    ids=["heat", "decay", "advection", "allen-cahn", "burgers", "variable"],
)
def test_coefficients_are_frozen_at_the_seam(rate, velocity, D, r) -> None:
    found = frozen_equation(problem(rate).system, U0, x)
    assert found is not None
    numbers = [float(c) for c in (found.velocity, found.diffusion, found.rate)]
    assert numbers == pytest.approx([velocity, D, r])


@pytest.mark.parametrize("velocity", [0, 2])
def test_the_layer_solves_the_frozen_equation(velocity: int) -> None:
    rate = diffusion() - 3 * u - velocity * u.diff(x)
    layer = seam_layer(problem(rate).system, U0, x)
    assert layer is not None
    jump = sp.diff(U0, x).subs(x, -1) - sp.diff(U0, x).subs(x, 1)
    w = layer + jump * ((x + 1) / 2 - (x + 1) ** 2 / 4)  # the kink itself
    gap = sp.diff(w, t) - sp.diff(w, x, 2) / 50 + 3 * w + velocity * sp.diff(w, x)
    evaluate = sp.lambdify((x, t), gap, "scipy")
    rng = np.random.default_rng(0)
    found = evaluate(rng.uniform(-1, 1, 50), rng.uniform(0.01, 0.5, 50))
    np.testing.assert_allclose(found, 0, atol=1e-11)


def test_smooth_data_need_no_layer() -> None:
    assert seam_layer(problem(diffusion()).system, sp.cos(sp.pi * x), x) is None


@pytest.mark.parametrize("rate", [-u.diff(x, 3), -diffusion()], ids=["third order", "backward"])
def test_other_equations_keep_their_initial_condition_soft(rate) -> None:
    compiled = compile_problem(problem(rate), hard=True)
    assert compiled.hard[0] is None or "initial u" not in compiled.exact


def test_an_insisted_hard_form_that_no_layer_makes_periodic_says_why() -> None:
    found = pl.Problem(
        "backward",
        pl.Interval(x, -1, 1) * pl.TimeInterval(t, 0, 1),
        [sp.Eq(u.diff(t), -diffusion())],
        [pl.Initial(sp.Eq(u, U0), hard=True), pl.Periodic(u, x, hard=True)],
    )
    with pytest.raises(pl.ProblemError, match="derivative of order 1 of the data is not periodic"):
        compile_problem(found)


def test_the_start_may_be_any_time() -> None:
    start = sp.Rational(1, 10)
    found = pl.Problem(
        "late",
        pl.Interval(x, -1, 1) * pl.TimeInterval(t, start, 1),
        [sp.Eq(u.diff(t), diffusion())],
        [pl.Initial(sp.Eq(u, U0)), pl.Periodic(u, x)],
    )
    (values,) = jet(found, np.array([[-1.0, 0.1], [0.5, 0.1]]), (0, 0))
    np.testing.assert_allclose(values, [-1.0, 0.0], atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_derivatives_are_finite_at_the_start(dtype: torch.dtype) -> None:
    form = compile_problem(problem(diffusion()), hard=True).hard[0]
    assert form is not None
    points = torch.tensor([[-1.0, 0.0], [0.3, 0.0], [1.0, 0.0]], dtype=dtype)
    found = form.lift_jet(points, ((0, 0), (0, 1), (2, 0)))
    assert found.dtype is dtype
    assert torch.isfinite(found).all()


def test_rounding_is_no_jump() -> None:
    assert seam_layer(problem(diffusion()).system, sp.exp(-50 * x**2), x) is None


def test_intervals_of_any_place_and_length() -> None:
    u0 = (x - 2) * (5 - x)
    found = problem(diffusion(), u0, 2, 5)
    ends = np.array([[2.0, 0.1], [5.0, 0.1]])
    _, slopes = jet(found, ends, (0, 0), (1, 0))
    assert slopes[0].item() == pytest.approx(slopes[1].item(), abs=1e-12)


def test_a_kinked_heat_problem_is_solved_to_many_digits() -> None:
    found = problem(diffusion(), x**2)
    solution = pl.solve(found, "lsr", hidden=(20, 20), hard=True)
    kink = sp.Rational(1, 3) + sum(
        4
        * (-1) ** k
        / (sp.pi * k) ** 2
        * sp.cos(k * sp.pi * x)
        * sp.exp(-((k * sp.pi) ** 2) * t / 50)
        for k in range(1, 60)
    )
    evaluate = sp.lambdify((x, t), kink, "numpy")
    X, T = np.meshgrid(np.linspace(-1, 1, 41), np.linspace(0.05, 0.5, 11))
    error = np.abs(solution.predict(x=X, t=T) - evaluate(X, T)).max()
    assert error < 1e-7
