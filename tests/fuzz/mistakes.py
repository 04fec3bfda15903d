"""Mistakes in a sound problem, one at a time; the only outcome of each is a `PdelsrError`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import sympy as sp
from problem_strategies import is_flat

import pdelsr as pl
from pdelsr.declare.symbols import Unknown

Mistakes: TypeAlias = list[tuple[str, Callable[[], Any]]]


def mistakes(given: dict[str, Any]) -> Mistakes:
    """Mistakes by name, and functions that make them.

    Args:
        given: the arguments of a sound `Problem`.
    """
    return [*_in_equations(given), *_in_conditions(given), *_in_options(given)]


def _in_equations(given: dict[str, Any]) -> Mistakes:
    first, u, x = given["equations"][0], _unknown(given), given["domain"].coordinates[0]

    numbers = sp.FiniteSet(1, x**2 + 2)

    def plus(make: Callable[[], Any]) -> Callable[[], Any]:
        def solve() -> Any:
            changed = sp.Eq(first.lhs + make(), first.rhs, evaluate=False)
            return _solve({**given, "equations": [changed, *given["equations"][1:]]})

        return solve

    return [
        ("undeclared symbol", plus(lambda: sp.Symbol("mystery"))),
        ("undeclared field", plus(lambda: sp.Function("f")(x))),
        ("unknown elsewhere", plus(lambda: u.subs(x, 0))),
        ("order five", plus(lambda: u.diff(x, 5))),
        ("order in six", plus(lambda: sp.exp(u.diff(x, 6)))),
        ("complex", plus(lambda: sp.I * u)),
        ("infinite", plus(lambda: sp.oo)),
        ("normal inside", plus(lambda: pl.normal(x) * u)),
        ("normal derivative inside", plus(lambda: pl.normal_derivative(u))),
        ("no torch form", plus(lambda: sp.zeta(u))),
        ("no torch form of a slope", plus(lambda: sp.digamma(u))),
        ("step of numbers", plus(lambda: sp.KroneckerDelta(u, x))),
        ("set", plus(lambda: sp.Piecewise((u, sp.Contains(x, numbers)), (0, True)))),
        ("integral", plus(lambda: sp.Integral(u, (x, 0, x)))),
        ("pole of a parameter", plus(lambda: u / sp.Symbol("none"))),
        ("complex number", plus(lambda: sp.asin(2) * u)),
        ("derivative by a parameter", plus(lambda: sp.Derivative(u * x, sp.Symbol("k")))),
        ("callable of an unknown", plus(lambda: pl.coefficient("k", abs, u))),
        ("slope of a callable", plus(lambda: (pl.coefficient("k", abs, x) * u).diff(x))),
        ("callable that fails", plus(lambda: pl.coefficient("k", lambda a: {}["k"], x))),
        ("callable of another shape", plus(lambda: pl.coefficient("k", lambda a: a[:0], x))),
        ("complex callable", plus(lambda: pl.coefficient("k", lambda a: 1j * a, x))),
        ("callable of text", plus(lambda: pl.coefficient("k", lambda a: "text", x))),
        ("callable of two", plus(lambda: pl.coefficient("k", lambda a, b: a, x))),
        ("one equation more", lambda: _solve({**given, "equations": [first, *given["equations"]]})),
        ("true equation", lambda: _solve({**given, "equations": [sp.Eq(u, u)]})),
        ("inequality", lambda: _solve({**given, "equations": [u > 0]})),
        ("text", lambda: _solve({**given, "equations": ["u_xx = 0"]})),
        ("no equation", lambda: _solve({**given, "equations": []})),
        ("matrix", lambda: _solve({**given, "equations": [sp.Matrix([u])]})),
    ]


def _in_conditions(given: dict[str, Any]) -> Mistakes:
    domain, u, x = given["domain"], _unknown(given), given["domain"].coordinates[0]
    far = np.full((1, domain.dim), 1e12)

    def plus(make: Callable[[], Any]) -> Callable[[], Any]:
        return lambda: _solve({**given, "conditions": [*given["conditions"], make()]})

    found = [
        ("no such part", plus(lambda: pl.Dirichlet(u, 0, on="x=-77"))),
        ("no such place", plus(lambda: pl.Dirichlet(u, 0, on=x > 1e13))),
        ("place in a parameter", plus(lambda: pl.Dirichlet(u, 0, on=x > sp.Symbol("k")))),
        ("compared place", plus(lambda: pl.Dirichlet(u, 0, on=x == 0))),
        ("empty places", plus(lambda: pl.Dirichlet(u, 0, on=[]))),
        ("no value", plus(lambda: pl.Dirichlet(u))),
        ("unknown as value", plus(lambda: pl.Neumann(u, 2 * u))),
        ("undeclared value", plus(lambda: pl.Dirichlet(u, sp.Symbol("mystery")))),
        ("function as value", plus(lambda: pl.Dirichlet(u, lambda a: a))),
        ("array as value", plus(lambda: pl.Dirichlet(u, np.zeros(3)))),
        ("infinite value", plus(lambda: pl.Dirichlet(u, float("inf")))),
        ("hard flux", plus(lambda: pl.Neumann(u, 0, hard=True))),
        ("no field", plus(lambda: pl.Robin("u", 1, 1, 0))),
        ("observed outside", plus(lambda: pl.Observations(u, far, [1.0]))),
        ("observed NaN", plus(lambda: pl.Observations(u, 0 * far, [float("nan")]))),
        ("observed shape", plus(lambda: pl.Observations(u, far, [1.0, 2.0]))),
        ("observed text", plus(lambda: pl.Observations(u, "here", [1.0]))),
        ("stranger", plus(lambda: pl.Dirichlet(pl.unknown("q", *domain.coordinates), 0))),
        ("no condition", plus(lambda: u)),
        ("hard normal value", plus(lambda: pl.Dirichlet(u, pl.normal(x), hard=True))),
        ("singular value", plus(lambda: pl.Dirichlet(u, sp.asin(2) + x))),
    ]
    if domain.dim > 1:  # at a point, it is a number
        bessel = sp.besselj(2, sum(domain.coordinates))
        found.append(("hard Bessel value", plus(lambda: pl.Dirichlet(u, bessel, hard=True))))
    if domain.time is None:
        found.append(("no time", plus(lambda: pl.Initial(sp.Eq(u, 0)))))
    elif not any(isinstance(c, pl.Periodic | pl.Observations) for c in given["conditions"]):
        late = [c for c in given["conditions"] if not isinstance(c, pl.Initial)]
        found.append(("no initial data", lambda: _solve({**given, "conditions": late})))
    if not is_flat(domain, x):
        found.append(("no opposite faces", plus(lambda: pl.Periodic(u, x))))
    return found


def _in_options(given: dict[str, Any]) -> Mistakes:
    def with_(**options: Any) -> Callable[[], Any]:
        return lambda: _solve(given, **options)

    def problem(**changed: Any) -> Callable[[], Any]:
        return lambda: _solve({**given, **changed})

    return [
        ("method", with_(method="lrs")),
        ("option", with_(hiden=(4,))),
        ("tolerance", with_(tolerance=-1.0)),
        ("NaN tolerance", with_(tolerance=float("nan"))),
        ("widths", with_(hidden=())),
        ("block", with_(points={"nowhere": 3})),
        ("points", with_(points=0)),
        ("weight", with_(weights={"equation": float("nan")})),
        ("rank", with_(rank=0)),
        ("dtype", with_(dtype="float16")),
        ("own points outside", with_(sampler=pl.Points(np.full((3, given["domain"].dim), 1e12)))),
        ("own points of another dimension", with_(sampler=pl.Points(np.zeros((3, 7))))),
        ("NaN parameter", problem(parameters={"k": float("nan")})),
        ("complex parameter", problem(parameters={"k": 1j})),
        ("parameters", problem(parameters="k")),
        ("seed", with_(seed=10**30)),
        ("text parameter", problem(parameters={"k": "big"})),
        ("name", problem(name="")),
        ("domain", problem(domain=3)),
        ("blurred domain", lambda: pl.Disk(pl.coordinates("x y"), (1e8, 1e8), 1e-9)),
        ("tiny domain", lambda: pl.Ball(pl.coordinates("x y z"), None, 1e-200)),
        ("huge domain", lambda: pl.Interval(pl.coordinates("x"), 0, 1e200)),
        ("thin domain", lambda: _disk(1.0) - _disk(1.0 - 1e-6)),
        ("reference", problem(reference=sp.Symbol("mystery"))),
        ("reference of a stranger", problem(reference={sp.Symbol("q"): 0})),
        ("weights", problem(weights={"equation": -1})),
        ("points of the problem", problem(points=2.5)),
        ("sampler of the problem", problem(sampler="sobol")),
    ]


def _unknown(given: dict[str, Any]) -> Any:
    return sorted(sp.Tuple(*given["equations"]).atoms(Unknown), key=str)[0]


def _disk(radius: float) -> Any:
    return pl.Disk(pl.coordinates("x y"), (0, 0), radius)


def _solve(given: dict[str, Any], method: str = "lsr", **options: Any) -> Any:
    small = {"hidden": (4,), "points": 5, "weight_scale": 1.0, "time_limit": 2.0}
    return pl.solve(pl.Problem(**given), method, **{**small, **options})
