"""Data that disagree where conditions meet are named, and data that agree are not."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import sympy as sp

import pdelsr as pl
from pdelsr.declare.agreement import disagreements
from pdelsr.declare.sharing import is_large
from pdelsr.errors import ConditionWarning, ProblemError

x, y, t = pl.coordinates("x y t")
v, w, z = pl.unknown("v", x, t), pl.unknown("w", x, y), pl.unknown("z", x, y, t)
a, b = pl.unknown("a", x, t), pl.unknown("b", x, t)
TIME = pl.TimeInterval(t, 0, 1)
BAR = pl.Interval(x, 0, 1) * TIME
SQUARE, DISK = pl.Box((x, y), (0, 0), (1, 1)), pl.Disk((x, y), (0, 0), 1)
CUT = SQUARE - pl.Disk((x, y), (0, 0), 0.3, name="hole")
HEXAGON = pl.Polygon((x, y), [(np.cos(s), np.sin(s)) for s in np.arange(6) * np.pi / 3])
HEAT, WAVE = v.diff(t) - v.diff(x, 2), v.diff(t, 2) - v.diff(x, 2)
LAPLACE = w.diff(x, 2) + w.diff(y, 2)
HEAT_2D = z.diff(t) - z.diff(x, 2) - z.diff(y, 2)
NLS = [
    a.diff(t) + b.diff(x, 2) / 2 + (a**2 + b**2) * b,
    b.diff(t) - a.diff(x, 2) / 2 - (a**2 + b**2) * a,
]
SIDES = ["x=0", "x=1", "y=0"]
AT_REST = pl.Initial(sp.Eq(v.diff(t), 0))


def start(value, u=v):
    return pl.Initial(sp.Eq(u, value))


def made(domain, equations, conditions):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConditionWarning)
        return pl.Problem("case", domain, equations, conditions)


DISAGREE = {
    "corner": (BAR, HEAT, [start(1), pl.Dirichlet(v, 0)], 1.0, "at x = 0, t = 0: v = 1 and 0"),
    "by_1e-4": (
        BAR,
        HEAT,
        [start(sp.sin(sp.pi * x) + 1e-4 * (1 - x)), pl.Dirichlet(v, 0)],
        1e-4,
        "'t=0' and .* 'x=0' disagree",
    ),
    "period": (
        pl.Interval(x, -5, 5) * TIME,
        NLS,
        [start(2 * sp.sech(x), a), start(0, b), pl.Periodic((a, b), x)],
        None,
        r"violates Periodic .*: a_x = 0\.0269\d* at x = -5 and -0\.0269\d* at x = 5",
    ),
    "velocity": (
        BAR,
        WAVE,
        [start(0), AT_REST, pl.Dirichlet(v, sp.sin(t), on="x=0"), pl.Dirichlet(v, 0, on="x=1")],
        1.0,
        "at x = 0, t = 0: v_t = 0 and 1",
    ),
    "small_velocity": (
        BAR,
        WAVE,
        [start(sp.sin(sp.pi * x)), pl.Initial(sp.Eq(v.diff(t), 1e-6)), pl.Dirichlet(v, 0)],
        1e-6,
        "v_t = 1e-06 and 0",
    ),
    "small_data": (BAR, HEAT, [start(1e-12), pl.Dirichlet(v, 0)], 1.0, "v = 1e-12 and 0"),
    "neumann": (BAR, HEAT, [start(x**2), pl.Neumann(v, 0)], 1.0, "violate Neumann .* at x = 1"),
    "robin": (BAR, HEAT, [start(1), pl.Robin(v, alpha=1, beta=2, value=0)], 1.0, "violate Robin"),
    "moving_lid": (
        SQUARE,
        LAPLACE,
        [pl.Dirichlet(w, 1, on="y=1"), pl.Dirichlet(w, 0, on=SIDES)],
        1.0,
        "'y=1' and 'x=0' meet, at x = 0, y = 1",
    ),
    "two_halves": (
        DISK,
        LAPLACE,
        [pl.Dirichlet(w, 1, on=x > 0), pl.Dirichlet(w, 0, on=x < 0)],
        1.0,
        "w = 1 and 0",
    ),
    "at_a_cut": (
        CUT,
        LAPLACE,
        [pl.Dirichlet(w, 0, on=[*SIDES, "y=1"]), pl.Dirichlet(w, 1, on="hole")],
        1.0,
        "and 'hole' meet",
    ),
    "disk_in_time": (DISK * TIME, HEAT_2D, [start(x, z), pl.Dirichlet(z, 0)], 1.0, "'circle'"),
    "boundary_over_a_period": (
        SQUARE,
        LAPLACE,
        [pl.Dirichlet(w, x, on=["y=0", "y=1"]), pl.Periodic(w, x)],
        1.0,
        "w = 0 at x = 0 and 1 at x = 1",
    ),
}
NOISE = pl.coefficient("noise", lambda s: 5e-11 * (1 - s / 2), x)  # of what should be zero
SWING = pl.coefficient("swing", lambda s: 4 * s * (1 - s), x)
AGREE = {
    "velocity_at_rounding": (
        BAR,
        WAVE,
        [start(SWING), pl.Initial(sp.Eq(v.diff(t), NOISE)), pl.Dirichlet(v, 0)],
    ),
    "values_at_rounding": (
        BAR,
        WAVE,
        [start(NOISE), pl.Initial(sp.Eq(v.diff(t), SWING)), pl.Dirichlet(v, 0)],
    ),
    "period_at_rounding": (
        BAR,
        WAVE,
        [start(SWING), pl.Initial(sp.Eq(v.diff(t), NOISE)), pl.Periodic(v, x)],
    ),
    "sine": (BAR, HEAT, [start(sp.sin(sp.pi * x)), pl.Dirichlet(v, 0)]),
    "decimals": (
        BAR,
        HEAT,
        [start(0.1 + 0.2 * x), pl.Dirichlet(v, 0.1, on="x=0"), pl.Dirichlet(v, 0.3, on="x=1")],
    ),
    "period": (BAR, HEAT, [start(sp.sin(2 * sp.pi * x)), pl.Periodic(v, x)]),
    "velocity": (
        BAR,
        WAVE,
        [
            start(0),
            pl.Initial(sp.Eq(v.diff(t), 1 - x)),
            pl.Dirichlet(v, sp.sin(t), on="x=0"),
            pl.Dirichlet(v, 0, on="x=1"),
        ],
    ),
    "neumann": (BAR, HEAT, [start(sp.cos(sp.pi * x)), pl.Neumann(v, 0)]),
    "resting_lid_corners": (
        SQUARE,
        LAPLACE,
        [pl.Dirichlet(w, 4 * x * (1 - x), on="y=1"), pl.Dirichlet(w, 0, on=SIDES)],
    ),
    "two_halves": (
        DISK,
        LAPLACE,
        [pl.Dirichlet(w, x, on=x > 0), pl.Dirichlet(w, 0, on=x <= 0)],
    ),
    "disk_in_time": (DISK * TIME, HEAT_2D, [start(1 - x**2 - y**2, z), pl.Dirichlet(z, 0)]),
    "edges": (
        HEXAGON,
        LAPLACE,
        [pl.Dirichlet(w, x + i * 0, on=f"edge {i}") for i in range(6)],
    ),
}


@pytest.mark.parametrize(
    ("domain", "equations", "conditions", "relative", "message"),
    DISAGREE.values(),
    ids=DISAGREE,
)
def test_disagreements_are_named(domain, equations, conditions, relative, message):
    with pytest.warns(ConditionWarning, match=message):
        problem = pl.Problem("case", domain, equations, conditions)
    if relative is not None:
        assert problem.disagreements[0].relative == pytest.approx(relative, rel=1e-2)


@pytest.mark.parametrize(("domain", "equations", "conditions"), AGREE.values(), ids=AGREE)
def test_data_that_agree_are_not(domain, equations, conditions):
    assert not made(domain, equations, conditions).disagreements


def test_a_disagreement_can_be_read():
    found = made(BAR, HEAT, [start(2), pl.Dirichlet(v, 1)]).disagreements
    assert len(found) == 1
    assert found[0].conditions == ("initial v", "dirichlet v")
    assert found[0].quantity == "v"
    assert found[0].place == {"x": 0.0, "t": 0.0}
    assert (found[0].gap, found[0].size) == (1.0, 2.0)


def test_many_are_not_told_one_by_one():
    corners = [pl.Dirichlet(w, i, on=f"edge {i}") for i in range(6)]
    with pytest.warns(ConditionWarning) as told:
        problem = pl.Problem("case", HEXAGON, LAPLACE, corners)
    assert len(problem.disagreements) == 6
    assert len(told) == 4
    assert "3 more pairs" in str(told[-1].message)


def test_two_values_on_one_side_are_refused_however_they_are_written():
    both = [pl.Dirichlet(w, 0), pl.Condition(sp.Eq(w, 1), on="x=0", name="other")]
    with pytest.raises(ProblemError, match="on 'x=0' contradicts Dirichlet"):
        made(SQUARE, LAPLACE, both)


def test_the_statement_is_named_whose_data_were_used():
    conditions = [start(0, a), pl.Dirichlet(a, 0), start(x**2, b), pl.Neumann(b, 0)]
    equations = [a.diff(t) - a.diff(x, 2), b.diff(t) - b.diff(x, 2)]
    (found,) = made(BAR, equations, conditions).disagreements
    assert found.conditions == ("initial b", "neumann b")


def test_velocities_of_long_data_are_formed_by_rules(monkeypatch):
    long = sp.Add(*(sp.sin(k * t) / k**3 for k in range(1, 400)))
    rest = [start(0), AT_REST, pl.Dirichlet(v, 0, on="x=1")]
    problem = made(BAR, WAVE, [*rest, pl.Dirichlet(v, long, on="x=0")])

    plain = sp.diff

    def short(expression, *symbols):
        assert not is_large([expression])
        return plain(expression, *symbols)

    monkeypatch.setattr(sp, "diff", short)
    assert disagreements(problem.system)[0].quantity == "v_t"
