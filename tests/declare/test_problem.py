"""Problems as a user declares them: the example of the README, options, summary, reference."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp
import torch

from pdelsr.declare import (
    Box,
    Dirichlet,
    Initial,
    Interval,
    Periodic,
    Problem,
    TimeInterval,
    coordinates,
    unknown,
)
from pdelsr.errors import ProblemError
from pdelsr.sample import Sobol

x, t = coordinates("x t")
u, v = unknown("u", x, t), unknown("v", x, t)
nu = sp.Rational(1, 100) / sp.pi
BAR = Interval(x, -1, 1) * TimeInterval(t, 0, 1)
SQUARE = Box((x, t), (0, 0), (1, 1))
POINTS = np.array([[0.25, 0.5], [0.5, 1.0]])


def burgers(**options):
    return Problem(
        name="burgers_1d",
        domain=BAR,
        equations=[sp.Eq(u.diff(t) + u * u.diff(x) - nu * u.diff(x, 2), 0)],
        conditions=[Initial(sp.Eq(u, -sp.sin(sp.pi * x))), Periodic(u, x)],
        **options,
    )


LAPLACE = u.diff(x, 2) + u.diff(t, 2)


def poisson(equation=LAPLACE, **options):
    return Problem("poisson", SQUARE, equation, Dirichlet(u, 0), **options)


def pair(**options):
    equations = [u.diff(x, 2) + v, v.diff(t, 2) - u]
    return Problem("pair", SQUARE, equations, [Dirichlet(u, 0), Dirichlet(v, 0)], **options)


def test_the_example_of_the_readme():
    problem = burgers()
    assert problem.unknowns == (u,)
    assert problem.coordinates == (x, t)
    assert [s.name for s in problem.statements] == [
        "equation",
        "initial u",
        "periodic u",
        "periodic u_x",
    ]
    assert not problem.is_linear
    assert (problem.order(u), problem.order(u, x), problem.order(u, t)) == (2, 2, 1)


def test_summary_says_what_was_understood():
    text = str(burgers())
    for line in (
        "problem burgers_1d",
        "unknowns: u(x, t)",
        "equation: u*u_x + u_t - u_xx/(100*pi) = 0  on interior",
        "initial u: u = -sin(pi*x)  on t=0",
        "periodic u_x: u_x equal at both ends of x",
    ):
        assert line in text


def test_single_items_need_no_list():
    problem = poisson()
    assert len(problem.equations) == len(problem.conditions) == 1


def test_many_equations_are_numbered():
    assert [s.name for s in pair().statements][:2] == ["equation 1", "equation 2"]


def test_unknowns_come_in_order_of_the_equations_unless_given():
    assert pair().unknowns == (u, v)
    assert pair(unknowns=[v, u]).unknowns == (v, u)


@pytest.mark.parametrize(
    ("equation", "linear"),
    [
        pytest.param(u.diff(x, 2) + sp.sin(x) * u - t, True, id="affine"),
        pytest.param(u.diff(x, 2) + sp.Symbol("a") * u**2, False, id="quadratic"),
        pytest.param(u.diff(x, 2) + sp.Symbol("b") * u**2, True, id="coefficient_zero"),
    ],
)
def test_is_linear(equation, linear):
    assert poisson(equation, parameters={"a": 1, "b": 0}).is_linear is linear


def test_parameters_by_symbol_or_name():
    k = sp.Symbol("k", positive=True)
    equation = u.diff(x, 2) + k * u
    for parameters in ({k: 2.5}, {"k": 2.5}):
        assert float(poisson(equation, parameters=parameters).parameters["k"]) == 2.5
    problem = poisson(equation, parameters={k: 1}, reference=k * x)
    other = problem.with_parameters(k=sp.pi)
    assert other.reference_values(POINTS)[0, 0] == np.pi / 4
    assert problem.reference_values(POINTS)[0, 0] == 0.25


def test_two_values_of_one_parameter_are_refused():
    k, positive = sp.Symbol("k"), sp.Symbol("k", positive=True)
    for parameters in ({k: 1, positive: 2}, {k: 1, "k": 2}):
        with pytest.raises(ProblemError, match="k is given twice, as 1 and 2; a parameter goes by"):
            poisson(u.diff(x, 2) + k * u, parameters=parameters)
    assert poisson(u.diff(x, 2) + k * u, parameters={k: 1, "k": 1}).parameters == {"k": 1}


@pytest.mark.parametrize(
    "reference",
    [
        pytest.param(sp.exp(-t) * x, id="expression"),
        pytest.param(lambda p: np.exp(-p[:, 1]) * p[:, 0], id="points"),
        pytest.param(lambda p: (np.exp(-p[:, 1]) * p[:, 0])[:, None], id="column"),
        pytest.param(lambda x, t: np.exp(-t) * x, id="coordinates"),
        pytest.param({u: sp.exp(-t) * x}, id="mapping"),
        pytest.param({u: lambda x, t: np.exp(-t) * x}, id="mapping_of_callables"),
    ],
)
def test_reference_values(reference):
    values = poisson(reference=reference).reference_values(POINTS)
    np.testing.assert_allclose(values, np.exp(-POINTS[:, 1:]) * POINTS[:, :1], rtol=1e-15)


def test_a_reference_may_change_its_argument():
    points = POINTS.copy()
    found = poisson(reference=lambda p: (p[:, 0].copy(), p.fill(0.5))[0]).reference_values(points)
    np.testing.assert_array_equal(points, POINTS)
    np.testing.assert_array_equal(found[:, 0], POINTS[:, 0])


def test_reference_of_several_unknowns():
    for reference in ({v: 2, u: x}, (x, 2), lambda p: np.column_stack([p[:, 0], 0 * p[:, 0] + 2])):
        values = pair(reference=reference).reference_values(POINTS)
        assert values.tolist() == [[0.25, 2.0], [0.5, 2.0]]


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        pytest.param(sp.Symbol("a") * x, "reference of u.*: the symbol a is neither", id="symbol"),
        pytest.param(u.diff(x), "contains an unknown", id="unknown"),
        pytest.param({v: x}, r"v\(x, t\) is not an unknown of the problem", id="stranger"),
        pytest.param({}, r"nothing is given for u\(x, t\)", id="missing"),
        pytest.param([x, x], "2 given for 1 unknowns", id="too_many"),
        pytest.param("exact", "expected a number or sympy expression", id="text"),
    ],
)
def test_reference_refused_at_declaration(reference, message):
    with pytest.raises(ProblemError, match=message):
        poisson(reference=reference)


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        pytest.param(None, "the problem has no reference", id="none"),
        pytest.param(lambda p: {}["k"], "the function fails with KeyError", id="failing"),
        pytest.param(lambda p: 1j * p[:, 0], "returned values of type complex128", id="imaginary"),
        pytest.param(lambda a, b: "x", "returned values of type <U1; expected real", id="text"),
        pytest.param(1 / (x - sp.Rational(1, 4)), "the value at x = 0.25, t = 0.5 is", id="pole"),
        pytest.param(sp.log(x - 1), "is nan, which is not finite", id="complex"),
        pytest.param(lambda p: p, r"returned shape \(32, 2\) for 32 points; expected", id="shape"),
        pytest.param(lambda a, b: 1.0, r"returned shape \(\) for 32 points; expected", id="number"),
        pytest.param(lambda p: np.full(len(p), np.nan), "the value at x = .* is", id="nan"),
    ],
)
def test_reference_values_refused(reference, message):
    with pytest.raises(ProblemError, match=message):
        poisson(reference=reference).reference_values(POINTS)


def test_reference_values_need_points_of_the_domain():
    with pytest.raises(ProblemError, match=r"points have shape \(3, 5\); expected \(n, 2\)"):
        poisson(reference=x).reference_values(np.zeros((3, 5)))


def test_options_by_block():
    problem = burgers(points={"equation": 500}, weights={"initial u": 10}, sampler=None)
    assert problem.points == {"equation": 500}
    assert problem.weights == {"initial u": 10.0}
    assert burgers(points=np.int64(100)).points == 100


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"points": 0}, "points: expected a whole number of at least 1", id="none"),
        pytest.param(
            {"points": {"eq": 5}}, "no block 'eq'; it has 'equation', 'initial u'", id="name"
        ),
        pytest.param(
            {"points": {"equation": 2.5}}, "points of 'equation': expected a whole", id="half"
        ),
        pytest.param(
            {"weights": {"boundary": 1}}, "weights: the problem has no block", id="weights"
        ),
        pytest.param(
            {"weights": {"equation": -1}}, "expected a finite number above 0, got -1", id="negative"
        ),
        *(
            pytest.param({"weights": {"equation": w}}, "number above 0", id=f"weight {w!r:.9}")
            for w in (0, np.nan, np.inf, 10**400, "", np.ones(2), torch.ones(2))
        ),
        *(
            pytest.param({"weights": w}, "weights: expected a mapping", id=f"weights {w!r:.30}")
            for w in (3, 0, "", [], (), np.ones(2), torch.ones(2), sp.Eq(x, t))
        ),
        pytest.param({"sampler": "sobol"}, "sampler is 'sobol': give a sampler", id="text"),
        pytest.param(
            {"sampler": {"equation": Sobol}}, "sampler of 'equation' is <class", id="class"
        ),
        pytest.param(
            {"sampler": {"boundary": None}}, "sampler: the problem has no block", id="sampler"
        ),
        pytest.param({"parameters": "k"}, "parameters: expected a mapping .* got 'k'", id="text"),
        pytest.param({"parameters": {"x": 1}}, "'x' cannot be a parameter", id="coordinate"),
        pytest.param(
            {"parameters": {"a": sp.Symbol("b")}}, "expected a real number", id="symbolic"
        ),
        pytest.param({"parameters": {"a": sp.I}}, "is complex", id="complex"),
        pytest.param({"unknowns": [x]}, "expected unknowns made by pl.unknown", id="unknowns"),
        pytest.param({"unknowns": [u, v]}, r"v\(x, t\): no equation contains it", id="unused"),
    ],
)
def test_options_refused(options, message):
    with pytest.raises(ProblemError, match=message):
        burgers(**options)


@pytest.mark.parametrize(
    ("name", "domain", "message"),
    [
        pytest.param("", BAR, "expected a name", id="name"),
        pytest.param("p", 3, "expected a domain such as", id="number"),
        pytest.param(
            "p",
            TimeInterval(t, 0, 1),
            r"write Interval\(t, 0, 1\), with Dirichlet\(u, u0, on='t=0'\)",
            id="only_time",
        ),
    ],
)
def test_name_and_domain_refused(name, domain, message):
    with pytest.raises(ProblemError, match=message):
        Problem(name, domain, u.diff(t) - u.diff(x, 2), [])


@pytest.mark.parametrize("name", ["q", "self"])
def test_unknown_parameters_of_a_variant_are_refused(name):
    problem = poisson(u.diff(x) + sp.Symbol("k"), parameters={"k": 1})
    with pytest.raises(ProblemError, match=rf"with_parameters\({name}=...\): .* it has k"):
        problem.with_parameters(**{name: 1})


def test_two_unknowns_of_one_name_are_refused():
    other = unknown("u", t, x)
    with pytest.raises(ProblemError, match="name 'u' is taken"):
        Problem("p", SQUARE, [u.diff(x), other.diff(x)], [Dirichlet(u, 0)])
