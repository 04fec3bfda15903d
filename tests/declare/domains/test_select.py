"""Parts by name, by predicate and by list."""

from __future__ import annotations

import pytest
import sympy as sp

from pdelsr.declare.domains import Box, Disk, Interval, TimeInterval
from pdelsr.errors import ProblemError
from pdelsr.sample import Sobol

x, y, t, q = sp.symbols("x y t q", real=True)
BOX = Box((x, y), (0, 0), (1, 2))
LINE = Interval(x, 0, 1) * TimeInterval(t, 0, 1)
RING = Disk((x, y), name="outer") - Disk((x, y), radius=sp.Rational(1, 2), name="inner")


@pytest.mark.parametrize(
    ("domain", "on", "expected"),
    [
        (BOX, None, ["x=0", "x=1", "y=0", "y=2"]),
        (LINE, None, ["x=0", "x=1"]),
        (LINE, "t=0", ["t=0"]),
        (BOX, ["y=0", "x=1", "y=0"], ["y=0", "x=1"]),
        (BOX, sp.Eq(x, 0), ["x=0"]),
        (BOX, sp.Or(sp.Eq(x, 0), sp.Eq(y, 2)), ["x=0", "y=2"]),
        (BOX, x <= 0, ["x=0"]),
        (BOX, sp.Not(sp.Eq(y, 0)), ["x=0", "x=1", "y=2"]),
        (BOX, sp.true, ["x=0", "x=1", "y=0", "y=2"]),
        (BOX, [sp.Eq(x, 0), "y=0", BOX.part("x=1")], ["x=0", "y=0", "x=1"]),
        (LINE, sp.Eq(x, 1), ["x=1"]),
        (RING, sp.Eq(x**2 + y**2, 1), ["outer"]),
        (RING, sp.sqrt(x**2 + y**2) < sp.Rational(3, 4), ["inner"]),
    ],
    ids=[
        "all", "no ends of time", "name", "names", "eq", "or", "le", "not", "true", "mixed",
        "time", "circle", "inner",
    ],
)  # fmt: skip
def test_whole_parts(domain, on, expected):
    chosen = domain.select(on)
    assert [part.name for part in chosen] == expected
    assert all(part in domain.parts for part in chosen)


def test_parts_of_predicates_are_taken_again():
    cut = RING.select(x > 0)
    assert RING.select(cut) == cut


@pytest.mark.parametrize(
    ("domain", "part"),
    [
        (RING, Disk((x, y), radius=sp.Rational(1, 2), name="inner").parts[0]),
        (LINE, Interval(x, 0, 1).parts[0]),
        (BOX, Disk((x, y), radius=7).parts[0]),
    ],
    ids=["hole", "space", "stranger"],
)
def test_parts_of_other_domains_are_refused(domain, part):
    with pytest.raises(ProblemError, match="of another domain; take one of this domain by its"):
        domain.select(part)


def test_a_predicate_cuts_a_part():
    (half,) = BOX.select(sp.And(sp.Eq(x, 0), y < 1))
    assert half.name == "x=0 where Eq(x, 0) & (y < 1)"
    assert half.kind == "side"
    assert half.measure == pytest.approx(1, rel=1e-3)
    on = half.from_unit(Sobol().unit(64, 1))
    assert 20 < len(on.points) < 44
    assert (on.points[:, 1] < 1).all()
    assert (on.normals == [-1, 0]).all()


def test_a_predicate_in_time():
    (early,) = LINE.select(sp.And(sp.Eq(x, 0), t < 0.25))
    assert early.measure == pytest.approx(0.25, rel=1e-2)


def test_a_predicate_on_a_circle():
    (upper,) = Disk((x, y)).select(y > 0)
    assert (upper.from_unit(Sobol().unit(100, 1)).points[:, 1] > 0).all()


def test_a_predicate_may_use_special_functions():
    chosen = BOX.select(sp.erf(x) > sp.Rational(1, 2))
    assert chosen[0].name == "x=1"
    assert len(chosen) == 3


def test_undefined_is_not_chosen():
    (right,) = Disk((x, y)).select(sp.sqrt(x) >= 0)
    assert (right.from_unit(Sobol().unit(100, 1)).points[:, 0] >= 0).all()


@pytest.mark.parametrize(
    ("on", "message"),
    [
        ("left", "no boundary part named 'left'; it has 'x=0', 'x=1', 'y=0', 'y=2'"),
        (sp.Eq(x, 3), r"no boundary point satisfies Eq\(x, 3\); the sides are 'x=0'"),
        (sp.Eq(q, 0), "uses q; it may use the coordinates x, y only"),
        (False, r"== compares symbols at once in Python; write sp.Eq\(x, 0\)"),
        (3, "`on` is 3; expected a part name, a sympy predicate"),
        ([], "expected a part name, a sympy predicate"),
        (sp.Xor(x < 0, y < 1, evaluate=False), "is not understood; build it of Eq"),
        (sp.dirichlet_eta(x) > 0, r"dirichlet_eta\(x\) > 0 cannot be evaluated \(NameError"),
        (sp.root(-8, 3) * x > 0, "cannot be evaluated .*a value is complex"),
    ],
    ids=[
        "name",
        "misses",
        "stranger",
        "python ==",
        "number",
        "nothing",
        "xor",
        "unknown",
        "complex",
    ],
)
def test_refusals(on, message):
    with pytest.raises(ProblemError, match=message):
        BOX.select(on)
