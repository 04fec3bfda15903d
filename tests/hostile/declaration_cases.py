"""Declarations with a wrong type, number, shape or name in every place that takes one."""

from __future__ import annotations

from collections.abc import Callable

from case import LINE, Case
from problem_texts import heat, plate, rod

K = "equations=[u.diff(x, 2) - sp.Symbol('k')]"


def wrong(
    make: Callable[..., str], what: str, how: str, before: str = "", where: str = LINE, **piece: str
) -> Case:
    """A problem with one piece exchanged."""
    name = ", ".join(f"{k}={v}" for k, v in piece.items()) or before
    return Case(f"{make.__name__} {name}", what, where, how, make(before, **piece))


def equation(given: str, what: str, how: str) -> Case:
    """A rod with another equation."""
    return wrong(rod, what, how, where=f"{LINE}equation", equations=given)


def condition(given: str, what: str, how: str, make: Callable[..., str] = rod) -> Case:
    """A problem with another condition."""
    return wrong(make, what, how, conditions=given)


def domain(given: str, what: str, how: str, make: Callable[..., str] = plate) -> Case:
    """A problem on another domain."""
    return wrong(make, what, how, domain=given)


SQUARE = "pl.Box((x, y), (0, 0), (1, 1))"
EQUATIONS = [
    equation("'u_xx = 0'", "'u_xx = 0'", "expected a number or sympy expression"),
    equation("None", "None", "expected a number or sympy expression"),
    wrong(rod, "the list is empty", "give at least one equation", equations="[]"),
    equation("[u.diff(x, 2) == 0]", "evaluates to False", r"Write sp\.Eq\(lhs, rhs\)"),
    equation("[u.diff(x, 2) > 0]", "> 0", r"expected an equation sp\.Eq"),
    equation("{u: 0}", r"\{u\(x\): 0\}", "expected a number or sympy expression"),
    equation("lambda u: u", "Python function", r"wrap it as pl\.coefficient"),
    equation("[sp.Matrix([u, u])]", "Matrix", "expected a number or sympy expression"),
    equation("[torch.zeros(3)]", "Tensor", "expected a number or sympy expression"),
    equation("[sp.sin(x)]", r"sin\(x\) = 0 contains no unknown", r"declare one by pl\.unknown"),
    equation("[u.diff(x, 2) + float('nan')]", "nan", "every number must be finite"),
    equation("[u.diff(x, 2) - 1 / sp.S(0)]", "zoo", "every number must be finite"),
    equation("[1j * u.diff(x, 2)]", "complex", "real and imaginary parts"),
    equation("[u.diff(x, 5)]", "order 5", "Introduce an unknown for a lower derivative"),
    equation("[sp.Integral(u, x)]", r"Integral\(u\(x\), x\)", "only functions of the coordinates"),
    equation("[u.diff(x, 2) - sp.Function('f')(x)]", r"field f\(x\)", r"use pl\.unknown"),
    equation("[u.diff(x, 2) - sp.Symbol('k')]", "symbol k", "give it in parameters"),
    equation("[u.diff(x, 2) - sp.Symbol('x')]", "symbol x", r"use the one symbol from"),
    equation("[u.subs(x, 0) - u.diff(x, 2)]", r"u\(0\)", "use a condition"),
    equation("[u.diff(x, 2) - pl.normal(x)]", "outward normal", "use it in a Condition"),
    wrong(rod, "derivative of u", "Declare unknown", equations="[u.diff(y)]"),
    wrong(rod, "2 equations for 1 unknown", "as many", equations="[u.diff(x, 2), u.diff(x) - 1]"),
    wrong(rod, "got 3", "expected a name", name="3"),
    wrong(rod, "got ''", "expected a name", name="''"),
    wrong(
        rod, "y is not a coordinate", r"declare pl\.unknown\(\"u\", x\)", u="pl.unknown('u', x, y)"
    ),
    wrong(rod, "got x", "with x, t = coordinates", u="pl.unknown('u', 'x')"),
    wrong(rod, "'u v'", "expected a name", u="pl.unknown('u v', x)"),
    wrong(rod, "got u", r"made by pl\.unknown", unknowns="['u']"),
    wrong(rod, "list is empty", "give the unknowns", unknowns="()"),
    wrong(rod, r"coordinates\(3\)", "expected names", "z = pl.coordinates(3)"),
    wrong(rod, r"coordinates\('a:'\)", "give names", "z = pl.coordinates('a:')"),
    wrong(rod, "'a a'", "use distinct names", "z = pl.coordinates('a a')"),
    wrong(rod, "None", "expected a number", equations=K[10:], parameters="{'k': None}"),
    wrong(rod, "nan", "must be finite", equations=K[10:], parameters="{'k': float('nan')}"),
    wrong(rod, "'abc'", "expected a number", equations=K[10:], parameters="{'k': 'abc'}"),
    wrong(rod, r"\['k'\]", "expected a mapping", equations=K[10:], parameters="['k']"),
    wrong(rod, "x cannot be a parameter", "not a coordinate", parameters="{x: 1}"),
    wrong(rod, "u is not an unknown", "it has", reference="{'u': exact}"),
    wrong(rod, "2 given for 1 unknowns", "expected a mapping", reference="[exact, exact]"),
    wrong(rod, r"'sin\(x\)'", "expected a number or sympy", reference="'sin(x)'"),
    wrong(rod, "symbol z", "give it in parameters", reference="sp.sin(sp.Symbol('z'))"),
    wrong(rod, "got -3", "whole number of at least 1", points="-3"),
    wrong(rod, "'nope'", "it has 'equation'", points="{'nope': 3}"),
    wrong(rod, "got -1", "expected a finite", weights="{'dirichlet u': -1}"),
    wrong(rod, "got 3", "expected a mapping", weights="3"),
    wrong(rod, "sampler is 3", r"such as Sobol\(\)", where="sampler", sampler="3"),
    wrong(rod, "class.*Sobol", r"such as Sobol\(\)", where="sampler", sampler="pl.Sobol"),
    wrong(
        rod, r"point 0 \(5\)", "leave such points out", where="domain", sampler="pl.Points([[5.0]])"
    ),
    wrong(rod, "got int", "expected a mapping", instance="3"),
    wrong(rod, "got int", "expected a function", "k = pl.coefficient('k', 3, x)"),
    wrong(rod, "'x'", "give the coordinate itself", "k = pl.coefficient('k', torch.sin, 'x')"),
    wrong(rod, "'k 1'", "expected a name", "k = pl.coefficient('k 1', torch.sin, x)"),
    wrong(
        rod,
        "derivative of a callable",
        "write out the product rule",
        "k = pl.coefficient('k', torch.sin, x)",
        equations="[(k * u.diff(x)).diff(x)]",
    ),
]
DOMAINS = [
    domain("(0, 1)", r"got \(0, 1\)", r"such as Interval\(x, 0, 1\)", rod),
    domain("pl.Interval", "Interval", "expected a domain", rod),
    domain("pl.Interval(x, float('nan'), 1)", "nan", "expected a finite number", rod),
    domain("pl.Interval(x, 0, sp.oo)", "oo", "expected a finite number", rod),
    domain("pl.Interval(x, 0, 10**400)", "got 1000", "expected a finite number", rod),
    domain("pl.Interval(x, 1, 0)", r"\[1, 0\] is inverted", "swap them", rod),
    domain("pl.Interval(x, 1, 1)", r"\[1, 1\] is empty", "must be below", rod),
    domain("pl.Interval('x', 0, 1)", "'x'", r"pdelsr\.coordinates", rod),
    domain("pl.Interval(x, 0)", "'high'", "mend that line", rod),
    domain("pl.Interval(x, 0, 1) * 3", r"\* 3", "expected a TimeInterval", heat),
    domain("pl.Interval(x, 0, 1) * pl.Interval(x, 0, 1)", "both use x", "different coordinates"),
    domain("pl.Box((x, y), (0,), (1, 1))", r"got \(0,\)", "expected 2 numbers"),
    domain("pl.Box((x, y), (0, 0), (1, 0))", r"y in \[0, 0\] is empty", "must be below"),
    domain("pl.Disk((x, y), (0, 0), -1)", "got -1", "expected a positive number"),
    domain("pl.Disk((x, y), 0, 1)", "center of Disk: got 0", "expected 2 numbers"),
    domain("pl.Polygon((x, y), [(0, 0), (1, 1), (1, 0), (0, 1)])", "crosses", "list the vertices"),
    domain("pl.Polygon((x, y), [(0, 0), (1, 1)])", "got 2 vertices", "at least three"),
    domain("pl.Polygon((x, y), [(0, 0), (0, 0), (1, 0), (1, 1)])", "vertex 1", "leave it out"),
    domain(f"{SQUARE} - pl.Disk((x, y), (0, 0), 5)", "is empty", "move or resize"),
    domain(f"{SQUARE} & pl.Disk((x, y), (9, 9), 1)", "is empty", "move or resize"),
    domain(f"{SQUARE} - 3", "- 3", "expected a domain"),
]
CONDITIONS = [
    condition("[None]", r"conditions\[0\].*got None", "expected Dirichlet"),
    condition("[sp.Eq(u, 0)]", r"Eq\(u\(x\), 0\)", "Write a bare equation as Condition"),
    condition("[pl.Dirichlet(7, 0)]", r"Dirichlet\(7", r"made by pl\.unknown"),
    condition("[pl.Dirichlet(u, 'zero')]", "'zero'", "expected a number"),
    condition("[pl.Dirichlet(u, lambda x: 0)]", "Python function", r"pl\.coefficient"),
    condition("[pl.Dirichlet(u, float('nan'))]", "nan", "must be finite"),
    condition("[pl.Dirichlet(u, 0, on='x=2')]", "'x=2'", "it has 'x=0', 'x=1'"),
    condition("[pl.Dirichlet(u, 0, on=3)]", "`on` is 3", "expected a part name"),
    condition("[pl.Dirichlet(u, 0, on=sp.Eq(x, 2))]", r"Eq\(x, 2\)", "the sides are"),
    condition("[pl.Dirichlet(u)]", "missing", "give a number"),
    condition("[pl.Neumann(u, 0, hard=True)]", "hard=True", r"Use the soft form"),
    condition("[pl.Robin(u, alpha='a', beta=0, value=0)]", "alpha.*'a'", "expected a number"),
    condition("[pl.Initial(sp.Eq(u, 0))]", "no time", "multiply it by a TimeInterval"),
    condition("[pl.Dirichlet(u, 0)]", "no initial condition for u", r"add Initial", heat),
    condition("[pl.Periodic(u, 'x')]", r"Periodic\(u\(x\), x\)", "such as Periodic"),
    condition("[pl.Observations(u, [[0.5]], [1, 2])]", r"\(1, 1\).*\(2,\)", "same n"),
    condition("[pl.Observations(u, [[0.5]], [float('nan')])]", "nan at index", "remove the rows"),
    condition("[pl.Observations(u, [[5.0]], [1])]", "point 0.*5.0", "remove it, or enlarge"),
    condition("[pl.Observations(u, 'abc', [1])]", "'abc'", "array of numbers"),
    Case(
        "periodic disk",
        "no pair of opposite faces",
        f"{LINE}Periodic on u",
        "only an Interval, a Box",
        plate(domain="pl.Disk((x, y), (0, 0), 1)", conditions="[pl.Periodic(u, x)]"),
    ),
]
DECLARATIONS = [*EQUATIONS, *DOMAINS, *CONDITIONS]
