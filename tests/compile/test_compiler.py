"""Which blocks a problem compiles to: names, kinds, regions, entries, columns, weights."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp
import torch
from oracle import tensor

from pdelsr.compile import AtPoints, Entry, Interior, OnParts, PeriodicPair, compile_problem
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
from pdelsr.errors import ProblemError

x, y, t = coordinates("x y t")
u = unknown("u", x, t)
w = unknown("w", x, y)
BAR = Interval(x, -1, 1) * TimeInterval(t, 0, 1)
SQUARE = Box((x, y), (0, 0), (1, 1))
LAPLACE = w.diff(x, 2) + w.diff(y, 2)
nu = sp.Rational(1, 100) / sp.pi


def burgers(**options) -> Problem:
    return Problem(
        name="burgers_1d",
        domain=BAR,
        equations=[sp.Eq(u.diff(t) + u * u.diff(x) - nu * u.diff(x, 2), 0)],
        conditions=[Initial(sp.Eq(u, -sp.sin(sp.pi * x))), Periodic(u, x)],
        **options,
    )


def block_of(condition, domain=SQUARE, equation=LAPLACE, name=None):
    conditions = [condition, Dirichlet(w, 0)]
    compiled = compile_problem(Problem("case", domain, equation, conditions))
    return compiled.blocks[1] if name is None else compiled.block(name)


def test_burgers_blocks():
    compiled = compile_problem(burgers(weights={"initial u": 10}))
    assert [b.name for b in compiled.blocks] == [
        "equation",
        "initial u",
        "periodic u",
        "periodic u_x",
    ]
    assert [b.kind for b in compiled.blocks] == ["equation", "initial", "periodic", "periodic"]
    assert [type(b.region) for b in compiled.blocks] == [
        Interior,
        OnParts,
        PeriodicPair,
        PeriodicPair,
    ]
    assert [b.weight for b in compiled.blocks] == [1, 10, 1, 1]
    assert [b.sites for b in compiled.blocks] == [1, 1, 2, 2]
    assert compiled.blocks[0].entries == tuple(
        Entry(0, i) for i in [(0, 0), (0, 1), (1, 0), (2, 0)]
    )
    assert compiled.blocks[3].entries == (Entry(0, (1, 0), 0), Entry(0, (1, 0), 1))
    assert compiled.hard == (None,)
    assert compiled.periodic == {}


def test_periodic_is_high_minus_low():
    block = compile_problem(burgers()).block("periodic u_x")
    jet = tensor(np.array([[1.0, 2.0], [5.0, 7.0]]))
    assert block.value(torch.zeros(2, 2, dtype=torch.float64), jet).tolist() == [4.0, 5.0]
    assert block.slopes.constants == (-1.0, 1.0)


@pytest.mark.parametrize(("order", "blocks"), [(1, 1), (2, 2), (3, 3), (4, 4)])
def test_periodic_blocks_follow_the_order_of_the_equation(order, blocks):
    equation = u.diff(t) + u.diff(x, order)
    problem = Problem("p", BAR, equation, [Initial(sp.Eq(u, 0)), Periodic(u, x)])
    kinds = [b.kind for b in compile_problem(problem).blocks]
    assert kinds.count("periodic") == blocks


def test_initial_data_of_second_order():
    equation = u.diff(t, 2) - u.diff(x, 2)
    conditions = [Initial(sp.Eq(u, x)), Initial(sp.Eq(u.diff(t), x**2)), Dirichlet(u, x)]
    compiled = compile_problem(Problem("wave", BAR, equation, conditions))
    assert [b.name for b in compiled.blocks][1:] == ["initial u", "initial u_t", "dirichlet u"]
    velocity = compiled.block("initial u_t")
    points = tensor(np.array([[0.5, 0.0]]))
    assert velocity.entries == (Entry(0, (0, 1)),)
    assert velocity.value(points, torch.ones(1, 1, dtype=torch.float64)).item() == 0.75


def test_neumann_on_a_disk_reads_normals():
    domain = Disk((x, y))
    problem = Problem("p", domain, LAPLACE - w, Neumann(w, x * y))
    block = compile_problem(problem).block("neumann w")
    assert block.uses_normals
    points = np.array([[0.6, 0.8, 0.6, 0.8]])
    jet = tensor(np.array([[3.0], [2.0]]))
    assert block.entries == (Entry(0, (0, 1)), Entry(0, (1, 0)))
    value = block.value(tensor(points), jet)
    assert value.item() == pytest.approx(0.6 * 2 + 0.8 * 3 - 0.48)
    assert block.coefficients(tensor(points), jet)[:, 0].tolist() == [0.8, 0.6]


def test_normal_derivative_in_time_uses_space_only():
    problem = Problem("p", BAR, u.diff(t) - u.diff(x, 2), [Initial(sp.Eq(u, 0)), Robin(u, 2, x, t)])
    block = compile_problem(problem).block("robin u")
    assert block.entries == (Entry(0, (0, 0)), Entry(0, (1, 0)))
    row = tensor(np.array([[-1.0, 0.5, -1.0, 0.0]]))  # x, t, n_x, n_t
    jet = tensor(np.array([[3.0], [4.0]]))
    assert block.value(row, jet).item() == 2 * 3 + (-1) * (-1) * 4 - 0.5


def test_condition_with_normals_and_tangents():
    slip = normal(y) * w.diff(x) - normal(x) * w.diff(y) + normal_derivative(w) ** 2 - w
    block = block_of(Condition(slip, on=x > sp.Rational(1, 2)))
    row = tensor(np.array([[1.0, 0.5, 1.0, 0.0]]))
    values = dict(zip([e.index for e in block.entries], [2.0, 3.0, 5.0], strict=True))
    jet = tensor(np.array([[values[e.index]] for e in block.entries]))
    expected = -values[(0, 1)] + values[(1, 0)] ** 2 - values[(0, 0)]
    assert block.value(row, jet).item() == expected


def test_observations_read_the_data_column():
    points, values = np.array([[0.1, 0.2], [0.3, 0.4]]), np.array([1.0, 2.0])
    block = block_of(Observations(w, points, values))
    assert isinstance(block.region, AtPoints)
    assert (block.name, block.uses_data) == ("observations w", True)
    x_ = tensor(np.column_stack([points, values]))
    jet = tensor(np.array([[5.0, 5.0]]))
    assert block.value(x_, jet).tolist() == [4.0, 3.0]


def test_observed_expression():
    block = block_of(Observations(w.diff(x), [[0.5, 0.5]], [2.0]))
    assert block.name == "observations w_x"
    assert block.entries == (Entry(0, (1, 0)),)


def test_duplicate_names_tell_the_part_and_then_count():
    conditions = [
        Dirichlet(w, 0, on="x=0"),
        Dirichlet(w, y, on="x=1"),
        Dirichlet(w, y, on="x=1"),
        Dirichlet(w, 1, on=["y=0", "y=1"]),
    ]
    compiled = compile_problem(Problem("p", SQUARE, LAPLACE, conditions))
    assert [b.name for b in compiled.blocks][1:] == [
        "dirichlet w on x=0",
        "dirichlet w on x=1",
        "dirichlet w on x=1 2",
        "dirichlet w on y=0, y=1",
    ]


def test_parameters_are_numbers_when_compiled():
    k = sp.Symbol("k", positive=True)
    problem = Problem("p", SQUARE, LAPLACE + k**2 * w, Dirichlet(w, 0), parameters={"k": 3})
    assert compile_problem(problem).blocks[0].slopes.constants[0] == 9.0
    other = problem.with_parameters(k=sp.sqrt(2))
    assert compile_problem(other).blocks[0].slopes.constants[0] == 2.0


def test_parameter_zero_drops_the_term():
    problem = Problem(
        "p", SQUARE, LAPLACE + sp.Symbol("k") * w, Dirichlet(w, 0), parameters={"k": 0}
    )
    entries = compile_problem(problem).blocks[0].entries
    assert Entry(0, (0, 0)) not in entries


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        pytest.param(lambda a, b: a * b, 0.08, id="tensor"),
        pytest.param(lambda a, b: np.sin(a.numpy()), np.sin(0.4), id="numpy"),
        pytest.param(lambda a, b: 0.1, 0.1, id="number"),
        pytest.param(lambda a, b: (a * b)[:, None], 0.08, id="column"),
    ],
)
def test_callable_coefficients(function, expected):
    k = coefficient("k", function, 2 * x, y)
    block = compile_problem(Problem("p", SQUARE, LAPLACE + k * w - k, Dirichlet(w, 0))).blocks[0]
    points = tensor(np.array([[0.2, 0.2], [0.2, 0.2]]))
    jet = tensor(np.zeros((3, 2)))
    np.testing.assert_allclose(block.coefficients(points, jet)[0].numpy(), expected, rtol=1e-15)
    np.testing.assert_allclose(block.value(points, jet).numpy(), -expected, rtol=1e-15)
    assert block.linear
    assert block.slopes.constants == (None, 1.0, 1.0)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        pytest.param(
            lambda a: a[:2], r"callable of k\(x\) returned shape \(2,\) for 3 points", id="shape"
        ),
        pytest.param(lambda a: None, r"callable of k\(x\) fails", id="none"),
        pytest.param(
            lambda a, b: a, r"callable of k\(x\) fails .*takes 1 torch tensor of", id="args"
        ),
        pytest.param(
            lambda a: 1j * a, "fails with TypeError: it returned complex values", id="complex"
        ),
        pytest.param(
            lambda a: 1j * a.numpy(), "fails with TypeError: it returned complex values", id="array"
        ),
        pytest.param(lambda a: {}["k"], r"k\(x\) fails with KeyError: 'k'; it takes", id="key"),
    ],
)
def test_wrong_callables_are_named(function, message):
    k = coefficient("k", function, x)
    block = compile_problem(Problem("p", SQUARE, LAPLACE + k * w, Dirichlet(w, 0))).blocks[0]
    with pytest.raises(ProblemError, match=message):
        block.value(torch.zeros(3, 2), torch.zeros(3, 3))


@pytest.mark.parametrize(
    ("equation", "message"),
    [
        pytest.param(LAPLACE - sp.LambertW(w), "function LambertW .* has no torch form", id="name"),
        pytest.param(LAPLACE + sp.zeta(x) * w, "function zeta .* has no torch form", id="zeta"),
        pytest.param(LAPLACE + sp.besselj(2, x) * w, "besselj .* has no torch form", id="bessel"),
        pytest.param(LAPLACE + sp.asin(2) * w, "constant .* is not a finite real", id="complex"),
        pytest.param(LAPLACE + 0**w, "equation: the constant nan is not a finite", id="slope"),
        pytest.param(LAPLACE - sp.KroneckerDelta(w, 0), "KroneckerDelta .* no torch", id="delta"),
        pytest.param(
            LAPLACE - sp.Piecewise((w, sp.Contains(x, sp.FiniteSet(1, y))), (1, True)),
            "the function Contains .* has no torch form",
            id="set",
        ),
    ],
)
def test_functions_without_torch_form_are_refused(equation, message):
    problem = Problem("p", SQUARE, equation, Dirichlet(w, 0))
    with pytest.raises(ProblemError, match=message):
        compile_problem(problem)


@pytest.mark.parametrize(
    ("equation", "value", "message"),
    [
        pytest.param(w / sp.Symbol("k") - LAPLACE, 0, "it is not finite", id="pole"),
        pytest.param(sp.Symbol("k") * LAPLACE, 0, "it contains no unknown", id="vanishes"),
    ],
)
def test_parameter_values_that_break_an_equation(equation, value, message):
    problem = Problem("p", SQUARE, equation, Dirichlet(w, 0), parameters={"k": value})
    with pytest.raises(
        ProblemError, match=f"equation: with the values of the parameters {message}"
    ):
        compile_problem(problem)


def test_symbol_names_cannot_clash_with_code():
    one, x0, torch_ = sp.symbols("one_ x0 torch", real=True)
    lam = unknown("f", one, x0, torch_)
    equation = sp.sin(lam * x0) * sp.exp(lam * x0) + one * torch_ * lam.diff(x0) * (lam * x0)
    domain = Box((one, x0, torch_), (0,) * 3, (1,) * 3)
    block = compile_problem(Problem("p", domain, equation, Dirichlet(lam, 0))).blocks[0]
    points, jet = tensor(np.array([[2.0, 3.0, 5.0]])), tensor(np.array([[0.5], [0.25]]))
    expected = np.sin(1.5) * np.exp(1.5) + 2 * 5 * 0.25 * 1.5
    assert block.value(points, jet).item() == pytest.approx(expected, rel=1e-15)
