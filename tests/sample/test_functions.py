"""Random input functions: their distribution, their values, and what is refused."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from scipy.interpolate import BarycentricInterpolator, CubicSpline

from pdelsr.declare.input_samples import ChebyshevInterpolant
from pdelsr.errors import ProblemError
from pdelsr.reference.chebyshev import chebyshev_nodes
from pdelsr.sample import (
    Drawn,
    FunctionSampler,
    GaussianProcess,
    PeriodicField,
    Tabulated,
    tabulated,
)

X = np.linspace(0, 1, 37)
ROWS = np.random.default_rng(0).standard_normal((12, 9))


def shifted(values: np.ndarray) -> np.ndarray:
    return values - values.min() + 1


def drawn_wave(rng: np.random.Generator):
    frequency = rng.normal()
    return lambda x: np.sin(frequency * x)


SAMPLERS = {
    "smooth": GaussianProcess(),
    "linear": GaussianProcess(nodes=64),
    "transformed": GaussianProcess(transform=shifted),
    "periodic": PeriodicField(625, 5, 4),
    "tabulated": Tabulated(np.linspace(0, 1, 9), ROWS),
    "drawn": Drawn(drawn_wave),
}
every_sampler = pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS.keys())


def values(sampler: FunctionSampler, n: int, seed: int = 0) -> np.ndarray:
    return np.array([a(X) for a in sampler.sample(n, seed)])


@every_sampler
def test_fewer_functions_are_the_first_of_more(sampler):
    np.testing.assert_array_equal(values(sampler, 5, seed=3), values(sampler, 10, seed=3)[:5])


@every_sampler
def test_other_seeds_give_other_functions(sampler):
    differ = (values(sampler, 5, seed=3) != values(sampler, 5, seed=4)).any()
    assert differ != isinstance(sampler, Tabulated)


@every_sampler
@pytest.mark.parametrize("shape", [(), (0,), (3, 2)], ids=str)
def test_values_have_the_shape_of_the_points(sampler, shape):
    assert np.shape(sampler.sample(1)[0](np.full(shape, 0.3))) == shape


@pytest.mark.parametrize("name", [name for name in SAMPLERS if name != "drawn"])
def test_functions_and_samplers_travel_between_processes(name):
    sampler = pickle.loads(pickle.dumps(SAMPLERS[name]))
    function = pickle.loads(pickle.dumps(sampler.sample(1)[0]))
    np.testing.assert_array_equal(function(X), SAMPLERS[name].sample(1)[0](X))


@pytest.mark.parametrize("nodes", [None, 41], ids=["smooth", "linear"])
@pytest.mark.parametrize("interval", [(0, 1), (-1.0, 2.0)], ids=str)
def test_the_process_has_the_covariance_of_the_kernel(nodes, interval):
    process = GaussianProcess(0.3, 2.5, interval, nodes)
    (x,), (smoothing,) = process.places, process.smoothing
    kernel = 2.5 * np.exp(-((x[:, None] - x) ** 2) / (2 * 0.3**2))
    np.testing.assert_allclose(smoothing @ smoothing.T, kernel, atol=1e-14)


def test_many_functions_have_that_covariance():
    found = np.cov(values(GaussianProcess(0.3, 2.5), 4000).T, bias=True)
    kernel = 2.5 * np.exp(-((X[:, None] - X) ** 2) / (2 * 0.3**2))
    assert abs(found - kernel).max() < 0.15


@pytest.mark.parametrize("length_scale", [0.05, 0.2, 3.0])
def test_chebyshev_nodes_resolve_smooth_functions(length_scale):
    for a in GaussianProcess(length_scale).sample(20):
        assert isinstance(a, ChebyshevInterpolant)
        assert abs(a.series[-4:]).max() < 1e-13


def test_the_interpolant_is_the_barycentric_one():
    nodes = chebyshev_nodes(-1, 2, 30)
    a = ChebyshevInterpolant((-1.0, 2.0), np.random.default_rng(0).standard_normal(30))
    x = np.linspace(-1, 2, 500)
    np.testing.assert_allclose(a(x), BarycentricInterpolator(nodes, a.values)(x), atol=1e-11)
    np.testing.assert_allclose(a(nodes), a.values, atol=1e-13)


def test_a_number_of_nodes_makes_functions_linear_between_them():
    a = GaussianProcess(nodes=512).sample(1)[0]
    x = np.random.default_rng(0).random(1000)
    np.testing.assert_array_equal(a(x), np.interp(x, np.linspace(0, 1, 512), a.values))


def test_a_transform_acts_on_the_values_at_the_nodes():
    plain, moved = (GaussianProcess(nodes=64, transform=f).sample(1)[0] for f in (None, shifted))
    np.testing.assert_array_equal(moved.values, shifted(plain.values))


@pytest.mark.parametrize("interval", [(0, 1), (-1, 3)], ids=str)
def test_modes_of_the_field_have_their_deviations(interval):
    field = PeriodicField(3.0, 2.0, 1.5, interval, modes=5)
    length = interval[1] - interval[0]
    k = 2 * np.pi * np.arange(1, 5) / length
    expected = np.sqrt(2 / length) * 3 * (k**2 + 4) ** -0.75
    drawn = field.sample(4000)
    for part in ("cosine", "sine"):
        coefficients = np.array([getattr(a, part) for a in drawn])
        np.testing.assert_allclose(coefficients.std(axis=0), expected, rtol=0.05)
        assert (abs(coefficients.mean(axis=0)) < 4 * expected / np.sqrt(4000)).all()


def test_a_field_is_its_series_and_periodic():
    a = PeriodicField(625, 5, 4, (-1, 1), modes=20).sample(1)[0]
    angles = np.pi * np.outer(X + 1, np.arange(1, 20))
    np.testing.assert_allclose(
        a(X), np.cos(angles) @ a.cosine + np.sin(angles) @ a.sine, atol=1e-13
    )
    np.testing.assert_allclose(a(X + 2), a(X), atol=1e-13)


def test_tables_become_splines_in_order():
    sensors = np.linspace(0, 1, 9)
    for a, row in zip(Tabulated(sensors, ROWS).sample(3), ROWS, strict=False):
        np.testing.assert_array_equal(a(X), CubicSpline(sensors, row)(X))
        np.testing.assert_array_equal(tabulated(sensors, row)(X), a(X))


def test_drawn_input_functions_stay_what_they_are():
    given = tabulated([0, 1, 2], [3, 4, 5])
    assert Drawn(lambda rng: given).sample(2) == [given, given]


REFUSED = {
    "length scale": (lambda: GaussianProcess(0), "length_scale = 0: expected a positive"),
    "variance": (lambda: GaussianProcess(variance=-1), "variance = -1: expected a positive"),
    "not finite": (lambda: GaussianProcess(np.inf), "length_scale = inf: expected a finite"),
    "interval": (lambda: GaussianProcess(interval=(1, 0)), "is empty: expected low < high"),
    "nodes": (lambda: GaussianProcess(nodes=1), "nodes = 1: expected a whole number, at least 2"),
    "transform": (lambda: GaussianProcess(transform=3), "expected None or a function"),
    "transformed": (lambda: GaussianProcess(transform=np.sum).sample(1), "transform gave an array"),
    "sigma": (lambda: PeriodicField(0, 5, 4), "PeriodicField: sigma = 0"),
    "tau": (lambda: PeriodicField(1, -5, 4), "PeriodicField: tau = -5"),
    "gamma": (lambda: PeriodicField(1, 5, np.nan), "PeriodicField: gamma = nan"),
    "modes": (lambda: PeriodicField(1, 5, 4, modes=1), "modes = 1: expected a whole number"),
    "no functions": (lambda: GaussianProcess().sample(0), "GaussianProcess: n = 0"),
    "too many": (lambda: SAMPLERS["tabulated"].sample(13), "13 functions were asked for, and 12"),
    "shapes": (lambda: Tabulated([0, 1, 2], ROWS), r"x has shape \(3,\) and values \(12, 9\)"),
    "one sensor": (lambda: Tabulated([0], [[1]]), "s >= 2"),
    "words": (lambda: Tabulated([0, 1], [["a", "b"]]), "expected arrays of numbers"),
    "order": (lambda: Tabulated([0, 2, 1], [[1, 2, 3]]), r"x\[1\] = 2 is followed by 1"),
    "holes": (lambda: tabulated([0, 1], [1, np.nan]), "contain NaN or inf"),
    "no draw": (lambda: Drawn(3), "expected a function of a generator"),
    "no function": (lambda: Drawn(lambda rng: 3).sample(1), "draw gave 3; expected a function"),
    "one value": (lambda: Drawn(lambda rng: np.sum).sample(1)[0](X), r"values of shape \(\)"),
    "outside": (lambda: GaussianProcess().sample(1)[0](X + 1), "it is known for 0 <= x <= 1"),
    "outside linear": (lambda: SAMPLERS["linear"].sample(1)[0](-X), "Give its sampler a larger"),
}


@pytest.mark.parametrize(("make", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(make, words):
    with pytest.raises(ProblemError, match=words):
        make()
