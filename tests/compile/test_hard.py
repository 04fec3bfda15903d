"""Hard forms u = g + D·N satisfy their conditions exactly, whatever N; or the error says why."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp
import torch
from oracle import numbers, tensor

from pdelsr.compile import CompiledProblem, compile_problem
from pdelsr.declare import (
    Ball,
    Box,
    Dirichlet,
    Disk,
    Initial,
    Interval,
    Periodic,
    Polygon,
    Problem,
    TimeInterval,
    coefficient,
    coordinates,
    normal,
    unknown,
)
from pdelsr.declare.domains.rectangular import Face
from pdelsr.declare.expressions import derivative, field, multi_index
from pdelsr.errors import ProblemError

x, y, z, t = coordinates("x y z t")
BAR = Interval(x, -1, 1) * TimeInterval(t, sp.Rational(1, 10), 1)
SQUARE = Box((x, y), (0, -1), (2, 1))
T0 = sp.Rational(1, 10)


def problem_on(domain, *conditions, order_in_time=1):
    u = unknown("u", *domain.coordinates)
    laplace = sum(u.diff(c, 2) for c in domain.space.coordinates)
    rate = u.diff(domain.time, order_in_time) if domain.time else 0
    given = [c(u) for c in conditions]
    return Problem("case", domain, rate - laplace, given)


def initial(value, order=0, hard=True):
    return lambda u: Initial(sp.Eq(u.diff(t, order) if order else u, value), hard=hard)


def dirichlet(value, on=None, hard=True):
    return lambda u: Dirichlet(u, value, on=on, hard=hard)


def periodic(*axes, hard=True):
    return lambda u: Periodic(u, axes[0], hard=hard)


def assert_exact(problem: Problem, compiled: CompiledProblem) -> None:
    """Every dropped statement holds for g + D·N with an arbitrary smooth N."""
    c = problem.coordinates
    network = sp.cos(sum(c) + 1) + 2
    for statement in problem.statements:
        if statement.name not in compiled.exact or statement.kind == "periodic":
            continue
        form = compiled.hard[problem.unknowns.index(field(statement.lhs))]
        index = multi_index(statement.lhs, c)
        ansatz = derivative(form.lift + form.factor * network, index, c)
        gap = ansatz - problem.system.substituted(statement.rhs)
        for part in statement.region.parts:
            unit = np.random.default_rng(0).uniform(size=(7, part.unit_dim))
            values = numbers(gap, c, part.from_unit(unit).points)
            np.testing.assert_allclose(values, 0, atol=3e-13)


CASES = {
    "initial": (BAR, [initial(sp.cos(x)), dirichlet(0, hard=False)], 1),
    "initial_and_velocity": (
        BAR,
        [initial(sp.cos(x)), initial(x**2, 1), dirichlet(0, hard=False)],
        2,
    ),
    "initial_of_a_wave_alone": (
        BAR,
        [initial(sp.cos(x)), initial(x, 1, hard=False), dirichlet(0, hard=False)],
        2,
    ),
    "initial_from_exact_solution": (
        BAR,
        [initial(sp.exp(-t) * x), dirichlet(0, hard=False)],
        1,
    ),
    "one_value_on_all_faces": (SQUARE, [dirichlet(x**2 + y)], 0),
    "zero": (SQUARE, [dirichlet(0)], 0),
    "one_face": (SQUARE, [dirichlet(y, on="x=0"), dirichlet(1, on="x=2", hard=False)], 0),
    "two_ends": (Interval(x, 0, 3), [dirichlet(2, on="x=0"), dirichlet(-1, on="x=3")], 0),
    "opposite_faces": (SQUARE, [dirichlet(y, on="x=0"), dirichlet(y**2, on="x=2")], 0),
    "four_faces": (
        SQUARE,
        [
            dirichlet(0, on="x=0"),
            dirichlet(2 * y, on="x=2"),
            dirichlet(-x, on="y=-1"),
            dirichlet(x, on="y=1"),
        ],
        0,
    ),
    "predicate_of_a_whole_face": (SQUARE, [dirichlet(y, on=sp.Eq(x, 0))], 0),
    "disk": (Disk((x, y), (1, 2), 3), [dirichlet(x * y)], 0),
    "ball": (Ball((x, y, z)), [dirichlet(z)], 0),
    "sides_and_initial": (
        BAR,
        [initial(sp.sin(sp.pi * x) + x), dirichlet(x * t / T0)],
        1,
    ),
    "sides_initial_and_velocity": (
        BAR,
        [initial(sp.sin(sp.pi * x)), initial(1 - x**2, 1), dirichlet(0)],
        2,
    ),
    "two_sides_and_initial": (
        BAR,
        [initial(x**3), dirichlet(-1, on="x=-1"), dirichlet(1, on="x=1")],
        1,
    ),
    "disk_in_time": (
        Disk((x, y)) * TimeInterval(t, T0, 1),
        [initial(1 - x**2 - y**2), dirichlet(0)],
        1,
    ),
}


@pytest.mark.filterwarnings("ignore:no condition on")
@pytest.mark.parametrize("name", CASES)
def test_hard_forms_hold_exactly(name):
    domain, conditions, order = CASES[name]
    problem = problem_on(domain, *conditions, order_in_time=order)
    compiled = compile_problem(problem)
    insisted = {s.name for s in problem.statements if s.hard}
    assert set(compiled.exact) == insisted
    assert {b.name for b in compiled.blocks} == {s.name for s in problem.statements} - insisted
    assert_exact(problem, compiled)


def test_simple_forms_stay_simple():
    domain = Interval(x, -1, 1) * TimeInterval(t, 0, 1)
    form = compile_problem(problem_on(domain, initial(x), dirichlet(0, hard=False))).hard[0]
    assert (form.lift, form.factor) == (x, t)
    wave = [initial(x**2), initial(x, 1), dirichlet(0, hard=False)]
    form = compile_problem(problem_on(domain, *wave, order_in_time=2)).hard[0]
    assert sp.expand(form.lift - (x**2 + t * x)) == 0
    assert form.factor == t**2


def test_the_factor_vanishes_nowhere_else():
    form = compile_problem(problem_on(SQUARE, dirichlet(0))).hard[0]
    inside = SQUARE.from_unit(np.random.default_rng(0).uniform(size=(50, 2)))
    assert (form.factor_jet(tensor(inside), ((0, 0),)) > 0).all()


def test_jets_of_lift_and_factor():
    conditions = [initial(sp.sin(sp.pi * x) + x), dirichlet(x * t / T0)]
    form = compile_problem(problem_on(BAR, *conditions)).hard[0]
    points = np.random.default_rng(2).uniform(0.2, 0.8, (5, 2))
    indices = ((0, 0), (1, 0), (2, 0), (0, 1), (2, 1), (4, 0))
    for jet, expression in ((form.lift_jet, form.lift), (form.factor_jet, form.factor)):
        values = jet(tensor(points), indices)
        assert values.shape == (6, 5)
        expected = [numbers(derivative(expression, i, (x, t)), (x, t), points) for i in indices]
        np.testing.assert_allclose(values.numpy(), expected, rtol=1e-12, atol=1e-12)
    assert form.lift_jet(torch.rand(3, 2), indices).dtype == torch.float32


def test_periodic_needs_no_blocks():
    u = unknown("u", x, t)
    domain = Interval(x, -1, 1) * TimeInterval(t, 0, 1)
    conditions = [Initial(sp.Eq(u, sp.sin(sp.pi * x))), Periodic(u, x, hard=True)]
    compiled = compile_problem(Problem("p", domain, u.diff(t) + u.diff(x, 3), conditions))
    assert compiled.periodic == {x: 2.0}
    assert compiled.exact == ("periodic u", "periodic u_x", "periodic u_xx")
    assert [b.name for b in compiled.blocks] == ["equation", "initial u"]


def test_policy_makes_everything_hard_that_can_be():
    conditions = [initial(sp.sin(sp.pi * x), hard=False), dirichlet(0, hard=False)]
    problem = problem_on(BAR, *conditions)
    assert compile_problem(problem).exact == ()
    compiled = compile_problem(problem, hard=True)
    assert set(compiled.exact) == {"initial u", "dirichlet u"}
    assert_exact(problem, compiled)


@pytest.mark.parametrize(
    ("conditions", "exact"),
    [
        pytest.param(
            [initial(sp.cos(x), hard=False), dirichlet(0, hard=False)],
            {"initial u"},
            id="corners_disagree",
        ),
        pytest.param(
            [initial(sp.Abs(x), hard=False), dirichlet(0, hard=False)],
            {"dirichlet u"},
            id="kinked_initial_data",
        ),
        pytest.param(
            [initial(sp.Mod(2 * x, 1), hard=False), dirichlet(0, hard=False)],
            {"dirichlet u"},
            id="remainder",
        ),
        pytest.param(
            [initial(x**2 * sp.cos(sp.pi * x), hard=False), periodic(x, hard=False)],
            {"initial u", "periodic u", "periodic u_x"},
            id="slope_not_periodic",
        ),
        pytest.param(
            [initial(x, hard=False), periodic(x, hard=False)],
            {"periodic u", "periodic u_x"},
            id="value_not_periodic",
        ),
        pytest.param(
            [initial(x, hard=True), periodic(x, hard=False)],
            {"initial u"},
            id="insisting_initial_data_win",
        ),
        pytest.param(
            [initial(sp.sin(sp.pi * x), hard=False), periodic(x, hard=False)],
            {"initial u", "periodic u", "periodic u_x"},
            id="all",
        ),
    ],
)
def test_policy_leaves_soft_what_cannot_be_hard(conditions, exact):
    compiled = compile_problem(problem_on(BAR, *conditions), hard=True)
    assert set(compiled.exact) == exact


def test_policy_on_a_polygon_leaves_all_soft():
    triangle = Polygon((x, y), [(0, 0), (1, 0), (0, 1)])
    compiled = compile_problem(problem_on(triangle, dirichlet(0, hard=False)), hard=True)
    assert compiled.exact == ()
    assert compiled.hard == (None,)


def test_components_have_their_own_forms():
    u, v = unknown("u", x, y), unknown("v", x, y)
    equations = [u.diff(x, 2) + u.diff(y, 2) + v, v.diff(x, 2) + v.diff(y, 2) - u]
    conditions = [Dirichlet(u, 0), Dirichlet(v, x, hard=True)]
    compiled = compile_problem(Problem("p", SQUARE, equations, conditions))
    assert compiled.hard[0] is None
    assert compiled.hard[1].component == 1
    assert compiled.hard[1].lift == x


LSHAPE = Box((x, y), (-1, -1), (1, 1)) - Box((x, y), (0, 0), (2, 2))


@pytest.mark.filterwarnings("ignore:no condition on")
@pytest.mark.parametrize(
    ("domain", "conditions", "message"),
    [
        pytest.param(LSHAPE, [dirichlet(0)], "no distance factor is known", id="csg"),
        pytest.param(
            SQUARE,
            [dirichlet(0, on=sp.And(sp.Eq(x, 0), y > 0))],
            "needs whole faces",
            id="half_face",
        ),
        pytest.param(
            SQUARE,
            [dirichlet(1, on="y=1"), dirichlet(0, on=["x=0", "x=2", "y=-1"])],
            "disagree where parts of the boundary meet",
            id="cavity",
        ),
        pytest.param(
            BAR,
            [initial(1), dirichlet(0)],
            "disagree where parts of the boundary meet",
            id="initial_against_side",
        ),
        pytest.param(
            SQUARE,
            [lambda u: Dirichlet(u, coefficient("g", lambda a: a, x), hard=True)],
            "its value is a Python callable",
            id="callable",
        ),
        pytest.param(BAR, [initial(sp.Abs(x)), dirichlet(1)], "is not smooth", id="kink"),
        pytest.param(
            BAR, [initial(sp.Mod(2 * x, 1)), dirichlet(1)], "is not smooth", id="remainder"
        ),
        pytest.param(BAR, [initial(sp.frac(x)), dirichlet(1)], "is not smooth", id="fraction"),
        pytest.param(BAR, [initial(sp.acot(x)), dirichlet(1)], "jumps in the domain", id="cut"),
        *(
            pytest.param(SQUARE, [dirichlet(jumping)], "jumps in the domain", id=str(jumping))
            for jumping in (
                sp.atan(sp.tan(2 * x)),
                sp.tanh(sp.tan(2 * x)),
                sp.erf(sp.cot(x - 1)),
                sp.atan(sp.sec(x)),
                1 / (1 + sp.exp(1 / (x - 1))),
            )
        ),
        pytest.param(SQUARE, [dirichlet(sp.besselj(0, x))], "has no torch form", id="bessel"),
        pytest.param(SQUARE, [dirichlet(normal(x))], "its value uses the normal", id="normal"),
        pytest.param(
            BAR,
            [initial(x), periodic(x)],
            "the data is not periodic in x",
            id="periodic_value",
        ),
    ],
)
def test_impossible_forms_say_why_and_suggest_the_soft_form(domain, conditions, message):
    problem = problem_on(domain, *conditions)
    with pytest.raises(ProblemError, match=f"a hard form is not possible: .*{message}.* soft"):
        compile_problem(problem)


def test_data_without_a_hard_form_stay_soft_where_nobody_insists():
    problem = problem_on(SQUARE, dirichlet(sp.besselj(0, x + y), hard=False))
    assert compile_problem(problem, hard=True).exact == ()


def test_velocity_alone_cannot_be_hard():
    conditions = [initial(0, hard=False), initial(x, 1), dirichlet(0, hard=False)]
    problem = problem_on(BAR, *conditions, order_in_time=2)
    with pytest.raises(ProblemError, match="u itself must be given by a hard Initial too"):
        compile_problem(problem)


def test_hard_periodicity_is_for_all_unknowns():
    u, v = unknown("u", x, y), unknown("v", x, y)
    equations = [u.diff(x, 2) + u.diff(y, 2) + v, v.diff(x, 2) + v.diff(y, 2) - u]
    soft = [Dirichlet(u, 0, on=["y=-1", "y=1"]), Dirichlet(v, 0)]
    problem = Problem("p", SQUARE, equations, [Periodic(u, x, hard=True), *soft])
    with pytest.raises(ProblemError, match=r"v\(x, y\) is not periodic in x, and all unknowns"):
        compile_problem(problem)


def test_faces_of_many_dimensions_are_looked_at_in_few_points(monkeypatch):
    looks = []
    place = Face.place

    def counted(self, unit):
        looks.append(len(unit))
        return place(self, unit)

    monkeypatch.setattr(Face, "place", counted)
    symbols = coordinates(" ".join(f"x{i}" for i in range(20)))
    cube = Box(symbols, (0,) * 20, (1,) * 20)
    compiled = compile_problem(problem_on(cube, dirichlet(1)))
    assert compiled.exact == ("dirichlet u",)
    assert max(looks) < 2000
