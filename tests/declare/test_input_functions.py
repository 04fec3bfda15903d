"""Input functions: parametric problems, and their instances."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import sympy as sp
import torch

import pdelsr as pl
from pdelsr.compile import compile_problem

x, t = pl.coordinates("x t")
u = pl.unknown("u", x, t)
a = pl.input_function("a", x)


def heat(**options) -> pl.Problem:
    return pl.Problem(
        name="heat",
        domain=pl.Interval(x, 0, 2) * pl.TimeInterval(t, 0, 1),
        equations=[sp.Eq(u.diff(t), u.diff(x, 2) + a)],
        conditions=[pl.Initial(sp.Eq(u, 2 * a)), pl.Dirichlet(u, 0)],
        **options,
    )


def values(problem: pl.Problem, name: str, points: torch.Tensor) -> torch.Tensor:
    """F of a block at points where every jet entry is zero."""
    block = compile_problem(problem).block(name)
    return block.value(points, torch.zeros(len(block.entries), len(points), dtype=points.dtype))


def test_a_function_stands_in_equations_and_conditions() -> None:
    points = torch.rand(20, 2, dtype=torch.float64)
    problem = heat().at(np.sin)
    wanted = torch.sin(points[:, 0])
    torch.testing.assert_close(values(problem, "equation", points), -wanted)
    torch.testing.assert_close(values(problem, "initial u", points), -2 * wanted)


def test_functions_by_name_and_by_place_agree() -> None:
    points = torch.rand(5, 2, dtype=torch.float64)
    found = [values(p, "equation", points) for p in (heat().at(a=np.cos), heat().at(np.cos))]
    torch.testing.assert_close(*found, rtol=0, atol=0)


def test_an_instance_leaves_the_parametric_problem_as_it_was() -> None:
    problem = heat()
    problem.at(np.sin)
    assert problem.missing_inputs == ("a",)
    assert problem.at(np.sin).missing_inputs == ()


def test_an_array_becomes_a_spline_over_its_coordinate() -> None:
    sensors = np.linspace(0, 2, 41)
    points = torch.rand(30, 2, dtype=torch.float64)
    found = values(heat().at(np.sin(sensors)), "equation", points)
    torch.testing.assert_close(found, -torch.sin(points[:, 0]), rtol=0, atol=1e-6)


def test_an_array_of_a_time_function_spans_the_time() -> None:
    inflow = pl.input_function("g", t)
    problem = pl.Problem(
        name="flow",
        domain=pl.Interval(x, 0, 2) * pl.TimeInterval(t, 0, 1),
        equations=[sp.Eq(u.diff(t) + u.diff(x), 0)],
        conditions=[pl.Initial(sp.Eq(u, 0)), pl.Dirichlet(u, inflow, on="x=0")],
    )
    points = torch.rand(30, 2, dtype=torch.float64)
    found = values(
        problem.at(np.cos(np.linspace(0, 1, 41))), [s.name for s in problem.statements][-1], points
    )
    torch.testing.assert_close(found, -torch.cos(points[:, 1]), rtol=0, atol=1e-6)


def test_constants_beside_a_coordinate_leave_it_the_only_one() -> None:
    problem = pl.Problem(
        name="ends",
        domain=pl.Interval(x, 0, 2) * pl.TimeInterval(t, 0, 1),
        equations=[sp.Eq(u.diff(t), u.diff(x, 2))],
        conditions=[pl.Initial(sp.Eq(u, a)), pl.Dirichlet(u, pl.input_function("a", sp.S(0)))],
    )
    assert problem.at(np.linspace(0, 2, 5) ** 2).instance["a"](np.array([1.5])) == pytest.approx(
        2.25
    )


def test_the_reference_belongs_to_an_instance() -> None:
    problem = heat(reference=pl.reference.OfInputs(lambda a: lambda points: a(points[:, 0])))
    points = np.random.default_rng(0).random((7, 2))
    with pytest.raises(pl.ProblemError, match=r"give a by problem\.at"):
        problem.reference_values(points)
    np.testing.assert_array_equal(
        problem.at(np.exp).reference_values(points)[:, 0], np.exp(points[:, 0])
    )


def test_input_functions_are_shown() -> None:
    assert "input functions: a" in str(heat())
    assert "input functions" not in str(heat().at(np.sin))


def test_a_linear_problem_stays_linear() -> None:
    assert heat().is_linear
    assert heat().at(np.sin).is_linear


def test_a_parametric_problem_cannot_be_solved() -> None:
    with pytest.raises(pl.ProblemError, match=r"heat is parametric: give a by problem\.at"):
        pl.solve(heat(), "lsr", verbose=False)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p: p.at(), "input function a is missing"),
        (lambda p: p.at(b=np.sin), "no such input function; it has a"),
        (lambda p: p.at(self=np.sin), r"at\(self=...\): .* no such input function; it has a"),
        (lambda p: p.at(np.sin, np.cos), "give the functions by name"),
        (lambda p: p.at(np.sin, a=np.cos), "give the functions by name"),
        (lambda p: p.at(3.0), "expected a function of arrays"),
        (lambda p: p.at(np.array([0.0, 1.0, np.nan, 2.0])), "finite values"),
        (lambda p: p.at(np.zeros((3, 3))), "expected a function of arrays"),
        (lambda p: p.at("sin"), "expected a function of arrays"),
    ],
)
def test_instances_that_do_not_fit(call, message: str) -> None:
    with pytest.raises(pl.ProblemError, match=message):
        call(heat())


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([pl.GaussianProcess()], "expected a mapping"),
        ({u: pl.GaussianProcess()}, "is not an input function"),
        ({a: np.sin}, "expected a sampler of functions"),
        ({"b": pl.GaussianProcess()}, "b occurs in no equation"),
    ],
)
def test_samplers_that_do_not_fit(inputs: object, message: str) -> None:
    with pytest.raises(pl.ProblemError, match=message):
        heat(inputs=inputs)


def test_an_input_function_has_arguments() -> None:
    with pytest.raises(pl.ProblemError, match="name the coordinates"):
        pl.input_function("a")


def test_transport_wants_one_side_only(recwarn: pytest.WarningsRecorder) -> None:
    def transport(*conditions: object) -> pl.Problem:
        return pl.Problem(
            name="transport",
            domain=pl.Interval(x, 0, 1) * pl.TimeInterval(t, 0, 1),
            equations=[sp.Eq(u.diff(t) + u.diff(x), 0)],
            conditions=[pl.Initial(sp.Eq(u, 0)), *conditions],
        )

    transport(pl.Dirichlet(u, 0, on="x=0"))
    assert not recwarn.list
    with pytest.warns(pl.ConditionWarning):
        transport()


def test_arrays_are_not_extrapolated() -> None:
    function = heat().at(np.zeros(5)).instance["a"]
    high = float(heat().domain.bounding_box[0][1])
    with pytest.raises(pl.ProblemError, match="was evaluated at x"):
        function(np.array([high + 0.1]))


def test_instances_given_at_once_are_functions() -> None:
    problem = heat().at(np.sin)
    again = dataclasses.replace(heat(), instance={"a": np.sin})
    assert again.missing_inputs == ()
    np.testing.assert_array_equal(again.instance["a"](1.0), problem.instance["a"](1.0))
    with pytest.raises(pl.ProblemError, match=r"by problem\.at"):
        dataclasses.replace(heat(), instance={"a": np.zeros(5)})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pl.input_function("a", "x"), "give the coordinate itself"),
        (lambda: heat(inputs={a: pl.GaussianProcess}), "expected a sampler"),
        (lambda: pl.Drawn(lambda rng: 1 / 0).sample(1, 0), "draw.* fails with ZeroDivisionError"),
        (
            lambda: (
                heat(reference=pl.reference.OfInputs(lambda a: {}["a"]))
                .at(np.sin)
                .reference_values(np.zeros((1, 2)))
            ),
            "fails with KeyError",
        ),
    ],
)
def test_mistakes_are_named(call, message: str) -> None:
    with pytest.raises(pl.ProblemError, match=message):
        call()
