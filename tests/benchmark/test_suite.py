"""The suite: curves, measurements, table, and JSON."""

from __future__ import annotations

import json
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp
from benchmark_cases import SMALL, X, decay, measured, rod
from rich.console import Console

import pdelsr as pl
from pdelsr.benchmark.competitors import competitors_named
from pdelsr.benchmark.storage import write_runs
from pdelsr.benchmark.suite import Measurement, measure_suite, measurement_of
from pdelsr.benchmark.table import (
    estimate_quality,
    largest_loss,
    largest_rise,
    least_use,
    suite_table,
)
from pdelsr.results.error_estimate import ErrorEstimate

NAMES = ("pinn", "published", "lsr", "ilsr")


@pytest.fixture(scope="module")
def found() -> list[Measurement]:
    """Two problems by four competitors."""
    return measure_suite(
        [rod(), decay()], competitors_named(NAMES), [20.0], seeds=(0,), changes=SMALL
    )


def shown(found: list[Measurement], methods: tuple[str, ...]) -> str:
    """The table as text."""
    console = Console(width=130)
    with console.capture() as capture:
        console.print(suite_table(found, methods))
    return capture.get()


def test_the_last_competitor_runs_first(found: list[Measurement]) -> None:
    assert [m.method for m in found] == [*reversed(NAMES)] * 2
    assert [m.problem for m in found] == ["rod"] * 4 + ["decay"] * 4


def test_curves_end_in_the_measured_error(found: list[Measurement]) -> None:
    for m in found:
        seconds = [s for s, _ in m.curve]
        assert seconds == sorted(seconds)
        assert 0 < seconds[0] <= seconds[-1] <= m.seconds
        assert m.curve[-1][1] == pytest.approx(m.relative_l2, rel=1e-9)


def refused_later(points: np.ndarray) -> np.ndarray:
    if len(points) > 1000:
        raise RuntimeError("no more values")
    return np.sin(np.pi * points[:, 0])


def parametric() -> pl.Problem:
    """s' = a, with a function to be given."""
    s, a = pl.unknown("s", X), pl.input_function("a", X)
    condition = pl.Dirichlet(s, 0, on="x=0")
    reference = pl.reference.OfInputs(pl.reference.antiderivative)
    return pl.Problem(
        "antiderivative",
        pl.Interval(X, 0, 1),
        [sp.Eq(s.diff(X), a)],
        [condition],
        reference=reference,
    )


UNFIT = {
    "no reference": (lambda: replace(rod(), reference=None), "rod has no reference: leave it out"),
    "parametric": (parametric, "antiderivative is parametric: leave it out with --problems"),
    "name": (decay, "two problems are called decay: give one of them another name"),
    "failing": (lambda: replace(rod(), reference=refused_later), "fails with RuntimeError"),
}


@pytest.mark.parametrize("case", UNFIT)
@pytest.mark.filterwarnings("ignore::pdelsr.ReferenceWarning")
def test_problems_that_do_not_fit_are_refused_before_any_is_measured(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pdelsr.benchmark.suite.solve", lambda *_, **__: pytest.fail("solved"))
    make, message = UNFIT[case]
    with pytest.raises(pl.PdelsrError, match=message):
        measure_suite([decay(), make()], competitors_named(["lsr"]), [1.0])


def test_a_domain_may_lack_its_middle() -> None:
    x, y = pl.coordinates("x y")
    u, exact = pl.unknown("u", x, y), sp.log(x**2 + y**2)
    domain = pl.Disk((x, y), (0, 0), 2) - pl.Disk((x, y), (0, 0), 1)
    equation = sp.Eq(u.diff(x, 2) + u.diff(y, 2), 0)
    ring = pl.Problem("ring", domain, [equation], [pl.Dirichlet(u, exact)], reference=exact)
    (found,) = measure_suite([ring], competitors_named(["lsr"]), [20.0], changes=SMALL)
    assert found.relative_l2 < 1


def test_only_the_last_competitor_extends_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = []

    def slow(problem: pl.Problem, method: pl.Method, time_limit: float, **others: Any) -> Any:
        limits.append(time_limit)
        solution = pl.solve(problem, "lsr", hidden=(8,), points=50, weight_scale=1.0)
        return replace(solution, seconds=2 * time_limit)

    monkeypatch.setattr("pdelsr.benchmark.suite.warm_up", lambda: None)
    monkeypatch.setattr("pdelsr.benchmark.suite.solve", slow)
    three = competitors_named(["pinn", "lsr", "ilsr"])
    found = measure_suite([rod()], three, [10.0, 40.0])
    assert limits == [10.0, 20.0, 20.0, 40.0, 80.0, 80.0]
    assert [m.time_limit for m in found] == [10.0] * 3 + [40.0] * 3


def test_error_estimates_are_kept_where_there_are_any() -> None:
    solution = pl.solve(rod(), "lsr", hidden=(8,), points=50, weight_scale=1.0)
    for estimate in (None, 0.25):
        run = replace(solution, estimate=ErrorEstimate(estimate, estimate))
        found = measurement_of(run, "rod", "lsr", 0)
        assert found.error_estimate == estimate


def test_the_table_shows_medians_and_the_worst_seed() -> None:
    runs = [measured("pinn", s, e) for s, e in enumerate((1e-1, 3e-1, 2e-1))]
    runs += [measured("ilsr", s, e) for s, e in enumerate((1e-8, 4e-8, 2e-8))]
    text = shown(runs, ("pinn", "ilsr"))
    for words in ("2.0e-01", "(3.0e-01)", "2.0e-08", "(4.0e-08)", "1.0e+07", "2.0 s", "worst"):
        assert words in text
    assert "estimated" not in text


def test_an_error_against_zero_is_called_absolute() -> None:
    u = pl.unknown("u", X)
    nothing = pl.Problem(
        "rod", pl.Interval(X, 0, 1), [u.diff(X, 2)], [pl.Dirichlet(u, 0)], reference=sp.Integer(0)
    )
    solution = pl.solve(nothing, "lsr", hidden=(8,), points=50, weight_scale=1.0)
    found = measurement_of(solution, "rod", "lsr", 0)
    assert found.absolute
    assert "rod, absolute" in shown([found], ("lsr",))
    assert "absolute" not in shown([replace(found, absolute=False)], ("lsr",))


def test_one_seed_has_no_worst_one() -> None:
    text = shown([measured("pinn", 0, 0.1), measured("ilsr", 0, math.inf)], ("pinn", "ilsr"))
    assert "worst" not in text
    assert "(" not in text
    assert "inf" in text


def test_the_footer_shows_how_good_estimates_are() -> None:
    runs = [measured("ilsr", s, 1e-4, e) for s, e in enumerate((1e-4, 5e-5, 3e-4, None))]
    quality = estimate_quality(runs)
    assert quality is not None
    assert quality.count == 3
    assert (quality.smallest, quality.middle, quality.largest) == pytest.approx((0.5, 1.0, 3.0))
    text = shown(runs, ("ilsr",))
    assert "estimated / true error over 3 runs: min 0.5, median 1, max 3" in " ".join(text.split())


def test_the_footer_shows_the_largest_rise_of_an_error() -> None:
    falling, rising = measured("ilsr", 0, 1e-4), measured("ilsr", 1, 1e-4)
    falling = replace(falling, curve=((1.0, 1e-2), (2.0, 1e-3), (3.0, 1e-3)))
    rising = replace(rising, curve=((1.0, 1e-2), (2.0, 1e-4), (3.0, 1.5e-4)))
    assert largest_rise([]) is None
    assert largest_rise([falling]) == (1.0, falling)
    ratio, run = largest_rise([falling, rising]) or (0.0, None)
    assert (ratio, run) == (pytest.approx(1.5), rising)
    assert "in a row: 1.5, " in " ".join(shown([falling, rising], ("ilsr",)).split())


def test_the_footer_compares_time_limits() -> None:
    errors = {3.0: 1e-4, 5.0: 1e-6, 8.0: 4e-6, 12.0: 2e-6}
    runs = [replace(measured("ilsr", 0, e), time_limit=s) for s, e in errors.items()]
    done = replace(runs[3], status="precision-limited")
    assert largest_loss(runs[:1]) is None
    assert largest_loss(runs) == (pytest.approx(4.0), runs[2])
    assert largest_loss(runs[:2]) == (pytest.approx(0.01), runs[1])
    assert least_use(runs) == (pytest.approx(2 / 12), runs[3])
    assert least_use([*runs[:3], done]) == (pytest.approx(2 / 8), runs[2])
    text = " ".join(shown(runs, ("ilsr",)).split())
    loss, use = "4, rod by ilsr with seed 0, 8 s", "precision-limited: 0.17"
    for words in ("rod, 3 s", "rod, 12 s", loss, use):
        assert words in text


def test_json_has_every_run_and_no_number_that_is_not_finite(
    found: list[Measurement], tmp_path: Path
) -> None:
    runs = [*found, measured("ilsr", 1, math.inf), measured("lsr", 1, 1e-3, 2e-3)]
    path = tmp_path / "suite.json"
    write_runs(path, runs, time_limit=20.0)
    content = json.loads(path.read_text())
    assert content["time_limit"] == 20.0
    assert content["machine"]["threads"] >= 1
    *kept, diverged, estimated = content["runs"]
    assert set(diverged) == {field.name for field in fields(Measurement)}
    for run, m in zip(kept, found, strict=True):
        assert (run["problem"], run["method"], run["seed"]) == (m.problem, m.method, m.seed)
        assert run["relative_l2"] == (m.relative_l2 if math.isfinite(m.relative_l2) else None)
        assert [seconds for seconds, _ in run["curve"]] == [seconds for seconds, _ in m.curve]
    assert diverged["relative_l2"] is diverged["time_limit"] is None
    assert diverged["curve"] == [[1.0, None], [2.0, None]]
    assert (estimated["relative_l2"], estimated["error_estimate"]) == (1e-3, 2e-3)


def test_an_executor_measures_the_same_in_the_same_order() -> None:
    told: list[Measurement] = []
    arguments = [rod(), decay()], competitors_named(["lsr", "random-features"]), [20.0], (0, 1)
    alone = measure_suite(*arguments, changes=SMALL)
    with ThreadPoolExecutor(2) as executor:
        found = measure_suite(*arguments, told.append, SMALL, executor)
    names = [(m.problem, m.method, m.seed) for m in found]
    assert names == [(m.problem, m.method, m.seed) for m in alone]
    assert sorted(m.problem for m in told) == sorted(m.problem for m in found)
    for a, b in zip(alone, found, strict=True):
        assert b.relative_l2 == pytest.approx(a.relative_l2, rel=0.1, abs=1e-12)
