"""Competitors: known names, and options that fit problems with and without time."""

from __future__ import annotations

import pytest
from benchmark_cases import SMALL, column, decay, rod

import pdelsr as pl
from pdelsr.benchmark.competitors import COMPETITORS, competitors_named, with_changes
from pdelsr.solvers.methods.registry import METHODS, parse_options
from pdelsr.solvers.prepare import prepare
from pdelsr.solvers.request import Request

PROBLEMS = {"steady": rod(), "with time": decay(), "no dirichlet": column()}


def test_every_method_is_a_competitor_and_ilsr_is_the_last() -> None:
    assert set(METHODS) < set(COMPETITORS)
    assert list(COMPETITORS)[-1] == "ilsr"
    assert [c.name for c in competitors_named(["lsr", "pinn"])] == ["lsr", "pinn"]
    assert all(c.description and "\n" not in c.description for c in COMPETITORS.values())


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(pl.SettingsError, match="names 'lsqr': choose among pinn, tsonn, published"):
        competitors_named(["pinn", "lsqr"])


@pytest.mark.parametrize("case", PROBLEMS)
@pytest.mark.parametrize("name", COMPETITORS)
def test_options_fit_the_problem(name: str, case: str) -> None:
    problem = PROBLEMS[case]
    parse_options(COMPETITORS[name].method(problem), {})
    method, options = with_changes(COMPETITORS[name].method(problem), SMALL)
    context = prepare(Request.of(problem, method, options).job())
    assert context.plan.counts["equation"] == 60


def test_published_settings_follow_the_problem() -> None:
    steady, moving, other = (COMPETITORS["published"].method(p) for p in PROBLEMS.values())
    assert steady.suggested["weights"] == {"dirichlet u": 1e4}
    assert moving.suggested["weights"] is other.suggested["weights"] is None
    for method in (steady, moving, other):
        assert method.hidden == (128,) * 6
        assert method.suggested["points"] == 20_000
        assert method.suggested["dtype"] == "float32"
    assert isinstance(steady, pl.ILSR)
    assert isinstance(moving, pl.ILSR)
    assert (steady.pseudo_time_step, moving.pseudo_time_step) == (0.001, 0.3)


def test_named_settings() -> None:
    features = COMPETITORS["random-features"].method(rod())
    sketched = COMPETITORS["lsr-rsvd"].method(rod())
    assert isinstance(features, pl.LSR)
    assert isinstance(sketched, pl.LSR)
    assert (features.hidden, features.basis) == ((2000,), "last_layer")
    assert (sketched.hidden, sketched.basis, sketched.rank) == ((64,) * 4, "output", 1000)
    assert features.newton_steps == sketched.newton_steps == pl.LSR().newton_steps


def test_changes_go_where_they_belong() -> None:
    method, options = with_changes(pl.PINN(), {"adam_steps": 7, "rank": 3, "points": 50})
    assert method == pl.PINN(adam_steps=7)
    assert options == {"points": 50}
