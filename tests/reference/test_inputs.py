"""References that wait for an input function, against exact solutions and their equations."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from pdelsr.errors import ProblemError
from pdelsr.reference import (
    OfInputs,
    advection,
    antiderivative,
    diffusion_reaction,
    periodic_burgers,
)
from pdelsr.reference.reacting import DirichletModes
from pdelsr.sample import GaussianProcess, PeriodicField, tabulated

RNG = np.random.default_rng(0)
POINTS = RNG.random((300, 2))
CORNERS = np.column_stack([10.0 ** RNG.uniform(-6, 0, 300), 10.0 ** RNG.uniform(-9, 0, 300)])
INNER = 0.2 + 0.6 * POINTS


def shifted(values: np.ndarray) -> np.ndarray:
    return values - values.min() + 1


def wave(x: np.ndarray) -> np.ndarray:
    return np.sin(3 * x)


def one(x: np.ndarray) -> np.ndarray:
    return np.ones_like(x)


@pytest.fixture(scope="module")
def reaction():
    return diffusion_reaction(GaussianProcess().sample(1)[0])


@pytest.fixture(scope="module")
def burgers():
    return periodic_burgers(PeriodicField(625, 5, 4).sample(1)[0], x=(0, 1))


def test_binding_makes_the_reference_for_the_functions():
    bound = OfInputs(antiderivative).bind({"a": np.cos})
    np.testing.assert_allclose(bound(POINTS[:, :1]), np.sin(POINTS[:, 0]), atol=1e-14)


@pytest.mark.parametrize(
    ("a", "integral"),
    [
        (np.cos, np.sin),
        (lambda x: np.cos(200 * x), lambda x: np.sin(200 * x) / 200),
        (lambda x: abs(x - 0.3), lambda x: (abs(x - 0.3) * (x - 0.3) + 0.09) / 2),
        (lambda x: np.where(x < 0.3, 1.0, 2.0), lambda x: x + np.maximum(x - 0.3, 0)),
    ],
    ids=["smooth", "many waves", "kink", "jump"],
)
def test_known_integrals(a, integral):
    x = np.r_[0, 1, POINTS[:, 0]]
    np.testing.assert_allclose(antiderivative(a)(x[:, None]), integral(x), atol=2e-14)


def test_the_derivative_of_the_integral_is_the_function(derivative):
    a = GaussianProcess().sample(1)[0]
    found = derivative(antiderivative(a), INNER[:, :1], 0, 1, 1e-2)
    np.testing.assert_allclose(found, a(INNER[:, 0]), atol=1e-10)


def test_integrals_of_piecewise_linear_functions_are_exact():
    a = GaussianProcess(nodes=512).sample(1)[0]
    trapezoids = np.diff(a.nodes) * (a.values[1:] + a.values[:-1]) / 2
    found = antiderivative(a)(a.nodes[:, None])
    np.testing.assert_allclose(found, np.r_[0, np.cumsum(trapezoids)], atol=1e-14)


def test_integrals_of_splines_are_exact():
    a = tabulated(np.linspace(0, 1, 50), RNG.standard_normal(50))
    exact = a.spline.antiderivative()
    np.testing.assert_allclose(antiderivative(a)(POINTS[:, :1]), exact(POINTS[:, 0]), atol=1e-13)


def test_a_constant_velocity_moves_the_wave():
    x, t = POINTS.T
    # initial(-y) = inflow(y / 2), so that the solution is one wave
    found = advection(lambda x: 2 * one(x), wave, lambda t: wave(-2 * t))(POINTS)
    np.testing.assert_allclose(found, wave(x - 2 * t), atol=1e-14)


@pytest.mark.parametrize("slope", [-0.9, 3.0])
def test_a_linear_velocity(slope):
    x, t = POINTS.T
    later = t - np.log1p(slope * x) / slope
    start = np.expm1(-slope * later) / slope
    expected = np.where(later > 0, np.cos(later), wave(start))
    found = advection(lambda x: 1 + slope * x, wave, np.cos)(POINTS)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_piecewise_linear_velocities_have_travel_times_in_logarithms():
    a = GaussianProcess(nodes=512, transform=shifted).sample(1)[0]
    steps = np.diff(a.nodes) * np.diff(np.log(a.values)) / np.diff(a.values)
    reference = advection(a, wave, np.cos)
    found = reference.travel(a.nodes)
    np.testing.assert_allclose(found, np.r_[0, np.cumsum(steps)], atol=1e-12)
    np.testing.assert_allclose(reference.place(found), a.nodes, atol=1e-13)


def test_advection_satisfies_its_equation(derivative):
    a = GaussianProcess(transform=shifted).sample(1)[0]
    reference = advection(a, wave, lambda t: np.sin(-t))
    later = INNER[:, 1] - reference.travel(INNER[:, 0])
    points = INNER[abs(later) > 0.05]
    s_x, s_t = (derivative(reference, points, axis, 1, 5e-3) for axis in (0, 1))
    assert abs(s_t + a(points[:, 0]) * s_x).max() < 1e-7


def test_dirichlet_modes_are_sines():
    modes = DirichletModes(64)
    k = np.arange(1, 13)
    found = np.sort(modes.decomposition[0])[:12]
    np.testing.assert_allclose(found, (np.pi * k) ** 2, rtol=1e-10)
    x = POINTS[:, 0]
    sines = np.sqrt(2) * np.sin(np.pi * np.outer(x, k))
    np.testing.assert_allclose(abs(modes(x)[:, ::-1][:, :12]), abs(sines), atol=1e-10)


def test_diffusion_of_a_constant_source_is_a_sine_series():
    x, t = POINTS.T
    k = np.pi * np.arange(1, 400, 2)
    decay = np.exp(-0.1 * np.outer(t, k**2)) * np.sin(np.outer(x, k))
    expected = x * (1 - x) / 0.2 - decay @ (4 / (0.1 * k**3))
    at = t > 0.01
    found = diffusion_reaction(one, 0.1, 0)(POINTS)
    np.testing.assert_allclose(found[at], expected[at], atol=1e-11)


def test_diffusion_reaction_satisfies_its_equation(derivative, reaction):
    s, x = reaction(INNER), INNER[:, 0]
    s_t = derivative(reaction, INNER, 1, 1, 1e-2)
    s_xx = derivative(reaction, INNER, 0, 2, 1e-2)
    assert abs(s_t - 0.01 * s_xx - 0.01 * s**2 - reaction.a(x)).max() < 1e-7


def test_diffusion_reaction_vanishes_where_it_should(reaction):
    t = np.linspace(0, 1, 50)
    for x, time in ((0 * t, t), (0 * t + 1, t), (t, 0 * t)):
        assert abs(reaction(np.column_stack([x, time]))).max() < 1e-12


@pytest.mark.parametrize("nodes", [None, 512], ids=["smooth", "linear"])
def test_diffusion_reaction_is_resolved_up_to_the_corners(nodes):
    reference = diffusion_reaction(GaussianProcess(nodes=nodes).sample(1)[0])
    points = np.concatenate([POINTS, CORNERS, [1, 0] + [-1, 1] * CORNERS])
    expected = reference.doubled()(points)
    assert abs(reference(points) - expected).max() < 1e-9 * abs(expected).max()


def test_burgers_starts_from_its_input_and_repeats(burgers):
    x = POINTS[:, 0]
    (a,) = burgers.start
    np.testing.assert_allclose(burgers(np.column_stack([x, 0 * x])), a(x), atol=1e-13)
    np.testing.assert_allclose(burgers(POINTS + np.array([3, 0])), burgers(POINTS), atol=1e-13)


def test_burgers_satisfies_its_equation(derivative, burgers):
    u = burgers(INNER)
    u_x, u_xx = (derivative(burgers, INNER, 0, order, 5e-3) for order in (1, 2))
    u_t = derivative(burgers, INNER, 1, 1, 5e-3)
    assert abs(u_t + u * u_x - 0.01 * u_xx).max() < 1e-6


def test_burgers_is_resolved(burgers):
    points = np.concatenate([POINTS, CORNERS])
    assert abs(burgers(points) - burgers.doubled()(points)).max() < 1e-9


def test_burgers_on_another_period():
    # u(x, t) = 2 v(x / 2, t) turns ν into ν / 4
    a = PeriodicField(625, 5, 4).sample(1)[0]
    wide = periodic_burgers(lambda x: 2 * a(x / 2), 0.04, x=(-1, 1))(POINTS)
    narrow = periodic_burgers(a, 0.01)(POINTS * [0.5, 1])
    np.testing.assert_allclose(wide, 2 * narrow, atol=1e-9)


def test_references_travel_between_processes(reaction, burgers):
    advected = advection(GaussianProcess(transform=shifted).sample(1)[0], wave, np.cos)
    for reference in (reaction, burgers, advected):
        again = pickle.loads(pickle.dumps(reference))
        np.testing.assert_array_equal(again(POINTS), reference(POINTS))


REFUSED = {
    "unbound": (lambda: OfInputs(antiderivative)(POINTS), "antiderivative is evaluated after bind"),
    "names": (
        lambda: OfInputs(antiderivative).bind({"b": one}),
        "cannot be made from the inputs b",
    ),
    "no function": (lambda: antiderivative(3), "antiderivative: a = 3; expected a function"),
    "no inflow": (lambda: advection(one, one, 0), "advection: inflow = 0; expected a function"),
    "noise": (
        lambda: antiderivative(lambda x: RNG.random(x.shape))(POINTS[:, :1]),
        "4096 pieces do not resolve the input function",
    ),
    "nan": (
        lambda: antiderivative(lambda x: one(x) * np.nan)(POINTS[:, :1]),
        "values that are not finite",
    ),
    "backwards": (
        lambda: advection(lambda x: x - 0.5, one, one)(POINTS),
        r"velocity is a\(0\) = -0.5; expected a > 0",
    ),
    "diffusion": (lambda: diffusion_reaction(one, 0), "diffusion = 0: expected a positive"),
    "reaction": (lambda: diffusion_reaction(one, reaction=np.nan), "reaction = nan"),
    "time": (lambda: diffusion_reaction(one, time=-1), "time = -1: expected a positive"),
    "degree": (lambda: diffusion_reaction(one, degree=3), "degree = 3: expected a whole number"),
    "late": (lambda: diffusion_reaction(one)(POINTS + np.array([0, 2])), "known for 0 <= t <= 1"),
    "blow-up": (lambda: diffusion_reaction(one, reaction=50)(POINTS), "or it blows up"),
    "thin layers": (lambda: diffusion_reaction(wave, 1e-6)(POINTS), "Try degree=128, steps=400"),
    "nu": (lambda: periodic_burgers(one, 0), "periodic_burgers: nu = 0"),
    "period": (lambda: periodic_burgers(one, x=(1, 1)), "expected low < high"),
    "not periodic": (
        lambda: periodic_burgers(wave, steps=20)(POINTS),
        "smooth as a periodic function",
    ),
    "modes": (
        lambda: periodic_burgers(lambda x: np.sin(2 * np.pi * x), modes=6, steps=20)(POINTS),
        "periodic_burgers: modes=6 do not resolve",
    ),
    "columns": (lambda: antiderivative(one)(POINTS), r"expected \(n, 1\)"),
}


@pytest.mark.parametrize(("make", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(make, words):
    with pytest.raises(ProblemError, match=words):
        make()
