"""The error against time: of the best states, without an influence on the run."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from solved import heat_1d, poisson_1d, system_2d

import pdelsr as pl
from pdelsr.results.trace import largest

OPTIONS: dict[str, Any] = {
    "hidden": (8, 8),
    "points": 60,
    "weight_scale": 1.0,
    "alignment_steps": 5,
    "max_iterations": 3,
}


@pytest.fixture(scope="module")
def tracked() -> pl.Solution:
    """A run with its errors."""
    return pl.solve(heat_1d(), "ilsr", track_errors=True, **OPTIONS)


def test_the_error_is_known_after_every_outer_iteration(tracked: pl.Solution) -> None:
    outer = [r for r in tracked.history if r.heldout is not None]
    assert [s for s, _ in tracked.error_history] == [r.seconds for r in outer]
    errors = [e for _, e in tracked.error_history]
    assert errors[-1] == pytest.approx(tracked.errors["u"].relative_l2, rel=1e-9)
    assert all(after <= 1.5 * before for before, after in itertools.pairwise(errors))


def test_watching_does_not_change_the_run(tracked: pl.Solution) -> None:
    plain = pl.solve(heat_1d(), "ilsr", **OPTIONS)
    assert plain.error_history == ()
    assert tracked.heldout == plain.heldout
    assert tracked.errors["u"] == plain.errors["u"]


def test_the_callback_is_still_called() -> None:
    seen: list[pl.Record] = []
    solution = pl.solve(
        poisson_1d(),
        "lsr",
        track_errors=True,
        callback=seen.append,
        hidden=(6,),
        points=40,
        weight_scale=1.0,
    )
    assert len(seen) == len(solution.history)


def test_the_largest_error_over_the_unknowns_is_kept() -> None:
    solution = pl.solve(
        system_2d(), "lsr", track_errors=True, hidden=(6,), points=40, weight_scale=1.0
    )
    ((_, error),) = solution.error_history
    assert error == pytest.approx(max(e.relative_l2 for e in solution.errors.values()), rel=1e-9)


def test_the_error_history_is_saved(tracked: pl.Solution, tmp_path: Path) -> None:
    tracked.save(tmp_path / "a.safetensors")
    again = pl.load(tmp_path / "a.safetensors", tracked.problem)
    assert again.error_history == tracked.error_history


def test_errors_against_time_are_compared(tracked: pl.Solution) -> None:
    (axes,) = pl.plot.compare([tracked]).axes
    (line,) = axes.lines
    count = len(tracked.error_history)
    assert list(line.get_ydata())[:count] == [e for _, e in tracked.error_history]
    assert line.get_xdata()[-1] == tracked.seconds
    (axes,) = pl.plot.compare([tracked], x="iterations").axes
    assert list(axes.lines[0].get_xdata()) == list(range(1, count + 1))


def test_a_problem_whose_error_is_unknown_is_refused_before_the_run() -> None:
    calls: list[pl.Record] = []
    options: dict[str, Any] = {"track_errors": True, "callback": calls.append}
    with pytest.raises(pl.SettingsError, match="poisson_1d has no reference: leave it out"):
        pl.solve(poisson_1d(reference=None), "lsr", **options)
    with pytest.raises(pl.ProblemError, match="reference"):  # at its declaration already
        replace(poisson_1d(), reference=lambda points: points[:, :0])
    assert not calls


def test_what_is_not_finite_counts_as_infinite() -> None:
    assert largest([1.0, math.nan]) == largest([math.inf, 2.0]) == math.inf
    assert largest([1.0, 3.0]) == 3.0
    assert largest([]) == 0.0
