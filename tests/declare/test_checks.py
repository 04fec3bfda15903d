"""What a problem refuses, and what it warns of, on the words that a user sees."""

from __future__ import annotations

import warnings

import pytest
import sympy as sp

from pdelsr.declare import (
    Box,
    Condition,
    Dirichlet,
    Disk,
    Initial,
    Interval,
    Neumann,
    Observations,
    Periodic,
    Problem,
    Robin,
    TimeInterval,
    coefficient,
    coordinates,
    normal,
    normal_derivative,
    unknown,
)
from pdelsr.declare.coverage import open_levels
from pdelsr.errors import ConditionWarning, ProblemError

x, y, t = coordinates("x y t")
u, v, w = unknown("u", x, t), unknown("v", x, t), unknown("w", x, y)
k = coefficient("k", abs, x)
BAR = Interval(x, -1, 1) * TimeInterval(t, 0, 1)
SQUARE = Box((x, y), (0, 0), (1, 1))
HEAT = u.diff(t) - u.diff(x, 2)
WAVE = u.diff(t, 2) - u.diff(x, 2)
LAPLACE = w.diff(x, 2) + w.diff(y, 2)
m, n = unknown("m", x), unknown("n", x)
ROD = Interval(x, 0, 1)
PENDULUM = [sp.Eq(m.diff(x), n), sp.Eq(n.diff(x), -sp.sin(m))]
START = Initial(sp.Eq(u, sp.sin(sp.pi * x)))
WALLS = Dirichlet(u, 0)


def make(equations=HEAT, conditions=(START, WALLS), domain=BAR, **options):
    return Problem("case", domain, equations, conditions, **options)


EQUATIONS = {
    "undeclared_symbol": (
        HEAT - sp.Symbol("nu") * u,
        r"equation: the symbol nu is neither a coordinate \(x, t\) nor a parameter with a value; "
        r"give it in parameters=\{'nu': ...\}",
    ),
    "same_name_other_assumptions": (
        HEAT + sp.Symbol("x"),
        "symbol x has the name of the coordinate x but other assumptions",
    ),
    "undeclared_field": (
        HEAT + sp.Function("q")(x),
        r"equation: the field q\(x\) is not declared; use pl.unknown\(\"q\"",
    ),
    "no_unknown_at_all": (sp.Eq(x, t), "x = t contains no unknown"),
    "no_unknown_in_one": (
        [HEAT, sp.Eq(x, t)],
        r"equation 2: it contains no unknown.*the unknowns are u\(x, t\)",
    ),
    "decided": (sp.Eq(0, 0), "equation: it evaluates to True"),
    "no_equation": ([], "the list is empty"),
    "derivative_by_no_coordinate": (
        sp.Derivative(u, y) + HEAT,
        r"the derivative Derivative\(u\(x, t\), y\) is by y, which is not a coordinate; "
        "the coordinates are x, t",
    ),
    "derivative_by_a_parameter": (
        sp.Derivative(u, sp.Symbol("nu")) + HEAT,
        "is by nu, which is not a coordinate",
    ),
    "fewer_unknowns": ([HEAT, u.diff(t) - u], "2 equations for 1 unknown "),
    "fewer_equations": (HEAT + v, r"1 equation for 2 unknowns \(u\(x, t\), v\(x, t\)\)"),
    "value_elsewhere": (
        HEAT + u.subs(x, 0),
        r"u\(0, t\) is the unknown at other arguments.*use a condition, such as Dirichlet",
    ),
    "only_a_value_elsewhere": (u.subs(x, 0), r"u\(0, t\) is the unknown at other arguments"),
    "slope_elsewhere": (HEAT + u.diff(x).subs(x, 0), "Subs.* is the unknown at other arguments"),
    "complex": (sp.I * u.diff(t) - u.diff(x, 2), "is complex; unknowns are real"),
    "other_coordinates": (
        [LAPLACE, HEAT],
        r"unknown w\(x, y\): y is not a coordinate of the domain, which has \(x, t\)",
    ),
    "fewer_coordinates": (
        unknown("z", x).diff(x),
        r"unknown z\(x\): it does not depend on the coordinate t",
    ),
    "normal_inside": (HEAT + normal(x), "outward normal exists on the sides .*'interior'"),
    "derivative_of_callable": (
        u.diff(t) - (k * u.diff(x)).diff(x),
        r"Derivative\(k\(x\), x\) is the derivative of a callable.*product rule",
    ),
    "callable_of_unknown": (
        HEAT + coefficient("k", abs, u),
        r"callable k\(u\(x, t\)\) is applied to an unknown",
    ),
    "fifth_order": (HEAT + u.diff(x, 5), "has order 5; orders up to 4 are supported"),
    "integral": (HEAT + sp.Integral(u, (x, 0, 1)), "cannot be evaluated point by point"),
    "derivative_of_the_unknown_at_an_angle": (
        HEAT + sp.Derivative(u.subs(x, 2 * x), x),
        "unknown at other arguments",
    ),
}


@pytest.mark.parametrize("name", EQUATIONS)
def test_equations_refused(name):
    equations, message = EQUATIONS[name]
    with pytest.raises(ProblemError, match=message):
        make(equations)


def given(*conditions):
    return lambda: make(conditions=conditions)


CONDITIONS = {
    "bare_equation": (
        given(sp.Eq(u, 0)),
        r"conditions\[0\]: expected Dirichlet.*Condition\(equation, on=...\)",
    ),
    "no_such_part": (given(START, Dirichlet(u, 0, on="left")), "no boundary part named 'left'"),
    "no_points": (
        given(START, Dirichlet(u, 0, on=sp.Eq(x, 3))),
        "no boundary point satisfies",
    ),
    "stranger": (
        given(START, Dirichlet(v, 0)),
        r"Dirichlet on v\(x, t\): v\(x, t\) is not an unknown of the problem",
    ),
    "undeclared_symbol": (
        given(START, Dirichlet(u, sp.Symbol("a"))),
        r"Dirichlet on u\(x, t\): the symbol a is neither",
    ),
    "no_unknown": (
        given(START, Condition(sp.Eq(x, 1), on="x=1")),
        "Condition x = 1: it contains no unknown",
    ),
    "normal_at_an_end_of_time": (
        given(START, Condition(normal_derivative(u), on="t=1")),
        "outward normal exists on the sides of the boundary only, and this holds on 't=1'",
    ),
    "normal_along_time": (
        given(START, Condition(normal(t) * u - 1)),
        r"normal\(t\) has no meaning; the normal has the components x",
    ),
    "slope_of_normal_derivative": (
        given(START, Condition(normal_derivative(u).diff(x))),
        "differentiates a normal derivative",
    ),
    "not_periodic_there": (given(START, Periodic(u, y)), "y is not a coordinate of the domain"),
    "no_initial_condition": (
        given(WALLS),
        r"equations are of first order in time t, and there is no initial condition for u; "
        r"add Initial\(sp.Eq\(u, value\)\)",
    ),
    "no_velocity": (
        lambda: make(WAVE),
        r"of second order in time t, and there is no initial condition for u.diff\(t\); "
        r"add Initial\(sp.Eq\(u.diff\(t\), value\)\)",
    ),
    "velocity_only": (
        lambda: make(WAVE, [Initial(sp.Eq(u.diff(t), 0)), WALLS]),
        "there is no initial condition for u; ",
    ),
    "one_of_two": (
        lambda: make([HEAT, v.diff(t) - u], [START, WALLS]),
        r"unknown v\(x, t\): .* no initial condition for v",
    ),
    "disk_is_not_periodic": (
        lambda: make(LAPLACE, [Periodic(w, x)], Disk((x, y))),
        r"Periodic on w\(x, y\) in x: .* no pair of opposite faces",
    ),
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_conditions_refused(name):
    call, message = CONDITIONS[name]
    with pytest.raises(ProblemError, match=message):
        call()


@pytest.mark.parametrize(
    ("equations", "conditions"),
    [
        pytest.param(
            HEAT, [WALLS, Condition(sp.Eq(u, 1 - x**2), on="t=0")], id="condition_at_start"
        ),
        pytest.param(HEAT, [WALLS, Condition(sp.Eq(u, 1 - x**2), on="t=1")], id="condition_at_end"),
        pytest.param(HEAT, [WALLS, Dirichlet(u, 0, on="t=0")], id="dirichlet_at_start"),
        pytest.param(HEAT, [WALLS, Periodic(u, t)], id="periodic_in_time"),
        pytest.param(
            WAVE,
            [WALLS, START, Condition(sp.Eq(u, 1 - x**2), on="t=1")],
            id="boundary_value_in_time",
        ),
        pytest.param(
            [HEAT + v, v.diff(x, 2) - u], [START, WALLS, Dirichlet(v, 0)], id="no_rate_of_v"
        ),
    ],
)
def test_time_problems_accepted(equations, conditions):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        problem = make(equations, conditions)
    assert told == []
    assert problem.domain.time is not None


def test_observations_may_stand_in_for_initial_data():
    data = Observations(u, [[0, 0.5]], [1])
    with pytest.warns(ConditionWarning, match=r"u\(x, t\) has no complete initial condition"):
        make(HEAT, [WALLS, data])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        pytest.param(lambda: make(HEAT, START), "no condition on 'x=-1', 'x=1': ", id="all"),
        pytest.param(
            lambda: make(HEAT, [START, Neumann(u, 0, on="x=1")]),
            "no condition on 'x=-1': ",
            id="one_side",
        ),
        pytest.param(
            lambda: make(LAPLACE, Dirichlet(w, 0, on=x > 0), Disk((x, y))),
            "no condition on part of 'circle': ",
            id="half_a_circle",
        ),
        pytest.param(
            lambda: make(LAPLACE, Periodic(w, x), SQUARE),
            "no condition on 'y=0', 'y=1': ",
            id="periodic_covers_two_faces",
        ),
        pytest.param(
            lambda: make(
                LAPLACE, Dirichlet(w, 0, on="x=0"), SQUARE - Disk((x, y), (0.5, 0.5), 0.2)
            ),
            "no condition on 'x=1', 'y=0', 'y=1', 'circle': ",
            id="hole",
        ),
        pytest.param(
            lambda: make(m.diff(x, 2) - 1, Dirichlet(m, 0, on="x=0"), ROD),
            "no condition on 'x=1': ",
            id="one_of_two",
        ),
        pytest.param(
            lambda: make(PENDULUM, Dirichlet(m, 0, on="x=0"), ROD),
            "no condition on 'x=1': ",
            id="one_of_two_unknowns",
        ),
        pytest.param(
            lambda: make(PENDULUM, [Dirichlet(m, 2, on="x=0"), Dirichlet(m, 2, on="x=0")], ROD),
            "no condition on 'x=1': ",
            id="the_same_twice",
        ),
    ],
)
def test_bare_boundary_is_named(call, message):
    with pytest.warns(ConditionWarning, match=message):
        call()


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda: make(), id="all_sides"),
        pytest.param(lambda: make(HEAT, [START, Periodic(u, x)]), id="periodic"),
        pytest.param(
            lambda: make(
                LAPLACE, [Dirichlet(w, 0, on=x > 0), Neumann(w, 0, on=x <= 0)], Disk((x, y))
            ),
            id="two_halves",
        ),
        pytest.param(lambda: make(u.diff(t) - x * u, START), id="no_derivative_in_space"),
        pytest.param(
            lambda: make(PENDULUM, [Dirichlet(m, 2, on="x=0"), Dirichlet(n, 0, on="x=0")], ROD),
            id="system_of_first_order",
        ),
        pytest.param(
            lambda: make(
                m.diff(x, 2) + m, [Dirichlet(m, 1, on="x=0"), Condition(m.diff(x), "x=0")], ROD
            ),
            id="second_order_from_one_end",
        ),
        pytest.param(
            lambda: make(LAPLACE, Dirichlet(w, 0), SQUARE - Disk((x, y), (0.5, 0.5), 0.2)),
            id="hole",
        ),
    ],
)
def test_no_warning_where_all_is_given(call):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        call()
    assert told == []


def test_one_warning_names_all_sides():
    with pytest.warns(ConditionWarning) as caught:
        make(HEAT, START)
    assert len(caught) == 1


def test_a_pressure_needs_one_value_and_no_condition():
    a, b, p = (unknown(name, x, y) for name in "abp")
    equations = [
        p.diff(x) - a.diff(x, 2) - a.diff(y, 2),
        p.diff(y) - b.diff(x, 2) - b.diff(y, 2),
        a.diff(x) + b.diff(y),
    ]
    walls = [Dirichlet(a, 0), Dirichlet(b, 0)]
    with pytest.warns(
        ConditionWarning, match=r"p\(x, y\) enters by its derivatives only"
    ) as caught:
        make(equations, walls, SQUARE)
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        problem = make(equations, [*walls, Observations(p, [(0.5, 0.5)], [0])], SQUARE)
    assert problem.unknowns == (a, p, b)


@pytest.mark.parametrize(
    ("equation", "conditions", "open_level"),
    [
        (LAPLACE - 1, [Neumann(w, 0)], True),
        (LAPLACE - w, [Neumann(w, 0)], False),
        (LAPLACE - 1, [Robin(w, 1, 1, 0)], False),
        (LAPLACE - 1, [Periodic(w, x), Periodic(w, y)], True),
        (LAPLACE - 1, [Neumann(w, 0), Condition(w**2 - 1, "x=0")], False),
    ],
)
def test_an_open_level_is_named(equation, conditions, open_level) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        make([equation], conditions, SQUARE)
    messages = [str(w.message) for w in caught if issubclass(w.category, ConditionWarning)]
    assert any("known up to a constant" in m for m in messages) is open_level


beam = unknown("b", x)
MOMENT = Condition(beam.diff(x, 2), "x=0")
SHEAR = Condition(beam.diff(x, 3), "x=0")
OPEN = {
    "slope": (sp.Eq(beam.diff(x, 2), 1), [Condition(beam.diff(x), "x=0")], ROD, "a constant"),
    "beam": (beam.diff(x, 4), [MOMENT, SHEAR], ROD, "a + b x"),
    "third order": (beam.diff(x, 3), [], ROD, "a + b x + c x²"),
    "round beam": (beam.diff(x, 4) - sp.sin(x), [Periodic(beam, x)], ROD, "a constant"),
    "value": (beam.diff(x, 4), [MOMENT, Dirichlet(beam, 0, on="x=1")], ROD, None),
    "plate": (LAPLACE - 1, [], SQUARE, "a + b x + c y, and perhaps more"),
    "round plate": (LAPLACE - 1, [Periodic(w, x)], SQUARE, "a + b y, and perhaps more"),
    "bent plate": (
        w.diff(x, 3) + w.diff(y, 3),
        [],
        SQUARE,
        "a polynomial of degree 2 in x, y, and perhaps more",
    ),
    "lines": (w.diff(x, 2), [], SQUARE, "a(y) + b(y) x, and perhaps more"),
    "line": (w.diff(x) - 1, [], SQUARE, "a function of y"),
}


@pytest.mark.parametrize(("equation", "conditions", "domain", "known"), OPEN.values(), ids=OPEN)
def test_what_is_open_is_said(equation, conditions, domain, known) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        problem = make([equation], conditions, domain)
    (found,) = [str(w.message) for w in caught if "enters by" in str(w.message)] or [None]
    assert open_levels(problem.system) == ({problem.unknowns[0]: known} if known else {})
    assert known is None or f"known up to {known}, and" in (found or "")


def test_as_many_values_as_are_open_are_asked_for() -> None:
    with pytest.warns(ConditionWarning, match="enters by derivatives of second order") as caught:
        make([beam.diff(x, 4)], [MOMENT, SHEAR], ROD)
    assert "2 values at different points" in str(caught[-1].message)
    assert "pl.Observations(b, points=[…, …], values=[0, 0])" in str(caught[-1].message)
    for order, asked in ((2, 3), (3, 6)):
        with pytest.warns(ConditionWarning, match=f"{asked} values at points in general position"):
            make([w.diff(x, order) + w.diff(y, order)], [], SQUARE)


def test_a_field_without_a_condition_is_named() -> None:
    p, q = unknown("p", x, y), unknown("q", x, y)
    equations = [sp.Eq(p.diff(x, 2) + p.diff(y, 2), q), sp.Eq(q.diff(x, 2) + q.diff(y, 2), 1)]
    with pytest.warns(ConditionWarning, match=r"no condition for q\(x, y\) on 'x=0', 'x=1'"):
        make(equations, [Dirichlet(p, 0)], SQUARE)


CONTRADICTIONS = {
    "twice on all sides": ([Dirichlet(w, 0), Dirichlet(w, 1)], SQUARE, "contradicts"),
    "one side": ([Dirichlet(w, x), Dirichlet(w, y, on="x=0")], SQUARE, "on 'x=0' contradicts"),
    "flux": ([Neumann(w, 0), Neumann(w, 1, on="y=1")], SQUARE, "on 'y=1' contradicts"),
    "initial": ([START, WALLS, Initial(sp.Eq(u, 0))], BAR, "on 't=0' contradicts"),
    "superfluous": ([START, WALLS, Initial(sp.Eq(u.diff(t), 0))], BAR, "are of order 1 in time"),
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_contradictions_are_refused(case: str) -> None:
    conditions, domain, message = CONTRADICTIONS[case]
    equations = HEAT if domain is BAR else LAPLACE
    with pytest.raises(ProblemError, match=message):
        make(equations, conditions, domain)


@pytest.mark.filterwarnings("error")
def test_data_that_agree_or_cannot_be_compared_are_none() -> None:
    same = [Dirichlet(w, x**2 - y**2), Dirichlet(w, (x - y) * (x + y), on="x=0")]
    make(LAPLACE, same, SQUARE)
    make(LAPLACE, [Dirichlet(w, 0), Dirichlet(w, x - 1, on="x=1")], SQUARE)
    make(LAPLACE, [Dirichlet(w, 0), Neumann(w, 1, on="x=1")], SQUARE)
    with pytest.warns(ConditionWarning, match="disagree where they meet, at x = 1, t = 0"):
        make(HEAT, [START, WALLS, Dirichlet(u, k, on="x=1")], BAR)


def test_symbols_of_the_same_name_are_told_apart_everywhere() -> None:
    other = sp.Symbol("x")
    with pytest.raises(ProblemError, match="its x and that of the domain have the same name"):
        make(domain=Interval(other, -1, 1) * TimeInterval(t, 0, 1))
    with pytest.raises(ProblemError, match="its symbol x has the name of a coordinate"):
        make(reference=sp.sin(other))
    with pytest.raises(ProblemError, match="this x has the name of the coordinate"):
        u.diff(other)
