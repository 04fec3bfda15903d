"""The designs of default networks, chosen by small refinements."""

from __future__ import annotations

import math
import time
from contextlib import suppress
from dataclasses import replace

import pytest
import sympy as sp
import torch
from solver_cases import X, poisson

import pdelsr as pl
from pdelsr.networks import HardConditions, closure
from pdelsr.networks.design import Design, parameter_count
from pdelsr.solvers.design.trial import DIGITS, FACTOR, PARAMETERS, Designer, Trial
from pdelsr.solvers.growth.alignment_trial import gains_of
from pdelsr.solvers.prepare import prepare
from pdelsr.solvers.refinement.tangent_problem import TangentProblem
from pdelsr.solvers.request import Request

U = pl.unknown("u", X)


@pytest.fixture(autouse=True)
def small_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pdelsr.solvers.design.trial.PARAMETERS", 150)


def oscillation(k: int) -> pl.Problem:
    exact = sp.sin(k * sp.pi * X)
    equation = sp.Eq(U.diff(X, 2), exact.diff(X, 2))
    return pl.Problem("wave", pl.Interval(X, 0, 1), [equation], [pl.Dirichlet(U, 0)])


def sum_of_coordinates(d: int = 4) -> pl.Problem:
    xs = pl.coordinates(" ".join(f"x{i}" for i in range(d)))
    u = pl.unknown("u", *xs)
    exact = sum(sp.cos(sp.pi * x) for x in xs)
    laplacian = sum(u.diff(x, 2) for x in xs)
    box = pl.Box(xs, (0,) * d, (1,) * d)
    equation = sp.Eq(laplacian, -(sp.pi**2) * exact)
    return pl.Problem("sum", box, [equation], [pl.Condition(sp.Eq(u, exact))], reference=exact)


def designer(problem: pl.Problem, seed: int = 0, **options) -> Designer:
    return Designer(Request.of(problem, pl.LSR(**options), {"seed": seed}).job())


def test_fast_solutions_get_larger_weights() -> None:
    slow, fast = (designer(oscillation(k), activation="tanh").first() for k in (1, 14))
    assert fast.weight_scale > slow.weight_scale


def test_smooth_oscillations_choose_the_sine() -> None:
    assert designer(poisson()).first().activation == "sin"


def test_given_options_are_not_tried() -> None:
    found = designer(sum_of_coordinates(), activation="tanh", hidden=(9, 9, 9)).first()
    assert (found.activation, len(found.hidden), found.first_inputs) == ("tanh", 3, None)
    assert designer(sum_of_coordinates(), first_inputs=2).first().first_inputs == 2


@pytest.mark.parametrize("left", [math.inf, 20.0], ids=["no limit", "time limit"])
@pytest.mark.parametrize("hidden", [(8,), (6, 6)])
def test_trials_are_no_larger_than_the_widths_of_the_user(
    hidden: tuple[int, ...], left: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pdelsr.solvers.design.trial.PARAMETERS", 1200)
    found = designer(poisson(), hidden=hidden).first(left)
    assert parameters_of(found) <= parameter_count(hidden, 1, 1)
    solution = pl.solve(poisson(), "lsr", hidden=hidden, time_limit=left)
    assert solution.errors["u"].relative_l2 < 1e-10


def test_a_sum_of_functions_of_one_coordinate_is_recognized() -> None:
    found = designer(sum_of_coordinates()).first()
    assert (found.first_inputs, len(found.hidden)) == (1, 1)


@pytest.mark.parametrize(
    ("sizes", "spare", "factor", "found"),
    [
        ((4.0, 2.0, 3.0), (), FACTOR, 1),
        ((4.0, 2.0, 3.0), (1,), FACTOR, 2),  # a larger scale, whose residual is rougher
        ((4.0, 2.0, 6.0), (1,), FACTOR, 1),
        ((2.0, 4.0, 6.0), (), 1 / FACTOR, 0),
        ((2.0, 4.0, 6.0), (0,), 1 / FACTOR, 1),  # it gains too little to be worth that
        ((1.0, 4.0, 6.0), (0,), 1 / FACTOR, 0),
    ],
)
def test_the_scale_that_is_found(sizes, spare, factor, found) -> None:
    designs = [Design((9, 9), "sin", round(FACTOR**k, DIGITS)) for k in (-1, 0, 1)]
    beyond = {replace(designs[0], weight_scale=round(FACTOR**k, DIGITS)): math.inf for k in (-2, 2)}
    scales = {d.weight_scale: d for d in (*designs, *beyond)}

    class Known(Trial):
        def size(self, design: Design) -> float:
            near = min(scales, key=lambda scale: abs(scale - design.weight_scale))
            return self.sizes[scales[near]]

    known = {**dict(zip(designs, sizes, strict=True)), **beyond}
    given = {designs[k] for k in spare}
    trial = Known(lambda design: None, (), (), sizes=known, spare=given)
    end = trial.walk(designs[1], factor)
    assert end.weight_scale == pytest.approx(designs[found].weight_scale)


def test_what_alignment_gains_is_measured_on_half_the_parameters() -> None:
    context_designer = designer(poisson())
    design = context_designer.first()
    untrained = context_designer.trial(design, {}).refined(context_designer.build(design))
    assert untrained is not None
    found = gains_of(context_designer, design, untrained, 300)
    assert found is not None
    assert found.alignment > 2
    assert found.doubling >= 1
    assert gains_of(context_designer, design, untrained, 300, seconds=1e-3) is None


def test_products_keep_all_inputs() -> None:
    assert designer(poisson()).first().first_inputs is None


def test_equal_seeds_give_equal_designs() -> None:
    assert designer(poisson(), seed=3).first() == designer(poisson(), seed=3).first()


def test_larger_designs_have_about_the_parameters_asked_for_and_no_smaller_scale() -> None:
    chooser = designer(oscillation(6))
    small = chooser.first()
    large = chooser.larger(small, 500)
    count = parameter_count(large.hidden, 1, 1)
    assert 400 < count <= 500
    growth = sum(large.hidden) / sum(small.hidden)
    assert large.weight_scale / small.weight_scale == pytest.approx(growth**0.5)


def test_given_widths_scale_as_the_root_of_the_width() -> None:
    chooser = designer(poisson())
    small = replace(Design((8, 8)), weight_scale=1.5)
    assert chooser.widened(small, (32, 32)).weight_scale == pytest.approx(3.0)
    assert chooser.widened(Design((8,), weight_scale=1.5), (32,)).weight_scale == 1.5


def test_grown_networks_are_the_same_function() -> None:
    chooser = Designer(Request.of(poisson(), "ilsr", {}).job())
    network = chooser.build(Design((5, 4)))
    assert isinstance(network, HardConditions)
    wide = chooser.grown(network, Design((9, 9)), seed=3)
    assert wide.network.hidden == (9, 9)
    x = torch.rand(7, 1, dtype=torch.float64)
    indices = closure(((2,),))
    assert torch.allclose(wide(x, indices), network(x, indices), rtol=1e-13, atol=1e-13)


def test_linear_problems_use_the_trial_and_given_scales_win(monkeypatch) -> None:
    asked = []

    def first(self: Designer, seconds: float) -> Design:
        asked.append(self)
        return Design((4,), weight_scale=1.5)

    monkeypatch.setattr(Designer, "first", first)
    for method in (pl.LSR(hidden=(6,)), pl.LSR(hidden=(6,), weight_scale=2), pl.PINN(hidden=(6,))):
        prepare(Request.of(poisson(), method, {"points": 20}).job())
    assert len(asked) == 1


def test_trials_are_about_as_large_as_they_say() -> None:
    assert PARAMETERS == 1200
    count = parameter_count(designer(oscillation(2)).first().hidden, 1, 1)
    assert 100 < count <= 150


def test_a_design_of_which_the_last_trials_are_cut_is_widened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where the time is over between the trials of two sizes, the first ones count."""
    monkeypatch.setattr("pdelsr.solvers.design.trial.ROUGH", 75)
    monkeypatch.setattr("pdelsr.solvers.design.trial.affordable_parameters", lambda *_: 150)
    chooser, size = designer(poisson()), Trial.size

    class Over(Exception):
        pass

    def until_large(trial: Trial, design: Design) -> float:
        if sum(design.hidden) > 14:
            raise Over
        return size(trial, design)

    whole = chooser.first()
    monkeypatch.setattr(Designer, "smallest_seconds", lambda *_: 0.001)
    monkeypatch.setattr(Trial, "size", until_large)
    monkeypatch.setattr("pdelsr.solvers.design.trial.given_up_after", lambda _: suppress(Over))
    found = chooser.first(left=100.0)
    assert found.hidden == whole.hidden
    assert found.activation == whole.activation


def test_the_first_network_is_no_larger_than_what_can_be_refined_in_time(monkeypatch) -> None:
    wide = parameters_of(designer(poisson()).first(left=100.0))
    monkeypatch.setattr(Designer, "smallest_seconds", lambda self, design: 10.0)
    slow = parameters_of(designer(poisson()).first(left=30.0))
    assert slow < 60 < 120 < wide


def test_without_time_for_one_trial_the_smallest_network_is_taken(monkeypatch) -> None:
    def endless(self: Designer, design: Design) -> float:
        while True:
            time.sleep(0.001)

    monkeypatch.setattr(Designer, "smallest_seconds", endless)
    assert parameters_of(designer(poisson()).first(left=0.1)) < 60


def parameters_of(design: Design) -> int:
    return parameter_count(design.hidden, 1, 1)


def test_the_largest_seed_has_other_draws_too() -> None:
    chooser = designer(poisson(), seed=2**31 - 1)
    design = Design((4,))
    first, other = (chooser.build(design, draw).get_vector() for draw in (0, 1))
    assert not torch.equal(first, other)


def test_ctrl_c_in_a_trial_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(TangentProblem, "corrected", interrupted)
    with pytest.raises(KeyboardInterrupt):
        designer(poisson()).first()
