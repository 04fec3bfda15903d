"""What a long declaration costs: nothing grows faster than its length, nothing is unbounded."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy as sp
import torch

import pdelsr as pl
from pdelsr.compile import compile_problem
from pdelsr.declare.domains.polygon import Edge
from pdelsr.declare.evaluate import evaluate
from pdelsr.declare.expressions import LONGEST, expanded_length, multiplied_out
from pdelsr.declare.known_fields import KnownResidual
from pdelsr.declare.long_sums import LONG, short_text, text_of
from pdelsr.declare.sharing import is_large, shared_subexpressions
from pdelsr.declare.slopes import slope

x, y, t = pl.coordinates("x y t")
u = pl.unknown("u", x, t)
v = pl.unknown("v", x, y)
ROD = pl.Interval(x, 0, 1) * pl.TimeInterval(t, 0, 1)
ZERO = sp.Integer(0)
GENEROUS = 10  # times what it takes on a quiet machine


@pytest.fixture
def short_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever multiplies out to more terms than are worth it fails."""

    def checked(expand: Callable[..., Any]) -> Callable[..., Any]:
        def short(expression: Any, *args: Any, **options: Any) -> Any:
            if expanded_length(expression) > LONGEST:
                raise AssertionError("a long product of the user's is multiplied out")
            return expand(expression, *args, **options)

        return short

    for name in ("expand", "expand_mul"):
        monkeypatch.setattr(sp, name, checked(getattr(sp, name)))


@pytest.fixture
def no_simplification(monkeypatch: pytest.MonkeyPatch, short_sums: None) -> None:
    """Whatever of sympy has no bound on its cost fails."""

    def refuse(*args: Any, **options: Any) -> Any:
        raise AssertionError("an expression of the user's is simplified")

    for name in ("simplify", "trigsimp", "factor", "solve", "cancel", "together"):
        monkeypatch.setattr(sp, name, refuse)


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def series(terms: int) -> sp.Expr:
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=terms)
    waves = (sp.sin, sp.cos)
    return sp.Add(
        *(float(a) * waves[k % 2](2 * sp.pi * (k // 2 + 1) * x) for k, a in enumerate(numbers))
    )


def heat(initial: sp.Expr = ZERO, source: sp.Expr = ZERO) -> pl.Problem:
    gain = u.diff(x, 2) / 50 + source
    return pl.Problem(
        "heat",
        ROD,
        [sp.Eq(u.diff(t), gain, evaluate=False)],
        [pl.Initial(sp.Eq(u, initial, evaluate=False)), pl.Periodic(u, x)],
    )


def star(corners: int) -> pl.Polygon:
    angle = 2 * np.pi * np.arange(corners) / corners
    radius = 1 + 0.1 * np.cos(7 * angle)
    corner = zip(radius * np.cos(angle), radius * np.sin(angle), strict=True)
    return pl.Polygon((x, y), list(corner))


def poisson(domain: Any, **options: Any) -> pl.Problem:
    equation = sp.Eq(v.diff(x, 2) + v.diff(y, 2), -1)
    return pl.Problem("poisson", domain, [equation], [pl.Dirichlet(v, 0, **options)])


def test_every_edge_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0
    contains = Edge.contains

    def counted(self: Edge, *args: Any, **options: Any) -> Any:
        nonlocal looks
        looks += 1
        return contains(self, *args, **options)

    monkeypatch.setattr(Edge, "contains", counted)
    assert seconds(lambda: poisson(star(400))) < GENEROUS
    poisson(star(400), on=[f"edge {k}" for k in range(400)])
    with pytest.warns(pl.ConditionWarning):
        poisson(star(400), on=x > 0)
    assert looks <= 400


def test_half_covered_edges_are_named() -> None:
    square = pl.Polygon((x, y), [(0, 0), (1, 0), (1, 1), (0, 1)])
    with pytest.warns(pl.ConditionWarning, match="'edge 0', part of 'edge 2', 'edge 3':"):
        poisson(square, on=x > 0.5)
    poisson(square, on=[x > 0.5, sp.Not(x > 0.5)])


def test_a_message_names_some_of_many_parts() -> None:
    with pytest.raises(pl.ProblemError, match="'edge 19' and 380 more") as caught:
        star(400).part("boundary")
    assert len(str(caught.value)) < 500


@pytest.mark.usefixtures("no_simplification")
@pytest.mark.parametrize("extra", [sp.Integer(0), x * (1 - x)], ids=["smooth", "kink"])
def test_a_long_initial_value_is_evaluated_not_simplified(extra: sp.Expr) -> None:
    problem = heat(initial=series(38) + extra)
    assert seconds(lambda: compile_problem(problem, hard=True)) < 3 * GENEROUS
    form = compile_problem(problem, hard=True).hard[0]
    assert form is not None
    assert form.has_layer == (extra != 0)


@pytest.mark.usefixtures("no_simplification")
def test_a_thousand_terms_are_prepared() -> None:
    source = sp.Add(*(sp.sin(k * x) * sp.exp(-k * t) / k for k in range(1, 1001)))
    declared: list[pl.Problem] = []
    spent = seconds(lambda: declared.append(heat(source=source)))
    spent += seconds(lambda: compile_problem(declared[0]))
    assert spent < 3 * GENEROUS
    points = torch.tensor([[0.3, 0.2], [0.9, 0.7]], dtype=torch.float64)
    block = compile_problem(declared[0]).block("equation")
    value = block.value(points, torch.zeros(len(block.entries), 2, dtype=torch.float64))
    k = np.arange(1, 1001)
    expected = [-(np.sin(k * a) * np.exp(-k * b) / k).sum() for a, b in points.tolist()]
    np.testing.assert_allclose(value, expected, rtol=1e-12)


@pytest.mark.parametrize(
    "factor",
    [
        sp.prod([u + k for k in range(60)]),
        (1 + u + x) ** 400,
        u**2 * (1 + x + t + x * t + x**2 + t**2) ** -30,
        u**2 * (1 + x + t + x * t + x**2 + t**2) ** sp.Rational(61, 2),
    ],
    ids=["product", "power", "denominator", "root"],
)
def test_long_products_are_not_multiplied_out(factor: sp.Expr) -> None:
    problem = heat(source=factor)
    assert seconds(lambda: compile_problem(problem)) < GENEROUS
    assert not problem.is_linear


def test_powers_count_whatever_their_sign():
    assert expanded_length((1 + x + t) ** 3) == expanded_length((1 + x + t) ** -3) == 10
    assert expanded_length((1 + x + t) ** sp.Rational(-7, 2)) == 15
    assert expanded_length((1 + x) ** sp.pi) == 2


WAVES = sp.prod([v + sp.sin(k * x) for k in range(1, 13)])


@pytest.mark.usefixtures("no_simplification")
def test_a_reference_is_put_into_long_products_as_they_are() -> None:
    laplacian = v.diff(x, 2) + v.diff(y, 2)
    given = {"conditions": [pl.Dirichlet(v, 0)], "reference": sp.sin(sp.pi * x) * y * (1 - y)}

    def declared() -> object:
        square = pl.Box((x, y), (0, 0), (1, 1))
        return pl.Problem("waves", square, [sp.Eq(laplacian, WAVES)], **given)

    with pytest.warns(pl.ReferenceWarning, match="violates 'equation'"):
        spent = seconds(declared)
    assert spent < GENEROUS


@pytest.mark.usefixtures("no_simplification")
def test_initial_values_are_put_into_long_products_as_they_are() -> None:
    flux = sp.prod([u + sp.sin(k * x) for k in range(1, 13)])
    ends = pl.Condition(sp.Eq(u.diff(x), flux), on=sp.Eq(x, 0))
    conditions = [pl.Initial(sp.Eq(u, x**2 - x)), ends, pl.Dirichlet(u, 0, on=sp.Eq(x, 1))]
    equation = sp.Eq(u.diff(t), u.diff(x, 2))
    with pytest.warns(pl.ConditionWarning, match="initial values violate"):
        pl.Problem("waves", ROD, [equation], conditions)


@pytest.mark.usefixtures("no_simplification")
def test_a_point_mass_in_a_long_product_is_found() -> None:
    with pytest.raises(pl.ProblemError, match="times the solution"):
        heat(source=sp.DiracDelta(x - sp.Rational(1, 2)) * WAVES.xreplace({v: u}))


def test_sizes_of_terms_are_those_of_the_sum_where_it_is_short() -> None:
    assert multiplied_out((u + x) * (u - x)) == u**2 - x**2
    assert multiplied_out(WAVES) == WAVES
    few = KnownResidual((u + 1) * (u - 1), lambda _: sp.Integer(1), (x, t)).at(np.zeros((1, 2)))
    assert few is not None
    assert few.residual == 0
    assert few.terms == 2


def test_what_cancels_in_a_short_expression_counts_as_linear() -> None:
    assert heat(source=(u + x) ** 2 - u**2).is_linear


def test_an_integral_that_takes_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(self: Any, **hints: Any) -> Any:
        while True:
            time.sleep(0.01)

    monkeypatch.setattr("pdelsr.declare.expressions.PATIENCE", 0.1)
    monkeypatch.setattr(sp.Integral, "doit", endless)
    s = sp.Symbol("s", real=True)
    with pytest.raises(pl.ProblemError, match="cannot be evaluated point by point"):
        heat(source=sp.Integral(sp.exp(sp.sin(s * x)), (s, 0, 1)))


def test_many_pieces_have_code() -> None:
    steps = sp.Piecewise(*((k, x < sp.Rational(k, 300)) for k in range(1, 300)), (300, True))
    block = compile_problem(heat(source=steps)).block("equation")
    points = torch.tensor([[0.5001, 0.0], [0.999, 0.0]], dtype=torch.float64)
    value = block.value(points, torch.zeros(len(block.entries), 2, dtype=torch.float64))
    np.testing.assert_allclose(-value, [151, 300])


LARGE = [
    pytest.param(series(400), id="series"),
    pytest.param(sp.exp(sp.sin(series(300) / 100)) ** 2 * sp.Abs(x - 2), id="nested"),
    pytest.param(series(200) ** 2 / (3 + series(200) ** 4) + sp.Max(x, sp.cos(x)), id="shared"),
]


@pytest.mark.parametrize("expression", LARGE)
def test_large_expressions_have_the_values_and_slopes_of_small_ones(expression: sp.Expr) -> None:
    assert is_large([expression])
    points = np.linspace(0.01, 0.99, 7)[:, None]
    found = evaluate(expression, (x,), points, "it")
    plain = sp.lambdify(x, expression, "scipy")(points[:, 0])
    np.testing.assert_allclose(found, plain, rtol=1e-10, atol=1e-11)
    by_rules = sp.lambdify(x, slope(expression, x), "scipy")(points[:, 0])
    by_sympy = sp.lambdify(x, sp.diff(expression, x), "scipy")(points[:, 0])
    np.testing.assert_allclose(by_rules, by_sympy, rtol=1e-9, atol=1e-8)


def test_what_a_large_expression_shares_is_computed_once() -> None:
    whole = sp.sin(series(150)) + sp.exp(sp.sin(series(150)))
    shared, (reduced,) = shared_subexpressions([whole])
    nodes = sum(1 for e in (reduced, *(e for _, e in shared)) for _ in sp.preorder_traversal(e))
    assert nodes < 0.6 * sum(1 for _ in sp.preorder_traversal(whole))
    for symbol, expression in reversed(shared):
        reduced = reduced.xreplace({symbol: expression})
    assert reduced == whole


def test_long_sums_keep_their_terms_in_the_text() -> None:
    terms = [sp.Symbol(f"a{k}") * (-1) ** k for k in range(3 * LONG)]
    text = text_of(sp.Add(*terms))
    assert sp.sympify(text) == sp.Add(*terms)
    assert "(" not in text


def test_a_hundred_holes_are_declared() -> None:
    def plate() -> object:
        places = [(0.05 + 0.1 * i, 0.05 + 0.1 * j) for i in range(10) for j in range(10)]
        domain = pl.Box((x, y), (0, 0), (1, 1))
        for place in places:
            domain = domain - pl.Disk((x, y), place, 0.03)
        return poisson(domain)

    assert seconds(plate) < GENEROUS


def test_titles_and_messages_cut_long_expressions() -> None:
    condition = pl.Condition(sp.Eq(u.diff(x), series(400)), on="x=0")
    assert len(condition.title) < 300
    with pytest.raises(pl.ProblemError, match="contains the unknown") as caught:
        pl.Dirichlet(u, u * series(400))
    assert len(str(caught.value)) < 500


def test_huge_numbers_are_written_by_their_first_digits() -> None:
    huge = sp.Integer(10) ** 5000
    assert text_of(huge * x) == "1.0e+5000*x"
    assert text_of(x / huge) == "x/1.0e+5000"
    with pytest.raises(pl.ProblemError, match="thousands of digits, expected a finite number"):
        pl.Interval(x, 0, 10**5000)
    assert short_text(10**5000) == "a number of thousands of digits"
