"""Runs that go on from a solution: what they take over, and that they get further."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sympy as sp
import torch
from matplotlib.figure import Figure
from solver_cases import SMALL, T, X, burgers, cubic, heat, poisson

import pdelsr as pl
from pdelsr.results.plot.curves import draw_history
from pdelsr.solvers.request import Request

FEW: dict[str, Any] = {"alignment_steps": 3}


class Doubled(pl.MLP):
    """Another function of the same weights."""

    def forward(self, *args: Any) -> torch.Tensor:
        return 2 * super().forward(*args)


def heat_from(start: sp.Expr) -> pl.Problem:
    """`heat` with other initial data."""
    u = pl.unknown("u", X, T)
    domain = pl.Interval(X, 0, 1) * pl.TimeInterval(T, 0, 1)
    conditions = [pl.Initial(sp.Eq(u, start)), pl.Dirichlet(u, 0)]
    return pl.Problem("heat", domain, [u.diff(T) - u.diff(X, 2) / 10], conditions)


@pytest.fixture(autouse=True)
def small_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pl.ILSR, "default_hidden", lambda method, linear: (6, 6))
    monkeypatch.setattr("pdelsr.solvers.design.trial.PARAMETERS", 100)


@pytest.fixture
def first() -> pl.Solution:
    return pl.solve(burgers(), max_iterations=2, **FEW)


def test_a_run_goes_on_growing(first: pl.Solution) -> None:
    second = pl.solve(burgers(), start=first, max_iterations=3, **FEW)
    assert first.settings.grow
    assert second.parameters > first.parameters
    assert second.heldout < 0.1 * first.heldout
    third = pl.solve(burgers(), start=second, max_iterations=2, **FEW)
    assert third.settings.grow


def test_a_loaded_start_grows_too(first: pl.Solution, tmp_path: Path) -> None:
    path = tmp_path / "first.safetensors"
    first.save(path)
    loaded = pl.load(path, first.problem)
    again = pl.solve(burgers(), start=loaded, max_iterations=3, **FEW)
    assert again.parameters > first.parameters


@pytest.mark.parametrize("options", [{"points": 200}, {"grow": False}])
def test_what_is_chosen_stays(first: pl.Solution, options: dict[str, Any]) -> None:
    second = pl.solve(burgers(), start=first, max_iterations=3, **FEW, **options)
    assert second.parameters == first.parameters


def test_sizes_that_were_chosen_stay_chosen() -> None:
    first = pl.solve(burgers(), max_iterations=1, hidden=(6, 6), **FEW)
    assert first.settings.grow is False
    second = pl.solve(burgers(), start=first, max_iterations=3, **FEW)
    assert second.parameters == first.parameters


def test_growth_may_be_asked_for() -> None:
    network = pl.MLP(2, 1, (6, 6), bounds=[(-1, 1), (0, 1)], periodic={0: 2.0}, harmonics=3)
    options = {"hard": True, "max_iterations": 5, "alignment_steps": 10}
    assert pl.solve(burgers(), network=network, **options).parameters == network.parameter_count
    grown = pl.solve(burgers(), network=network, grow=True, **options)
    assert grown.parameters > network.parameter_count


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("ilsr", {"rank": 20}, "leave basis and rank out"),
        ("ilsr", {"points": 50}, "leave points out"),
        ("ilsr", {"network": torch.nn.Linear(1, 1)}, "cannot widen this Linear"),
        ("ilsr", {"network": pl.ModifiedMLP(1, 1, (6, 6))}, "cannot widen this ModifiedMLP"),
        ("ilsr", {"network": pl.MLP(1, 1, (6, 6), fourier=4)}, "without Fourier features"),
        ("ilsr", {"network": Doubled(1, 1, (6, 6))}, "cannot widen this Doubled"),
    ],
)
def test_growth_that_cannot_be_is_refused(method, options, message) -> None:
    with pytest.raises(pl.SettingsError, match=message):
        pl.solve(cubic(), method, grow=True, **options)


def test_a_refined_start_is_aligned_before_it_is_refined_again() -> None:
    first = pl.solve(cubic(), "lsr", **SMALL)
    second = pl.solve(cubic(), start=first, max_iterations=1)
    assert second.history[0].phase == "align"
    network = pl.solve(cubic(), start=first.unrefined, max_iterations=1)
    assert network.history[0].phase == "refine"
    other = pl.solve(poisson(), start=first, max_iterations=1)
    assert other.history[0].phase == "refine"


def test_larger_untrained_networks_follow_on_linear_problems() -> None:
    first = pl.solve(heat(), max_iterations=1)
    second = pl.solve(heat(), start=first, max_iterations=1)
    assert second.parameters > first.parameters
    assert second.heldout < first.heldout


def test_rounding_is_measured_by_where_it_all_began() -> None:
    options = {"hidden": (12, 12), "weight_scale": 2.0}
    first = pl.solve(poisson(), "lsr", **options)
    assert first.status is pl.Status.PRECISION_LIMITED
    second = pl.solve(poisson(), "lsr", start=first)
    assert second.heldout_start == first.heldout_start
    assert second.status is pl.Status.PRECISION_LIMITED
    other = pl.solve(poisson(), "lsr", start=first, weights={"equation": 4.0})
    assert other.heldout_start > 0.1 * first.heldout_start
    assert other.status is pl.Status.PRECISION_LIMITED
    trained = pl.solve(poisson(), "pinn", start=first, adam_steps=3, lbfgs_steps=0)
    assert "far more" not in trained.summary()


def test_an_aligned_network_is_not_replaced_by_an_untrained_one(monkeypatch) -> None:
    monkeypatch.setattr(pl.PINN, "default_hidden", lambda self, linear: (12, 12))
    trained = pl.solve(heat(), "pinn", adam_steps=3, lbfgs_steps=3)
    taken = pl.solve(heat(), start=trained, max_iterations=2)
    assert taken.settings.grow
    assert taken.parameters == trained.parameters


def test_networks_that_are_built_anew_have_the_inputs_of_the_first() -> None:
    first = pl.solve(heat(), max_iterations=1, initialization="xavier", harmonics=7)
    second = pl.solve(heat(), start=first, max_iterations=1)
    inner = second.network.network if hasattr(second.network, "network") else second.network
    assert second.parameters > first.parameters
    settings = inner.settings()
    assert (settings["initialization"], settings["harmonics"]) == ("xavier", 7)


def test_weights_of_a_start_may_name_what_holds_exactly_now() -> None:
    kinked = heat_from(sp.Abs(X - sp.Rational(1, 2)))
    first = pl.solve(kinked, "lsr", hard=True, **SMALL)
    assert "initial u" in first.weights
    second = pl.solve(heat(), "lsr", start=first, points=60)
    assert "initial u" in second.compiled.exact


def test_an_instance_may_not_ask_for_another_network(first: pl.Solution) -> None:
    with pytest.raises(pl.SettingsError, match="hidden cannot be combined with start"):
        pl.solve(burgers(), pl.ILSR(hidden=(5, 5)), start=first)
    given = pl.solve(cubic(), pl.ILSR(hidden=(5, 5)), max_iterations=1)
    pl.solve(cubic(), given.method, start=given, max_iterations=1)  # the same one


def test_a_run_from_a_start_goes_on_from_its_checkpoint(first: pl.Solution, tmp_path: Path) -> None:
    options = {"start": first, **FEW}
    whole = pl.solve(burgers(), max_iterations=4, **options)
    kept = {"checkpoint": tmp_path / "run", "checkpoint_every": 0}
    for most in (1, 3):
        pl.solve(burgers(), max_iterations=most, **options, **kept)
    again = pl.solve(burgers(), max_iterations=4, **options, **kept)
    assert again.parameters == whole.parameters > first.parameters
    assert torch.equal(again.candidate.theta, whole.candidate.theta)
    assert again.heldout == whole.heldout


def test_options_that_are_none_are_those_of_the_start(first: pl.Solution) -> None:
    open_ones = {"hard": None, "device": None, "weights": None}
    job = Request.of(first.problem, first.method, open_ones, start=first).job()
    assert job.settings.hard == first.settings.hard
    assert job.settings.device == first.settings.device
    assert job.settings.weights == first.weights


def test_a_job_says_whether_sizes_are_open() -> None:
    def grows(**options: Any) -> bool:
        return Request.of(poisson(), "ilsr", options).job().grow

    assert grows() is True
    assert grows(points=100) is False
    assert grows(network=torch.nn.Linear(1, 1)) is False
    assert grows(grow=False) is False


def test_a_start_of_another_size_is_refused() -> None:
    first = pl.solve(cubic(), "lsr", **SMALL)
    with pytest.raises(pl.SettingsError, match=r"start has 1 coordinate\(s\) and 1 unknown\(s\)"):
        pl.solve(heat(), start=first)


def test_pictures_show_the_start_where_it_is_kept(first: pl.Solution) -> None:
    for solution, marked in ((replace(first, best_iteration=0), True), (first, False)):
        axes = Figure().subplots()
        draw_history(axes, solution)
        lines = [line.get_label() for line in axes.get_lines()]
        assert ("kept: the start" in lines) is marked


def test_a_coefficient_that_changed_under_its_name_leaves_no_claim() -> None:
    def string(factor: float) -> pl.Problem:
        u, f = pl.unknown("u", X), pl.coefficient("f", lambda x: factor * (1 + x), X)
        return pl.Problem("string", pl.Interval(X, 0, 1), [u.diff(X, 2) - f], [pl.Dirichlet(u, 0)])

    first = pl.solve(string(1.0), "lsr", **SMALL)
    assert first.error_estimate is not None
    same = pl.solve(string(1.0), "pinn", start=first, adam_steps=1, lbfgs_steps=1)
    assert same.best_iteration == 0
    assert same.error_estimate == first.error_estimate
    other = pl.solve(string(1.1), "pinn", start=first, adam_steps=1, lbfgs_steps=1)
    assert other.error_estimate is None
    assert other.report is None or other.best_iteration > 0


def test_a_claim_in_float64_is_none_in_float32() -> None:
    first = pl.solve(poisson(), "lsr", **SMALL)
    again = pl.solve(poisson(), "pinn", start=first, dtype="float32", adam_steps=1, lbfgs_steps=1)
    assert again.error_estimate is None or again.error_estimate > 1e-7


def test_the_network_alone_has_no_status_of_its_refinement() -> None:
    found = pl.solve(poisson(), "lsr", tolerance=1e-2, **SMALL)
    assert found.status is pl.Status.CONVERGED
    bare = found.unrefined
    assert "tolerance" not in bare.summary()
    assert bare.status is not pl.Status.CONVERGED
