"""What is differentiated across a jump is refused, and what only jumps is not."""

from __future__ import annotations

import time
import warnings

import numpy as np
import pytest
import sympy as sp
import torch

import pdelsr as pl
from pdelsr.declare.smoothness import require_smooth_coefficients
from pdelsr.errors import ConditionWarning, ProblemError

x, y, t = pl.coordinates("x y t")
a = sp.Symbol("a")
u, q, v, w = pl.unknown("u", x), pl.unknown("q", x), pl.unknown("v", x, t), pl.unknown("w", x, y)
p = pl.unknown("p", x, t)
UNIT = pl.Interval(x, 0, 1)
SQUARE = pl.Box((x, y), (0, 0), (1, 1))
CUT = pl.Polygon((x, y), [(0, 0), (1, 0), (0, 1)]) - pl.Disk((x, y), (0.3, 0.3), 0.1)
DISK = pl.Disk((x, y), (0, 0), 1)
COLLAR = [pl.Dirichlet(v, 0), pl.Initial(sp.Eq(v, 0))]


def step(condition, low=1, high=10):
    return sp.Piecewise((low, condition), (high, True))


def written_out(k, f, *along):
    return sum(sp.Derivative(k * f.diff(s), s) for s in along)


def callable_of(function):
    return pl.coefficient("k", function, x)


def rod(equation, **options):
    return pl.Problem("rod", UNIT, [equation], [pl.Dirichlet(u, 0)], **options)


def plate(equation, domain=SQUARE):
    return pl.Problem("plate", domain, [equation], [pl.Dirichlet(w, 0)])


def bar(equation):
    return pl.Problem("bar", BAR, [equation], COLLAR)


K = step(x < 0.5)
STEP = 1 + 9 * sp.Heaviside(x - 0.5)
PIECES = sp.Piecewise((1 + x, x < 0.5), (5 - x, True))
ROOF = sp.Piecewise((1 + x, x < 0.5), (2 - x, True))
MASS = sp.DiracDelta(x - sp.Rational(2, 5))
BAR = UNIT * pl.TimeInterval(t, 0, 1)
HEAT = v.diff(t) - v.diff(x, 2)
TINY = step((x - 0.5) ** 2 + (y - 0.5) ** 2 < 0.001**2)
REFUSED = {
    "piecewise": (lambda: rod((K * u.diff(x)).diff(x)), r"u_xx jumps from 1 to 10 at x = 0\.5\."),
    "written_out": (lambda: rod(written_out(K, u, x)), r"differentiated by x.* jumps at x = 0\.5"),
    "thin_layer": (
        lambda: rod(step((x > 0.5) & (x < 0.500001)) * u.diff(x, 2)),
        r"coefficient of u_xx jumps from 1 to 10 at x = 0\.50000",
    ),
    "sign": (lambda: rod((2 + sp.sign(x - 0.3)) * u.diff(x, 2) - 1), r"at x = 0\.3\."),
    "floor": (lambda: rod((1 + sp.floor(3 * x)) * u.diff(x, 2)), "u_xx jumps from"),
    "modulo": (lambda: rod((1 + sp.Mod(3 * x, 1)) * u.diff(x, 2)), "u_xx jumps from"),
    "inverse_cotangent": (lambda: rod((2 + sp.acot(x - 0.3)) * u.diff(x, 2)), r"at x = 0\.3\."),
    "bounded_at_a_pole": (
        lambda: rod((2 + sp.atan(1 / (x - 0.3))) * u.diff(x, 2)),
        r"u_xx jumps from .* at x = 0\.3\.",
    ),
    "remainder_written_out": (
        lambda: rod((sp.Mod(2 * x, 1) * u).diff(x)),
        r"derivative Subs\(.*Mod.* cannot be carried out",
    ),
    "named_parameter": (
        lambda: rod((step(x < a) * u.diff(x)).diff(x), parameters={a: 0.25}),
        r"at x = 0\.25\.",
    ),
    "tiny_disk": (
        lambda: plate(TINY * (w.diff(x, 2) + w.diff(y, 2))),
        r"w_xx jumps .* x = 0\.(49|50)",
    ),
    "tiny_disk_written_out": (lambda: plate(written_out(TINY, w, x, y)), "differentiated by"),
    "across_layers": (lambda: plate(w.diff(x, 2) + step(y < 0.5) * w.diff(y, 2)), r"y = 0\.5\."),
    "in_a_disk": (lambda: plate(step(x < 0.1) * w.diff(x, 2) + w.diff(y, 2), DISK), r"x = 0\.1\."),
    "in_a_cut_polygon": (
        lambda: plate(step(x < 0.5) * w.diff(x, 2) + w.diff(y, 2), CUT),
        r"x = 0\.5\.",
    ),
    "in_space_and_time": (lambda: bar(v.diff(t) - (K * v.diff(x)).diff(x)), r"x = 0\.5\."),
    "at_a_value_of_u": (
        lambda: bar(v.diff(t) - (step(v < 0.3) * v.diff(x)).diff(x)),
        "jumps from -1 to -10 at a value of the solution",
    ),
    "transport_written_out": (lambda: bar(v.diff(t) + sp.Derivative(K * v, x)), r"x = 0\.5"),
    "by_torch": (
        lambda: rod(callable_of(lambda x: torch.where(x < 0.3, 1.0, 10.0)) * u.diff(x, 2) + 1),
        r"from 1 to 10 at x = 0\.3\.",
    ),
    "by_numpy": (
        lambda: rod(callable_of(lambda x: np.where(np.asarray(x) < 0.3, 1, 10)) * u.diff(x, 2) + 1),
        r"from 1 to 10 at x = 0\.3\.",
    ),
    "heaviside": (
        lambda: rod(((1 + sp.Heaviside(x - 0.3)) * u.diff(x)).diff(x)),
        r"DiracDelta\(x - 0\.3\) times the solution",
    ),
    "point_load": (
        lambda: rod(u.diff(x, 2) - sp.DiracDelta(x - sp.Rational(2, 5))),
        r"DiracDelta\(x - 2/5\) is a load at one point.*Eq\(u\.diff\(x\), q \+ .*for u_xx = Dirac",
    ),
    "point_load_on_a_beam": (
        lambda: rod(u.diff(x, 4) - MASS),
        r"the u_xxx less its jump.*Eq\(u\.diff\(x, 3\), q \+ .*for u_xxxx = DiracDelta\(x - a\)",
    ),
    "moment_on_a_beam": (
        lambda: rod(u.diff(x, 4) - sp.SingularityFunction(x, 0.4, -2)),
        r"Eq\(u\.diff\(x, 2\), q \+ .*Eq\(q\.diff\(x, 2\), 0\) for u_xxxx = DiracDelta\(x - a, 1\)",
    ),
    "point_load_of_first_order": (lambda: rod(u.diff(x) - MASS), r"u = v \+ sp\.Heaviside"),
    "point_load_without_a_derivative": (lambda: rod(u - MASS), r"point sees\. Spread the load"),
    "macaulay_mass": (
        lambda: rod(u.diff(x, 2) - sp.SingularityFunction(x, 0.4, -1)),
        r"SingularityFunction\(x, 0\.4, -1\) is a load at one point",
    ),
    "macaulay_step": (
        lambda: rod(u.diff(x, 2) - sp.SingularityFunction(x, 0.4, 1)),
        r"cannot be evaluated; write \(x - 0\.4\)\*Heaviside\(x - 0\.4, 1\)",
    ),
    "macaulay_step_in_data": (
        lambda: pl.Problem(
            "rod", UNIT, [u.diff(x, 2)], [pl.Dirichlet(u, sp.SingularityFunction(x, 0.4, 0))]
        ),
        r"Dirichlet on u\(x\): Singularity.* cannot be evaluated; write Heaviside",
    ),
    "point_load_on_a_plate": (
        lambda: plate(w.diff(x, 2) + w.diff(y, 2) - MASS * sp.DiracDelta(y - sp.Rational(1, 2))),
        r"Delta\(x - 2/5\)\*DiracDelta\(y - 1/2\) is .* infinite there .*Spread .*log\(r\)",
    ),
    "load_on_a_line": (
        lambda: plate(w.diff(x, 2) + w.diff(y, 2) - MASS),
        r"a load on a line.*Eq\(w\.diff\(x\), q",
    ),
    "load_on_a_circle": (
        lambda: plate(w.diff(x, 2) + w.diff(y, 2) - sp.DiracDelta(x**2 + y**2 - sp.Rational(1, 4))),
        r"a load on a curve.*Spread the load",
    ),
    "impulse": (
        lambda: bar(v.diff(t) - v.diff(x, 2) - MASS.xreplace({x: t})),
        r"an impulse at one time.*Start a second problem",
    ),
    "initial_peak": (
        lambda: pl.Problem("bar", BAR, [HEAT], [pl.Initial(sp.Eq(v, MASS)), pl.Dirichlet(v, 0)]),
        r"Initial on v\(x, t\): DiracDelta\(x - 2/5\) is data at one point.*or start later",
    ),
    "peak_of_the_boundary": (
        lambda: pl.Problem("bar", BAR, [HEAT], [COLLAR[1], pl.Dirichlet(v, MASS.xreplace({x: t}))]),
        r"Dirichlet on v\(x, t\): DiracDelta\(t - 2/5\) is data at one point[^;]*$",
    ),
    "heaviside_in_transport": (
        lambda: bar(v.diff(t) + ((1 + sp.Heaviside(x - 0.3)) * v).diff(x)),
        r"times the solution.*Eq\(q\.diff\(t\)/k \+ q\.diff\(x\), 0\)",
    ),
}
ALLOWED = {
    "source": lambda: rod(u.diff(x, 2) - K),
    "lower_terms": lambda: rod(u.diff(x, 2) + STEP * u.diff(x) + sp.Heaviside(x - 0.5) * u),
    "speed_that_varies": lambda: rod(u.diff(x, 2) + PIECES * u.diff(x) - 1),
    "square_of_a_slope": lambda: rod(u.diff(x, 2) + K * u.diff(x) ** 2 - 1),
    "kink": lambda: rod(((1 + sp.Abs(x - 0.5)) * u.diff(x)).diff(x)),
    "kink_of_pieces": lambda: rod((ROOF * u.diff(x)).diff(x) - 1),
    "kink_across": lambda: plate(
        (ROOF * w.diff(x)).diff(x) + (ROOF * w.diff(y)).diff(x) + (ROOF * w.diff(x)).diff(y)
    ),
    "pole_of_even_order": lambda: rod((2 + sp.atan(1 / (x - 0.3) ** 2)) * u.diff(x, 2) - 1),
    "modulus_on_the_positive_side": lambda: rod(sp.Abs(x) * u.diff(x, 2)),
    "smooth_pieces": lambda: rod(sp.Piecewise((1 + x, x < 0.5), (1 + x, True)) * u.diff(x, 2)),
    "joined": lambda: rod(sp.Piecewise((1 + x, x < 0.5), (2 - x, True)) * u.diff(x, 2)),
    "outside": lambda: rod(step(x <= 1) * u.diff(x, 2)),
    "outside_of_a_disk": lambda: plate(step(x < -1) * w.diff(x, 2) + w.diff(y, 2), DISK),
    "at_one_point": lambda: rod(
        sp.Piecewise((0, sp.Eq(x, 0)), (sp.sin(x) / x, True)) * u.diff(x, 2)
    ),
    "time": lambda: bar(v.diff(t) - step(t < 0.5) * v.diff(x, 2)),
    "density": lambda: bar(K * v.diff(t) - v.diff(x, 2)),
    "along_layers": lambda: plate(w.diff(x, 2) + step(x < 0.5) * w.diff(y, 2)),
    "flux_of_a_slope": lambda: rod((sp.Abs(u.diff(x)) * u.diff(x)).diff(x) - 1),
    "modulus_of_a_slope": lambda: rod(sp.Abs(u.diff(x)).diff(x) - 1),
    "fully_nonlinear": lambda: rod(sp.Max(u.diff(x, 2), 2 * u.diff(x, 2)) - 1),
    "steep_callable": lambda: rod(
        callable_of(lambda x: 1 + torch.sigmoid((x - 0.4) / 1e-6)) * u.diff(x, 2) + 1
    ),
    "callable_with_a_kink": lambda: rod(
        callable_of(lambda x: 1 + torch.abs(x - 0.4)) * u.diff(x, 2) + 1
    ),
    "transport_by_pieces_of_the_solution": lambda: bar(
        v.diff(t) + sp.Piecewise((v, v < 0.5), (2 * v, True)) * v.diff(x)
    ),
    "divided_by_the_speed": lambda: bar(v.diff(t) / K + v.diff(x)),
    "sound_in_layers": lambda: pl.Problem(
        "sound",
        BAR,
        [v.diff(t) + K * p.diff(x), p.diff(t) + v.diff(x) / K],
        [*COLLAR, pl.Initial(sp.Eq(p, 0)), pl.Dirichlet(p, 0)],
    ),
    "first_order_with_flux": lambda: pl.Problem(
        "flux",
        UNIT,
        [sp.Eq(q, K * u.diff(x)), sp.Eq(q.diff(x), -2)],
        [pl.Dirichlet(u, 0)],
        unknowns=(u, q),
    ),
}


@pytest.mark.parametrize(("make", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(make, message):
    with pytest.raises(ProblemError, match=message):
        make()


@pytest.mark.parametrize("make", ALLOWED.values(), ids=ALLOWED)
def test_allowed(make):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        problem = make()
    assert [one for one in told if one.category is ConditionWarning] == []
    assert problem.statements[0].kind == "equation"


def test_the_way_out_is_told():
    with pytest.raises(ProblemError, match=r"sp\.Eq\(q, k\*u\.diff\(x\)\).*divide the equation"):
        rod((K * u.diff(x)).diff(x))


def test_below_the_highest_derivative_it_is_a_warning():
    with pytest.warns(
        ConditionWarning, match=r"coefficient of u_xx jumps .* x = 0\.5.* digits are lost"
    ):
        rod(u.diff(x, 4) - K * u.diff(x, 2))


LOST = {
    "transport": lambda: bar(v.diff(t) + (K * v).diff(x)),
    "steady": lambda: rod((K * u).diff(x) - 1),
    "with_a_reaction": lambda: bar(v.diff(t) + (K * v).diff(x) + v**2),
    "beside_diffusion_across": lambda: plate((K * w).diff(x) - w.diff(y, 2)),
    "of_the_flux": lambda: pl.Problem(
        "flux", UNIT, [sp.Eq(q, u.diff(x)), (K * q).diff(x) - 2], [pl.Dirichlet(u, 0)]
    ),
}


@pytest.mark.parametrize("make", LOST.values(), ids=LOST)
def test_a_jump_under_a_first_derivative_is_told(make):
    told = (
        r"the coefficient of (\w)_x, Piecewise\(.*\), jumps from 1 to 10 at x = 0\.5\..*"
        r"\(k\*\1\)_x, sympy has lost the jump.*q\.diff\(t\)/k \+ q\.diff\(x\).*divide the equation"
    )
    with pytest.warns(ConditionWarning, match=told):
        make()


BESIDE = {
    "steady": lambda: rod(u.diff(x, 2) + K * u.diff(x) + sp.Heaviside(x - 0.5) * u),
    "in_time": lambda: bar(v.diff(t) - v.diff(x, 2) + (K * v).diff(x)),
    "speed_that_varies": lambda: bar(v.diff(t) - v.diff(x, 2) + (PIECES * v).diff(x)),
    "with_a_kink": lambda: bar(v.diff(t) - (ROOF * v.diff(x)).diff(x) + (K * v).diff(x)),
}


@pytest.mark.parametrize("make", BESIDE.values(), ids=BESIDE)
def test_so_is_one_beside_diffusion(make):
    told = (
        r"the coefficient of (\w)_x.* jumps from .* at x = 0\.5\. If .*"
        r"\(k\*\1\)_x, sympy has lost the jump.*sp\.Eq\(q, u\.diff\(x\) - k\*u\).*"
        r"Where k\*\1_x is really meant, write k by sp\.Heaviside"
    )
    with pytest.warns(ConditionWarning, match=told):
        make()


def test_a_callable_that_fails_is_left_to_the_run():
    problem = rod(callable_of(lambda x: 1 / 0) * u.diff(x, 2) + 1)
    with pytest.raises(pl.ProblemError, match="division by zero"):
        pl.solve(problem, "lsr", hidden=(4,), points=20, weight_scale=1.0)


def test_many_terms_cost_little():
    waves = sp.Add(*(x**i / i for i in range(1, 1000)), sp.Heaviside(x - 0.5) * u)
    steep = (1 + sp.Abs(x - 0.3)) * u.diff(x, 2)
    problem = rod(sp.Eq(steep, waves, evaluate=False))  # sympy compares both for seconds
    start = time.perf_counter()
    require_smooth_coefficients(problem.system)
    assert time.perf_counter() - start < 1
