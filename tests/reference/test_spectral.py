"""The Fourier reference against exact solutions, itself at doubled resolution, and misuse."""

import pickle

import numpy as np
import pytest
import sympy as sp

import pdelsr as pl
import pdelsr.reference as reference
from pdelsr.errors import ProblemError

x, u = sp.symbols("x u", real=True)
pi = sp.pi


def spread(n: int = 300, low=(-1, 0), high=(1, 1)) -> np.ndarray:
    """Random points, with the corners of the rectangle."""
    corners = [[s, t] for s in (low[0], high[0]) for t in (low[1], high[1])]
    return np.vstack([np.random.default_rng(0).uniform(low, high, (n, 2)), corners])


def heat(s, t):
    return np.exp(-0.1 * np.pi**2 * t) * np.sin(np.pi * s)


def advected(s, t):
    return np.cos(np.pi * (s - 2 * t)) + 0.5


def dispersed(s, t):
    return np.sin(2 * np.pi * s + (2 * np.pi) ** 3 * 0.01 * t)


def logistic(s, t):
    return 1 / (1 + 9 * np.exp(-t)) + 0 * s


LINEAR = [
    pytest.param({2: 0.1}, {}, sp.sin(pi * x), heat, id="heat"),
    pytest.param({1: -2}, {}, sp.cos(pi * x) + 0.5, advected, id="advection"),
    pytest.param({3: -0.01}, {}, sp.sin(2 * pi * x), dispersed, id="dispersion"),
    pytest.param({1: -1}, {1: -u}, sp.cos(pi * x) + 0.5, advected, id="advection in two halves"),
    pytest.param({2: 1}, {0: u - u**2}, sp.Rational(1, 10), logistic, id="logistic"),
]


@pytest.mark.parametrize(("linear", "nonlinear", "initial", "exact"), LINEAR)
def test_exact_solutions(linear, nonlinear, initial, exact):
    solution = reference.spectral(linear, nonlinear, initial, modes=32, steps=2000, panels=8)
    points = spread()
    assert abs(solution(points) - exact(*points.T)).max() < 1e-11


def test_a_kink_of_the_initial_condition_is_exact_under_the_heat_equation():
    # x² = 1/3 + Σ 4 (-1)^k cos(πkx) / (πk)², each term decaying by itself
    solution = reference.spectral({2: 0.01}, {}, x**2, modes=16, steps=100, panels=8)
    points = np.vstack([spread(low=(-1, 0.01)), [[1, 0.01], [0.999, 0.01]]])
    k = np.arange(1, 500)
    decay = np.exp(-0.01 * np.pi**2 * np.outer(points[:, 1], k**2))
    terms = 4 * (-1.0) ** k * np.cos(np.pi * np.outer(points[:, 0], k)) / (np.pi * k) ** 2
    assert abs(solution(points) - 1 / 3 - (terms * decay).sum(axis=1)).max() < 1e-12


@pytest.mark.slow
def test_a_kink_under_reaction_agrees_with_doubled_resolution():
    # the linear reaction 3u is split between the two parts; either way is the same equation
    points = spread()
    points[:50, 0] = 1 - np.geomspace(1e-6, 0.1, 50)
    points[:50, 1] = np.geomspace(1e-6, 0.1, 50)[::-1]
    settings = {"modes": 512, "steps": 600, "panels": 8}
    one = reference.spectral({2: 1e-2, 0: 3}, {0: -3 * u**3}, x**2, **settings)
    other = reference.spectral({2: 1e-2}, {0: 3 * u - 3 * u**3}, x**2, **settings)
    assert abs(one(points) - one.doubled()(points)).max() < 1e-10
    assert abs(one(points) - other(points)).max() < 1e-10


def test_a_kink_under_reaction_satisfies_its_equation(derivative):
    solution = reference.spectral({2: 1e-2}, {0: 3 * u - 3 * u**3}, x**2, modes=512, steps=1000)
    points = spread(50, low=(0.9, 0.1), high=(1.1, 0.9))
    reaction = 3 * solution(points) - 3 * solution(points) ** 3
    diffusion = 1e-2 * derivative(solution, points, 0, 2, 5e-3)
    assert abs(derivative(solution, points, 1, 1, 5e-3) - diffusion - reaction).max() < 1e-7


def test_an_unknown_stands_for_the_field():
    t = sp.symbols("t", real=True)
    field = sp.Function("u")(x, t)
    solution = reference.spectral({2: 0.1}, {1: -(field**2) / 2}, sp.sin(pi * x))
    assert solution == reference.spectral({2: 0.1}, {1: -(u**2) / 2}, sp.sin(pi * x))


def test_is_periodic_and_starts_exactly_from_the_initial_condition():
    solution = reference.spectral({2: 0.1}, {}, sp.sin(pi * x), modes=32, steps=100, panels=4)
    points = spread(50)
    assert np.allclose(solution(points), solution(points + np.array([4, 0])), atol=1e-14)
    start = points * [1, 0]
    assert np.array_equal(solution(start), np.sin(np.pi * (-1 + (start[:, 0] + 1) % 2)))
    assert solution(np.zeros((0, 2))).shape == (0,)


def test_computes_at_the_first_call_and_only_once():
    solution = reference.spectral({2: 0.1}, {}, sp.sin(pi * x), modes=16, steps=100, panels=4)
    assert "solution" not in vars(solution)
    solution([[0.1, 0.2]])
    panels = solution.solution
    solution([[0.1, 0.3]])
    assert solution.solution is panels
    assert "solution" in vars(pickle.loads(pickle.dumps(solution)))


SINE, HALF = sp.sin(pi * x), sp.Rational(1, 2)


@pytest.mark.parametrize(
    ("arguments", "settings", "words"),
    [
        pytest.param(({2: "a"}, {}, SINE), {}, r"linear\[2\] = 'a': expected", id="factor"),
        pytest.param(({-1: 1}, {}, SINE), {}, "order of a derivative = -1", id="order"),
        pytest.param(({}, {0: u * sp.Symbol("k")}, SINE), {}, "contains k, u", id="two fields"),
        pytest.param(({}, {}, x), {}, "is -1 at x = -1 and 1 at x = 1", id="jump"),
        pytest.param(({}, {}, 1 / (x - 1)), {}, "not finite on", id="pole"),
        pytest.param(({}, {}, SINE), {"x": (1, 1)}, "is empty: expected low < high", id="empty"),
        pytest.param(({}, {}, SINE), {"t": (0, "T")}, "t = 'T': expected a real", id="no number"),
        pytest.param(({}, {}, SINE), {"t": (0, sp.oo)}, "expected a finite", id="infinite"),
        pytest.param(({}, {}, SINE), {"modes": 0}, "modes = 0: expected a whole", id="modes"),
        pytest.param(({}, {}, SINE), {"steps": True}, "steps = True: expected a whole", id="steps"),
    ],
)
def test_refuses_bad_declarations(arguments, settings, words):
    with pytest.raises(ProblemError, match=words):
        reference.spectral(*arguments, **settings)


@pytest.mark.parametrize(
    ("arguments", "settings", "words"),
    [
        pytest.param(({2: 0.01}, {1: -(u**2) / 2}, SINE), {"modes": 32}, "modes=32 do", id="modes"),
        pytest.param(({1: -1}, {}, sp.Abs(x)), {"modes": 64}, "smooth as a periodic", id="kink"),
        pytest.param(({3: 1}, {}, sp.sin(9 * x * pi)), {"panels": 1}, "panels=1 do", id="panels"),
        pytest.param(({}, {0: 9 * u - u**2}, HALF), {"steps": 9}, "steps=9 leave", id="steps"),
        pytest.param(({2: -9}, {}, SINE), {"t": (0, 99)}, "not finite|panels=8", id="ill-posed"),
    ],
)
def test_refuses_what_it_does_not_resolve(arguments, settings, words):
    settings = {"modes": 128, "steps": 400, "panels": 8} | settings
    with pytest.raises(ProblemError, match=words):
        reference.spectral(*arguments, **settings)([[0.0, 0.5]])


def test_refuses_times_outside_of_its_interval():
    solution = reference.spectral({2: 0.1}, {}, SINE, modes=16, steps=100, panels=4)
    with pytest.raises(ProblemError, match=r"point 1 has t = 1.5; .* known for 0 <= t <= 1"):
        solution([[0, 0.5], [0, 1.5]])


def test_public_names_are_reached_from_the_package():
    assert pl.reference.spectral is reference.spectral
