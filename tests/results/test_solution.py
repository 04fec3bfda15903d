"""Predictions, derivatives and errors of a solution."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import sympy as sp
import torch
from solved import SMALL, T, X, Y, poisson_1d, solved

import pdelsr as pl
from pdelsr.resources.room import RESERVE, USED_SHARE
from pdelsr.results.error_estimate import ErrorEstimate
from pdelsr.results.evaluation import require_room_for
from pdelsr.results.points import Query, read_points


def grid(n: int = 5) -> np.ndarray:
    return np.random.default_rng(0).random((n, 2)) * [1.0, 0.1]


def test_predict_takes_points_as_numpy_or_torch() -> None:
    solution, points = solved("heat_1d"), grid()
    values = solution.predict(points)
    assert isinstance(values, np.ndarray)
    assert values.shape == (5,)
    tensor = solution.predict(torch.from_numpy(points))
    assert isinstance(tensor, torch.Tensor)
    np.testing.assert_array_equal(tensor.numpy(), values)


def test_predict_takes_coordinates_by_name_and_broadcasts() -> None:
    solution = solved("heat_1d")
    x, t = np.linspace(-1, 1, 4), np.linspace(0, 0.1, 3)
    values = solution.predict(x=x[:, None], t=t)
    assert values.shape == (4, 3)
    points = np.stack([a.ravel() for a in np.meshgrid(x, t, indexing="ij")], axis=1)
    np.testing.assert_array_equal(values.ravel(), solution.predict(points))
    assert solution.predict(x=0.5, t=torch.tensor([0.0, 0.1])).shape == (2,)
    assert np.shape(solution.predict(x=0.5, t=0.1)) == ()


def test_predict_in_batches_is_the_same() -> None:
    solution, points = solved("heat_1d"), grid(10)
    np.testing.assert_allclose(
        solution.predict(points, batch=3), solution.predict(points), rtol=1e-9
    )
    assert solution.predict(np.empty((0, 2))).shape == (0,)


def test_one_coordinate_needs_no_columns() -> None:
    solution, x = solved("poisson_1d"), np.linspace(0, 1, 7)
    np.testing.assert_array_equal(solution.predict(x), solution.predict(x[:, None]))


def test_predict_gives_several_unknowns_by_name() -> None:
    solution = solved("system_2d", points=200)
    values = solution.predict(x=0.5, y=[0.1, 0.2, 0.3])
    assert set(values) == {"u", "v"}
    np.testing.assert_allclose(values["u"], np.exp(0.5 + np.array([0.1, 0.2, 0.3])), rtol=1e-3)


BAD_POINTS = {
    "nothing": ({}, "nothing was given"),
    "both": ({"points": grid(), "x": 0.5}, "both was given"),
    "columns": ({"points": np.ones((3, 3))}, r"shape \(3, 3\); expected \(n, 2\)"),
    "missing": ({"x": 0.5}, "coordinate 't' is missing"),
    "stranger": ({"x": 0.5, "t": 0.1, "y": 1.0}, "'y' is not a coordinate"),
    "shapes": ({"x": np.ones(3), "t": np.ones(4)}, r"do not broadcast: x \(3,\), t \(4,\)"),
    "text": ({"x": "left", "t": 0.0}, "x: expected numbers"),
    "batch": ({"points": grid(), "batch": 0}, "batch is 0"),
}


@pytest.mark.parametrize("case", BAD_POINTS)
def test_predict_says_what_is_wrong_with_points(case: str) -> None:
    arguments, message = BAD_POINTS[case]
    with pytest.raises(pl.SettingsError, match=message):
        solved("heat_1d").predict(**arguments)


@pytest.mark.parametrize("name", ["u_x", "u_t", "u_xt", "u_xx", "u_xxt", "u_xxxx"])
def test_derivatives_agree_with_differences(name: str) -> None:
    solution, points, step = solved("heat_1d"), grid(), 1e-4
    lower = name[:-1].removesuffix("_")
    shift = step * np.array([name[-1] == "x", name[-1] == "t"])
    high, low = (
        solution.derivative(lower, points + shift),
        solution.derivative(lower, points - shift),
    )
    exact = solution.derivative(name, points)
    tolerance = 1e-5 * np.abs(exact).max()
    np.testing.assert_allclose((high - low) / (2 * step), exact, rtol=1e-5, atol=tolerance)


def test_derivative_of_order_zero_is_the_value() -> None:
    solution, points = solved("heat_1d"), grid()
    np.testing.assert_array_equal(solution.derivative("u", points), solution.predict(points))


def test_derivatives_by_sympy_are_those_by_name() -> None:
    solution, points = solved("system_2d"), grid()
    u, v = pl.unknown("u", X, Y), pl.unknown("v", X, Y)
    for which, name in ((u.diff(X, 2), "u_xx"), (v.diff(Y, X), "v_xy"), (v, "v")):
        np.testing.assert_array_equal(
            solution.derivative(which, points), solution.derivative(name, points)
        )


BAD_DERIVATIVES = {
    "stranger": ("w_x", "w_x is not a derivative of an unknown: expected 'u_x'"),
    "coordinate": ("u_y", "unknowns u and coordinates x, t"),
    "empty": ("u_", "is not a derivative"),
    "order": ("u_xxxxx", "has order 5: derivatives up to order 4"),
    "expression": (sp.sin(X), "is not a derivative"),
    "other field": (pl.unknown("w", X, T).diff(X), "is not a derivative"),
}


@pytest.mark.parametrize("case", BAD_DERIVATIVES)
def test_derivatives_that_do_not_exist_are_refused(case: str) -> None:
    which, message = BAD_DERIVATIVES[case]
    with pytest.raises(pl.SettingsError, match=message):
        solved("heat_1d").derivative(which, grid())


def test_names_of_several_letters() -> None:
    a, ab = pl.coordinates("x xt")
    flow_u = pl.unknown("flow_u", a, ab)
    problem = pl.Problem(
        "names",
        pl.Box((a, ab), (0, 0), (1, 1)),
        [flow_u.diff(a, 2) + flow_u.diff(ab, 2)],
        [pl.Dirichlet(flow_u, a**2 - ab**2)],
    )
    solution = pl.solve(problem, "lsr", **SMALL)
    np.testing.assert_array_equal(
        solution.derivative("flow_u_xxt", grid()),
        solution.derivative(flow_u.diff(a, ab), grid()),
    )


def test_error_is_that_of_the_predictions() -> None:
    solution = solved("poisson_1d")
    error = solution.error(n=2000, seed=3)["u"]
    x = np.linspace(0, 1, 5000)
    difference = np.abs(solution.predict(x) - np.sin(np.pi * x))
    assert error.max_error == pytest.approx(difference.max(), rel=0.1)
    relative = np.linalg.norm(difference) / np.linalg.norm(np.sin(np.pi * x))
    assert error.relative_l2 == pytest.approx(relative, rel=0.1)
    assert solution.error(seed=1) != solution.error(seed=2)
    assert solution.error(seed=1) == solution.error(seed=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 0}, "n is 0: give a whole number from 1 on"),
        ({"seed": -1}, "seed is -1: give a whole number from 0 on"),
    ],
)
def test_errors_on_points_that_cannot_be_drawn_are_refused(
    options: dict[str, int], message: str
) -> None:
    with pytest.raises(pl.SettingsError, match=message):
        solved("poisson_1d").error(**options)


def test_the_unrefined_solution_has_no_history_of_the_refined_one() -> None:
    bare = solved("poisson_1d", track_errors=True).unrefined
    assert (bare.history, bare.error_history) == ((), ())
    (axes,) = pl.plot.compare([bare]).axes
    assert axes.lines[0].get_ydata() == [bare.errors["u"].relative_l2]


def test_error_without_reference_says_so() -> None:
    with pytest.raises(pl.ProblemError, match="no reference"):
        solved("ring_2d").error()
    assert solved("ring_2d").errors == {}


def test_error_of_a_vanishing_reference_is_absolute() -> None:
    u = pl.unknown("u", X)
    problem = pl.Problem(
        "zero", pl.Interval(X, 0, 1), [u.diff(X, 2)], [pl.Dirichlet(u, 0)], reference=sp.Integer(0)
    )
    error = pl.solve(problem, "lsr", **SMALL).error(n=100)["u"]
    assert error.relative_l2 < 1e-6


def test_residuals_of_blocks_are_those_of_the_derivatives() -> None:
    solution = solved("poisson_1d")
    assert set(solution.blocks) == {"equation", "dirichlet u"}
    x = solution.training["equation"][0][:, 0]
    f = -solution.derivative("u_xx", x) - np.pi**2 * torch.sin(np.pi * x)
    assert solution.blocks["equation"].train_rms == pytest.approx(f.square().mean().sqrt().item())
    other = np.linspace(0, 1, 1000)
    f = -solution.derivative("u_xx", other) - np.pi**2 * np.sin(np.pi * other)
    rms = float(np.sqrt(np.mean(f**2)))
    assert rms / 4 < solution.blocks["equation"].heldout_rms < 4 * rms


def test_rank_report_and_sizes() -> None:
    solution = solved("poisson_1d")
    assert solution.rank == solution.parameters == solution.network.parameter_count
    assert solution.effective_rank is not None
    assert 0 < solution.effective_rank <= solution.rank
    values = solution.singular_values
    assert values is not None
    assert solution.condition == pytest.approx(values[0] / values[-1])
    assert solution.points == {"equation": 60, "dirichlet u": 2}
    assert solution.seconds > 0
    assert solution.peak_memory_bytes > 10 * 2**20


def test_fp32_solution_predicts_in_fp32() -> None:
    solution = pl.solve(poisson_1d(), "lsr", dtype="float32", **SMALL)
    assert solution.predict(np.array([0.5])).dtype == np.float32
    assert solution.predict(torch.tensor([0.5])).dtype == torch.float32


def test_repr_and_str() -> None:
    solution = solved("poisson_1d")
    assert repr(solution).startswith("<Solution of poisson_1d by lsr: ")
    assert str(solution) == solution.summary()


def test_the_estimate_is_the_mean_of_its_bounds() -> None:
    estimate = ErrorEstimate(low=1e-6, high=1e-4)
    assert estimate.value == pytest.approx(1e-5)
    assert ErrorEstimate(low=None, high=1e-4).value == 1e-4
    assert ErrorEstimate(low=1e-6, high=None).value is None


@pytest.mark.parametrize("problem", ["poisson_1d", "system_2d"])
def test_the_first_line_has_the_estimated_error(problem: str) -> None:
    solution = replace(solved(problem), estimate=ErrorEstimate(1e-10, 1e-8))
    text = solution.summary()
    assert text.splitlines()[0].endswith("estimated error 1.0e-09")
    several = ", largest of all unknowns" if problem == "system_2d" else ""
    made_of = "geometric mean of 1e-10 and 1e-08"
    assert f"1.0e-09 (relative L2{several}; {made_of})" in " ".join(text.split())


def test_doubts_take_the_place_of_the_estimate() -> None:
    estimate = ErrorEstimate(1e-10, 0.9, doubts=("the residual is too large to tell",))
    solution = replace(solved("poisson_1d"), estimate=estimate)
    assert solution.error_estimate is None
    assert not solution.estimate_is_reliable
    small = replace(solution, status=pl.Status.PRECISION_LIMITED)
    assert small.advice.endswith("right: the residual is too large to tell.")
    assert "poisson_1d by lsr: error not known" in solution.summary()
    assert "not known: the residual is too large to tell" in solution.summary()
    record = json.loads(solution.to_json())
    assert record["error_estimate"] is None
    assert record["doubts"] == ["the residual is too large to tell"]


def test_a_tolerance_is_answered_in_the_first_line() -> None:
    solution = solved("poisson_1d")
    for tolerance, words in ((1.0, "tolerance 1 met"), (1e-30, "tolerance 1e-30 not met")):
        settings = replace(solution.settings, tolerance=tolerance)
        assert words in " ".join(replace(solution, settings=settings).summary().split())


def test_predict_takes_fewer_points_at_once_where_memory_runs_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    solution, points = solved("heat_1d"), grid(50)
    expected, slopes = solution.predict(points), solution.derivative("u_x", points)
    kind, most, refused = type(solution.network), 6, []
    usual = kind.tangent_jet

    def limited(self, x, indices, direction):
        if len(x) > most:
            refused.append(len(x))
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return usual(self, x, indices, direction)

    monkeypatch.setattr(kind, "tangent_jet", limited)
    np.testing.assert_allclose(solution.predict(points), expected, rtol=1e-9)
    np.testing.assert_allclose(solution.derivative("u_x", points), slopes, rtol=1e-9)
    assert refused == [50, 25, 12] * 2
    most = 0
    with pytest.raises(pl.MemoryLimitError, match="give fewer points in a call"):
        solution.predict(points)


@pytest.fixture
def two_gib(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is free, told by the system."""
    monkeypatch.setattr("pdelsr.resources.free_memory.free_on_host", lambda: 2 * 2**30)


def untouched(solution: pl.Solution, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be allocated and nothing be evaluated."""

    def fails(*_: Any, **__: Any) -> None:
        pytest.fail("there was work before the refusal")

    monkeypatch.setattr(type(solution.network), "tangent_jet", fails)
    monkeypatch.setattr(torch.Tensor, "new_empty", fails)


BILLION = {
    "points": lambda: (np.broadcast_to(np.zeros((1, 2)), (10**9, 2)), {}),
    "a tensor": lambda: (torch.zeros(1, 2, dtype=torch.float64).expand(10**9, 2), {}),
    "columns": lambda: (None, {"x": np.zeros((10**5, 1)), "t": np.zeros((1, 10**4))}),
}


@pytest.mark.usefixtures("two_gib")
@pytest.mark.parametrize("given", BILLION)
def test_a_billion_points_are_refused_before_anything_is_allocated(
    given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    solution = solved("heat_1d")
    points, columns = BILLION[given]()
    untouched(solution, monkeypatch)
    message = r"values at 1,000,000,000 points need about 7\.5 GiB of memory, and 2\.0 GiB is free"
    with pytest.raises(pl.MemoryLimitError, match=message):
        solution.predict(points, **columns)
    with pytest.raises(pl.MemoryLimitError, match=f"{message}.*: give fewer points in a call"):
        solution.derivative("u_x", points, **columns)


def test_more_points_than_any_machine_holds_are_refused_by_what_the_system_says() -> None:
    points = np.broadcast_to(np.zeros((1, 2)), (10**14, 2))
    with pytest.raises(pl.MemoryLimitError, match="values at 100,000,000,000,000 points need"):
        solved("heat_1d").predict(points)


@pytest.mark.usefixtures("two_gib")
@pytest.mark.parametrize("unknowns", [1, 2])
def test_as_many_points_as_fit_are_not_refused(unknowns: int) -> None:
    fitting = int(USED_SHARE * 2 * 2**30 - RESERVE) // (8 * unknowns)

    def query(n: int) -> Query:
        points = np.broadcast_to(np.zeros((1, 2)), (n, 2))
        like = torch.empty(0, dtype=torch.float64)
        return read_points(points, {}, solved("heat_1d").problem.coordinates, like)

    require_room_for(query(fitting), unknowns)
    with pytest.raises(pl.MemoryLimitError, match=f"values at {fitting + 1:,} points"):
        require_room_for(query(fitting + 1), unknowns)


def test_a_small_answer_is_given_where_hardly_anything_is_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    solution = solved("heat_1d")  # before, since nothing could be solved there
    monkeypatch.setattr("pdelsr.resources.free_memory.free_on_host", lambda: 2**20)
    assert solution.predict(grid(50)).shape == (50,)


NO_NUMBERS: dict[str, tuple[Any, str]] = {
    "complex": (np.array([1j]), "x: expected real numbers, got ndarray of type complex128"),
    "dates": (np.array(["2020-01-01"], dtype="datetime64[D]"), "x: expected numbers, got ndarray"),
    "none": ([None], "x: expected numbers, got list"),
    "masked": (np.ma.array([0.1, 0.2], mask=[0, 1]), "x: some entries are masked"),
    "huge": (10**400, "x: expected numbers, got int"),
    "sparse": (torch.ones(2).to_sparse(), "x: expected numbers, got a tensor of layout"),
    "meta": (torch.ones(2, device="meta"), "x: expected numbers, got a meta tensor"),
}


@pytest.mark.parametrize("case", NO_NUMBERS)
def test_what_holds_no_numbers_is_refused(case: str) -> None:
    given, message = NO_NUMBERS[case]
    with pytest.raises(pl.SettingsError, match=message):
        solved("poisson_1d").predict(x=given)


def test_masked_arrays_and_numbers_of_sympy_are_points() -> None:
    solution = solved("poisson_1d")
    expected = solution.predict(x=[0.5])
    assert solution.predict(x=[sp.Rational(1, 2)]) == expected
    assert solution.predict(x=np.ma.array([0.5])) == expected


def test_a_name_without_end_is_no_derivative() -> None:
    with pytest.raises(pl.SettingsError, match=r"u_x{58}… is not a derivative .* order 4 at most"):
        solved("poisson_1d").derivative("u_" + "x" * 1000, x=0.5)


@pytest.mark.parametrize("use", ["save", "to_json", "plot", "export", "load"])
def test_what_is_no_path_is_refused(use: str) -> None:
    solution = solved("poisson_1d")
    called = partial(pl.load, problem=solution.problem) if use == "load" else getattr(solution, use)
    with pytest.raises(pl.SettingsError, match="path is '': give the path of a file"):
        called("")
