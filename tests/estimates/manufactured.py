"""Hypothesis strategies of random linear problems whose solution is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sympy as sp
from domain_strategies import domains
from expression_strategies import NUMBERS, PARAMETERS, data, jets
from hypothesis import strategies as st
from problem_strategies import order_in_time, places

import pdelsr as pl

Truth = Mapping[Any, Any]
"""The solution, as an expression for each unknown."""


@st.composite
def manufactured(draw: st.DrawFn) -> tuple[dict[str, Any], Truth]:
    """The arguments of a linear `Problem`, and its solution; nothing makes it well-posed."""
    domain = draw(domains().filter(lambda found: found.dim <= 3))
    names = draw(st.sampled_from((("u",), ("u",), ("u", "v"))))
    unknowns = [pl.unknown(name, *domain.coordinates) for name in names]
    truth = {u: draw(smooth(domain)) for u in unknowns}
    equations = [draw(linear_equation(u, unknowns, domain)) for u in unknowns]
    conditions = [
        condition
        for u in unknowns
        for condition in draw(conditions_of(u, domain, equations, truth))
    ]
    declaration = {
        "name": "manufactured",
        "domain": domain,
        "unknowns": unknowns,
        "equations": [sp.Eq(e, put_in(e, truth), evaluate=False) for e in equations],
        "conditions": conditions,
        "parameters": PARAMETERS,
    }
    return declaration, truth


def smooth(domain: Any) -> st.SearchStrategy[Any]:
    """A function of the coordinates scaled to the domain, of one or two waves."""
    low, high = domain.bounding_box.T
    scaled = [
        (c - sp.Float(float(a))) / sp.Float(float(b - a))
        for c, a, b in zip(domain.coordinates, low, high, strict=True)
    ]
    symbols = sp.symbols(f"s:{domain.dim}")
    rule = dict(zip(symbols, scaled, strict=True))
    factor = st.sampled_from((1, 2, 3))
    return st.builds(
        lambda a, b, k: a.xreplace(rule) + sp.cos(k * sum(scaled)) / 2 + b.xreplace(rule) / 3,
        waves(symbols),
        data(symbols, 1),
        factor,
    )


def waves(symbols: Sequence[Any]) -> st.SearchStrategy[Any]:
    """A sine times a function of a coordinate that has none."""
    place, half = st.sampled_from(symbols), sp.Rational(1, 2)
    wave, shift, rate = map(st.sampled_from, ((1, 2, 4), (0, 1), (-1, half)))
    sine = st.builds(lambda s, k, p: sp.sin(k * s + p), place, wave, shift)
    slow = st.builds(lambda s, k: 1 / (2 + k * s), place, rate)
    return st.builds(lambda a, b: a * b, sine, slow)


@st.composite
def linear_equation(draw: st.DrawFn, u: Any, unknowns: Sequence[Any], domain: Any) -> Any:
    """The left side: a Laplacian, a wave or heat operator or any derivative, and lower terms."""
    t, space = domain.time, domain.space.coordinates
    laplacian = sum(u.diff(c, 2) for c in space)
    if t is None:
        leading = draw(
            st.one_of(
                st.just(laplacian),
                st.just(laplacian),
                jets(u, space, 2).filter(lambda jet: jet != u),
            )
        )
    else:
        order = draw(st.sampled_from((1, 1, 2)))
        leading = u.diff(t, order) - draw(st.sampled_from((1, sp.Rational(1, 10)))) * laplacian
    terms = [leading]
    for _ in range(draw(st.integers(0, 2))):
        jet = draw(jets(draw(st.sampled_from(list(unknowns))), space, 1))
        terms.append(draw(st.one_of(NUMBERS, data(domain.coordinates, 1))) * jet)
    return sp.Add(*terms)


@st.composite
def conditions_of(
    draw: st.DrawFn, u: Any, domain: Any, equations: Sequence[Any], truth: Truth
) -> list[Any]:
    """Initial data as far as the equations ask; usually a value on all sides, or something else."""
    t = domain.time
    found = []
    for k in range(order_in_time(u, t, equations) if t is not None else 0):
        jet = u.diff(t, k) if k else u
        start = sp.Float(float(domain.bounding_box[-1, 0]))
        value = put_in(jet, truth).xreplace({t: start})
        found.append(pl.Initial(sp.Eq(jet, value, evaluate=False)))
    kinds = ("dirichlet", "dirichlet", "dirichlet", "robin", "neumann", "some")
    kind = draw(st.sampled_from(kinds))
    slope = pl.normal_derivative(u)
    on = draw(places(domain)) if kind == "some" else None
    left = {"robin": slope + u, "neumann": slope}.get(kind, u)
    value = put_in(left, truth)
    found.append(pl.Condition(sp.Eq(left, value, evaluate=False), on=on, name=f"{kind} {u.name}"))
    return found


def put_in(expression: Any, truth: Truth) -> Any:
    """The expression at the solution."""
    return sp.sympify(expression).xreplace(dict(truth)).doit()
