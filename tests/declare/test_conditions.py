"""Conditions by themselves: the statements they make and what each refuses when it is made."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

from pdelsr.declare import (
    Box,
    Condition,
    Dirichlet,
    Initial,
    Interval,
    Neumann,
    Observations,
    Periodic,
    Robin,
    TimeInterval,
    coordinates,
    normal_derivative,
    unknown,
)
from pdelsr.declare.regions import AtPoints, OnParts, PeriodicPair
from pdelsr.errors import ProblemError

x, t = coordinates("x t")
u, v = unknown("u", x, t), unknown("v", x, t)
BAR = Interval(x, 0, 1) * TimeInterval(t, 0, 1)


def statements(condition, order=2):
    return condition.statements(BAR, lambda *_: order)


def only(condition):
    (statement,) = statements(condition)
    return statement


def parts(statement):
    assert isinstance(statement.region, OnParts)
    return [part.name for part in statement.region.parts]


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param(Dirichlet(u, sp.sin(t)), id="two_arguments"),
        pytest.param(Dirichlet(sp.Eq(u, sp.sin(t))), id="equation"),
        pytest.param(Dirichlet(sp.Eq(sp.sin(t), u)), id="swapped"),
    ],
)
def test_dirichlet(condition):
    statement = only(condition)
    assert (statement.lhs, statement.rhs) == (u, sp.sin(t))
    assert (statement.name, statement.kind) == ("dirichlet u", "dirichlet")
    assert parts(statement) == ["x=0", "x=1"]


def test_dirichlet_on_one_part_and_hard():
    statement = only(Dirichlet(u, 0, on=sp.Eq(x, 1), hard=True))
    assert parts(statement) == ["x=1"]
    assert statement.hard


def test_neumann_and_robin():
    neumann, robin = only(Neumann(u, 2)), only(Robin(u, alpha=x, beta=2, value=3, on="x=0"))
    assert neumann.residual == normal_derivative(u) - 2
    assert robin.residual == x * u + 2 * normal_derivative(u) - 3
    assert parts(robin) == ["x=0"]


def test_periodic_makes_a_statement_for_each_order():
    made = statements(Periodic((u, v), x), order=3)
    assert [s.lhs for s in made] == [w.diff(x, k) if k else w for w in (u, v) for k in range(3)]
    assert made[1].name == "periodic u_x"
    assert isinstance(made[0].region, PeriodicPair)


def test_periodic_of_an_undifferentiated_unknown_is_its_value():
    assert [s.lhs for s in statements(Periodic(u, x), order=0)] == [u]


@pytest.mark.parametrize(
    ("equation", "name"),
    [
        pytest.param(sp.Eq(u, x), "initial u", id="value"),
        pytest.param(sp.Eq(x, u), "initial u", id="swapped"),
        pytest.param(sp.Eq(u.diff(t), x), "initial u_t", id="velocity"),
    ],
)
def test_initial(equation, name):
    statement = only(Initial(equation))
    assert (statement.name, statement.rhs) == (name, x)
    assert parts(statement) == ["t=0"]


def test_condition_takes_equations_and_expressions():
    assert only(Condition(sp.Eq(u * v, 1), on="t=1")).residual == u * v - 1
    assert parts(only(Condition(u - v))) == ["x=0", "x=1"]


def test_observations():
    points, values = np.array([[0.1, 0.2], [0.3, 0.4]]), [1, 2]
    statement = only(Observations(u, points, values))
    assert isinstance(statement.region, AtPoints)
    assert statement.region.values.tolist() == [1.0, 2.0]
    assert statement.name == "observations u"
    points[:] = 9  # the declaration keeps its own copy
    assert statement.region.points[0, 0] == 0.1


def test_observations_in_one_dimension_take_a_plain_array():
    w = unknown("w", x)
    made = Observations(w, [0.1, 0.2], [1, 2]).statements(Interval(x, 0, 1), lambda *_: 2)
    assert made[0].region.points.shape == (2, 1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(
            lambda: Dirichlet(u), r"Dirichlet on u\(x, t\), value: it is missing", id="value"
        ),
        pytest.param(lambda: Dirichlet(u, np.sin), "wrap it as pl.coefficient", id="function"),
        pytest.param(
            lambda: Dirichlet(u, v), "contains the unknown v.*Use Condition", id="relation"
        ),
        pytest.param(lambda: Dirichlet(u.diff(x), 0), "expected an unknown .* Neumann", id="slope"),
        pytest.param(lambda: Dirichlet(sp.Eq(u**3, 1)), r"expected sp.Eq\(u, value\)", id="cube"),
        pytest.param(
            lambda: Dirichlet(sp.Eq(u.diff(x), 1)), "use Neumann or Condition", id="eq_slope"
        ),
        pytest.param(lambda: Dirichlet(sp.Eq(u, u)), "it evaluates to True", id="decided"),
        pytest.param(lambda: Neumann(x, 0), "Neumann.*expected an unknown", id="neumann"),
        pytest.param(lambda: Robin(u, 1, 1), "Robin on .*, value: it is missing", id="robin"),
        pytest.param(
            lambda: Robin(u, alpha=u, beta=1, value=0),
            "alpha: .*contains the unknown",
            id="nonlinear",
        ),
        pytest.param(
            lambda: Neumann(u, 0, hard=True),
            "Neumann on .*hard=True is not possible",
            id="hard_neumann",
        ),
        pytest.param(
            lambda: Robin(u, 1, 1, 0, hard=True), "hard=True is not possible", id="hard_robin"
        ),
        pytest.param(
            lambda: Condition(u, hard=True), "hard=True is not possible", id="hard_condition"
        ),
        pytest.param(lambda: Condition(sp.Eq(1, 1)), "it evaluates to True", id="condition"),
        pytest.param(lambda: Periodic(u, 2), "expected an unknown and a coordinate", id="periodic"),
        pytest.param(lambda: Periodic((), x), "expected an unknown and a coordinate", id="nothing"),
        pytest.param(lambda: Periodic(x, x), "Periodic.*expected an unknown", id="no_unknown"),
        pytest.param(lambda: Initial(u), r"expected sp.Eq\(u, value\)", id="initial"),
        pytest.param(lambda: Initial(sp.Eq(u, v)), "contains the unknown v", id="initial_relation"),
        pytest.param(lambda: Initial(sp.Eq(u**2, x)), "alone on one side", id="initial_square"),
        pytest.param(lambda: Observations(x, [[0, 0]], [1]), "expected an unknown", id="observed"),
        pytest.param(
            lambda: Observations(u, np.zeros((3, 2)), np.zeros(4)),
            r"points have shape \(3, 2\) and values \(4,\); expected \(n, d\) and \(n,\)",
            id="shapes",
        ),
        pytest.param(lambda: Observations(u, np.zeros((0, 2)), []), "same n >= 1", id="empty"),
        pytest.param(
            lambda: Observations(u, [[0, 0], [1, 1]], [0, np.nan]),
            r"values contain nan at index \(1,\)",
            id="nan",
        ),
        pytest.param(
            lambda: Observations(u, [[0, np.inf]], [0]),
            r"points contain inf at index \(0, 1\)",
            id="inf",
        ),
        pytest.param(
            lambda: Observations(u, "here", [0]), "cannot be read as an array of numbers", id="text"
        ),
    ],
)
def test_refused_when_made(make, message):
    with pytest.raises(ProblemError, match=message):
        make()


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        pytest.param(
            Dirichlet(u, 0, on="left"),
            r"Dirichlet on u\(x, t\): the domain has no boundary part named 'left'; "
            "it has 'x=0', 'x=1', 't=0', 't=1'",
            id="name",
        ),
        pytest.param(
            Neumann(u, 0, on=sp.Eq(x, 3)),
            "Neumann on .*no boundary point satisfies",
            id="predicate",
        ),
        pytest.param(
            Neumann(u, 0, on="t=0"), "'t=0' is an end of time.*use Initial", id="time_end"
        ),
        pytest.param(Robin(u, 1, 1, 0, on=["x=0", "t=1"]), "'t=1' is an end of time", id="robin"),
        pytest.param(
            Initial(sp.Eq(u.diff(x), 0)), "derivative by time t; use Condition", id="slope"
        ),
        pytest.param(
            Observations(u, [[0, 0, 0]], [1]), "points have 3 columns; expected 2", id="columns"
        ),
        pytest.param(
            Observations(u, [[0, 0.5], [2, 0]], [1, 1]),
            r"point 1, \(x, t\) = \(2.0, 0.0\), is outside",
            id="outside",
        ),
    ],
)
def test_refused_on_a_domain(condition, message):
    with pytest.raises(ProblemError, match=message):
        statements(condition)


def test_initial_needs_time():
    with pytest.raises(ProblemError, match="the domain has no time; multiply it by a TimeInterval"):
        Initial(sp.Eq(u, 0)).statements(Box((x, t), (0, 0), (1, 1)), lambda *_: 1)


def test_a_condition_may_have_a_name():
    assert only(Condition(sp.Eq(u, v), name="inlet")).name == "inlet"
    assert only(Condition(sp.Eq(u, v))).name == "condition"
    for name in ("", 3, None):
        with pytest.raises(ProblemError, match="expected a name as text"):
            Condition(sp.Eq(u, v), name=name)


def test_names_of_parts_may_have_spaces():
    assert parts(only(Dirichlet(u, 0, on="x = 0"))) == ["x=0"]
    wall = Interval(x, 0, 1, name="wall") * TimeInterval(t, 0, 1)
    for on, found in (("wall x=0", ["wall x=0"]), ("wall x = 0", ["wall x=0"]), ("wall", None)):
        (statement,) = Dirichlet(u, 0, on=on).statements(wall, lambda *_: 2)
        assert parts(statement) == (found or ["wall x=0", "wall x=1"])
