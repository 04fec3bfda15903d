"""Hypothesis strategies of sound problems: equations, conditions, and the options of a run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy as sp
from domain_strategies import domains
from expression_strategies import NUMBERS, PARAMETERS, data, expressions, jets
from hypothesis import strategies as st

import pdelsr as pl

BASES = (None, None, "output", "residual", "gaussian", "count_sketch", "coordinate", "last_layer")
SAMPLERS = st.sampled_from(
    (None, pl.Halton(), pl.LatinHypercube(), pl.Uniform(), pl.Grid(), pl.GaussLegendre())
)


@st.composite
def declarations(draw: st.DrawFn) -> dict[str, Any]:
    """The arguments of a `Problem` in which nothing is wrong on purpose."""
    domain = draw(domains())
    names = draw(st.sampled_from((("u",), ("u",), ("u",), ("u", "v"), ("f", "lam", "one_"))))
    unknowns = [pl.unknown(name, *domain.coordinates) for name in names]
    equations = [draw(equation(u, unknowns, domain)) for u in unknowns]
    conditions = [c for u in unknowns for c in draw(conditions_for(u, unknowns, domain, equations))]
    return {
        "name": "drawn",
        "domain": domain,
        "equations": equations,
        "conditions": conditions,
        "unknowns": draw(st.sampled_from((None, unknowns))),
        "parameters": PARAMETERS,
        "reference": draw(references(unknowns, domain.coordinates)),
        "sampler": draw(SAMPLERS),
    }


@st.composite
def equation(draw: st.DrawFn, u: Any, unknowns: Sequence[Any], domain: Any) -> Any:
    """One that holds a derivative of `u`; of first or second order in time, where there is one."""
    t, coordinates = domain.time, domain.coordinates
    if t is None:
        highest = min(4, max(2, 6 - domain.dim))  # jets of order four in many coordinates are slow
        leading = draw(jets(u, coordinates, highest).filter(lambda j: j != u))
    else:
        leading = u.diff(t, draw(st.sampled_from((1, 1, 2))))
    terms = [draw(NUMBERS.filter(bool)) * leading]
    terms += [draw(expressions(unknowns, coordinates, t)) for _ in range(draw(st.integers(0, 3)))]
    return sp.Eq(sp.Add(*terms), draw(data(coordinates)), evaluate=False)


@st.composite
def conditions_for(
    draw: st.DrawFn, u: Any, unknowns: Sequence[Any], domain: Any, equations: Sequence[Any]
) -> list[Any]:
    """Initial data as far as the equations ask, conditions on sides, now and then observations."""
    found = [draw(initial(u, k, domain)) for k in range(order_in_time(u, domain.time, equations))]
    count = draw(st.integers(0 if found else 1, 2))
    found += [draw(on_sides(u, unknowns, domain)) for _ in range(count)]
    if draw(st.sampled_from((False, False, False, True))):
        found.append(draw(observations(u, domain)))
    return found


def order_in_time(u: Any, t: Any, equations: Sequence[Any]) -> int:
    """The highest number of derivatives of `u` in time."""
    slopes = [d for e in equations for d in e.doit().atoms(sp.Derivative) if d.expr == u]
    return max((d.variables.count(t) for d in slopes), default=0)


@st.composite
def initial(draw: st.DrawFn, u: Any, k: int, domain: Any) -> Any:
    """∂ᵏu/∂tᵏ at the initial time."""
    value = draw(st.one_of(st.just(sp.Integer(0)), data(domain.space.coordinates)))
    hard = draw(st.sampled_from((False, False, False, True)))
    return pl.Initial(sp.Eq(u.diff(domain.time, k) if k else u, value, evaluate=False), hard=hard)


@st.composite
def on_sides(draw: st.DrawFn, u: Any, unknowns: Sequence[Any], domain: Any) -> Any:
    """A condition on some sides, or periodicity where the domain has opposite faces."""
    kind = draw(st.sampled_from(("dirichlet", "neumann", "robin", "equation", "periodic")))
    flat = [c for c in domain.coordinates if is_flat(domain, c)]
    if kind == "periodic" and flat:
        hard = draw(st.sampled_from((False, False, True)))
        fields = draw(st.sampled_from((u, tuple(unknowns))))
        return pl.Periodic(fields, draw(st.sampled_from(flat)), hard)
    on, value = draw(places(domain)), draw(data(domain.coordinates))
    if kind == "neumann":
        return pl.Neumann(u, value, on=on)
    if kind == "robin":
        return pl.Robin(u, draw(data(domain.coordinates, 1)), draw(NUMBERS), value, on=on)
    if kind == "equation":
        slope = draw(st.sampled_from((pl.normal_derivative(u), u, sp.exp(u) - 1)))
        n = pl.normal(domain.space.coordinates[0])
        rest = draw(expressions(unknowns, domain.space.coordinates))
        return pl.Condition(sp.Eq(slope + n * u.diff(domain.coordinates[0]) + rest, value), on=on)
    return pl.Dirichlet(u, value, on=on, hard=draw(st.sampled_from((False, False, False, True))))


def is_flat(domain: Any, coordinate: Any) -> bool:
    """Whether a domain has opposite faces across a coordinate."""
    try:
        domain.faces(coordinate)
    except pl.PdelsrError:
        return False
    return True


def places(domain: Any) -> st.SearchStrategy[Any]:
    """What `on=` takes: nothing, a name, names, or a predicate."""
    names = [part.name for part in domain.sides]
    x, (low, high) = domain.coordinates[0], domain.bounding_box[0]
    middle, flat = sp.Float((low + high) / 2), is_flat(domain, x)
    predicates = [x > middle, (x < middle) | sp.Eq(x, high), *([sp.Eq(x, low)] if flat else [])]
    return st.one_of(
        st.none(),
        st.sampled_from(names),
        st.lists(st.sampled_from(names), min_size=1, max_size=3),
        st.sampled_from(predicates),
    )


@st.composite
def observations(draw: st.DrawFn, u: Any, domain: Any) -> Any:
    """A few values of `u`, or of a function of it, inside the domain."""
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    points = domain.from_unit(rng.random((200, domain.unit_dim)))[: draw(st.integers(1, 5))]
    what = draw(st.sampled_from((u, u**2, u.diff(domain.coordinates[0]))))
    return pl.Observations(what, points, rng.standard_normal(len(points)))


def references(unknowns: Sequence[Any], coordinates: Sequence[Any]) -> st.SearchStrategy[Any]:
    """None, or an expression for each unknown."""
    each = st.fixed_dictionaries({u: data(coordinates) for u in unknowns})
    return st.one_of(st.none(), st.none(), each)


@st.composite
def options(draw: st.DrawFn) -> dict[str, Any]:
    """A method with a tiny budget."""
    method = draw(st.sampled_from(("pinn", "tsonn", "lsr", "ilsr", "lsr", "ilsr")))
    own: dict[str, dict[str, Any]] = {
        "pinn": {"adam_steps": 3, "lbfgs_steps": 3},
        "tsonn": {"inner_steps": 3, "optimizer": draw(st.sampled_from(("lbfgs", "adam")))},
        "lsr": {"weight_scale": 1.0, "newton_steps": draw(st.integers(1, 3))},
        "ilsr": {"weight_scale": 1.0, "alignment_steps": 2, "newton_steps": 2},
    }
    refining = {
        "rank": draw(st.sampled_from((None, 8, 20))),
        "lstsq": draw(st.sampled_from(("qr", "qr", "svd", "cholesky", "lsmr"))),
        "basis": draw(st.sampled_from(BASES)),
    }
    return {
        "method": method,
        "hidden": (5, 4),
        "points": draw(st.integers(1, 20)),
        "max_iterations": 1,
        "time_limit": draw(st.sampled_from((math.inf, math.inf, 0.01))),
        "hard": draw(st.sampled_from((None, True, False))),
        "tolerance": draw(st.sampled_from((0.0, 1e-9, 1e-3, 0.1, 1.0, 1e3))),
        "dtype": draw(st.sampled_from(("float64", "float64", "float32"))),
        "balance": draw(st.sampled_from((None, True, False))),
        "refine": draw(st.sampled_from((False, False, True))),
        "seed": draw(st.integers(0, 5)),
        **own[method],
        **(refining if method in ("lsr", "ilsr") else {}),
    }
