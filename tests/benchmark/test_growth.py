"""Growth: recovered slopes, sizes, table, and a measurement of a tiny step."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from pdelsr.benchmark.growth import (
    Growth,
    GrowthSettings,
    fit_slopes,
    growth_record,
    growth_table,
    measure_growth,
)
from pdelsr.benchmark.process import in_fresh_process
from pdelsr.benchmark.step import StepMeasurement, StepSettings, step_table, take_step
from pdelsr.resources.memory import peak_memory

TINY = GrowthSettings(
    width=8,
    layers=2,
    rows=100,
    rank=10,
    rows_tried=(50, 100, 200),
    widths_tried=(6, 8, 10),
    ranks_tried=(5, 10, 20),
    repeats=1,
)


def here(function: Callable[..., Any], *arguments: Any) -> Any:
    """Instead of a fresh process."""
    return function(*arguments)


def counted(function: Callable[..., Any], step: StepSettings, repeats: int) -> Growth:
    """Operations instead of seconds: n m r for the product, m r for the memory."""
    n, m, r = step.interior + step.boundary, step.hidden[0] ** 2, step.rank
    return Growth(n, m, r, 1e-9 * m * r**2, 1e-9 * n * m * r, 0.0, 1.0, 8 * m * r)


@pytest.mark.parametrize("slope", [-1.0, 0.0, 0.5, 2.0])
def test_slopes_of_power_laws_are_recovered(slope: float) -> None:
    sizes = [10, 30, 100, 200, 700]
    found = fit_slopes(sizes, [3.0 * s**slope for s in sizes])
    assert found.overall == pytest.approx(slope, abs=1e-10)
    assert found.upper == pytest.approx(slope, abs=1e-10)


def test_the_upper_half_sees_less_of_an_overhead() -> None:
    sizes = np.array([1.0, 10.0, 100.0, 1e3, 1e4])
    found = fit_slopes(list(sizes), list(sizes**2 + 1e4))
    assert found.overall < found.upper < 2.0
    assert found.upper > 1.7


def test_slopes_need_two_positive_values() -> None:
    assert math.isnan(fit_slopes([1, 2, 4], [0.0, 0.0, 1.0]).overall)
    assert fit_slopes([1, 2, 4], [0.0, 1.0, 2.0]).overall == pytest.approx(1.0)


def test_every_variable_grows_as_it_was_made_to() -> None:
    rows, parameters, rank = measure_growth(TINY, apply=counted)
    assert rows.sizes == [50, 100, 200]
    assert rank.sizes == [5, 10, 20]
    assert rows.slopes("product").overall == pytest.approx(1.0)
    assert parameters.slopes("product").overall == pytest.approx(1.0)
    assert rank.slopes("basis").overall == pytest.approx(2.0)
    assert rank.slopes("memory_bytes").upper == pytest.approx(1.0)
    assert growth_record(rows)["product"]["upper"] == pytest.approx(1.0)


def test_the_fixed_sizes_are_measured_once() -> None:
    told: list[Growth] = []
    measure_growth(TINY, told.append, counted)
    assert len(told) == 7


def test_a_step_is_measured() -> None:
    sweeps = measure_growth(TINY, apply=here)
    for sweep in sweeps:
        assert all(g.seconds > 0 for g in sweep.found)
        assert sweep.sizes == sorted(sweep.sizes)
    assert sweeps[0].found[0].parameters == 2 * 8 + 8 + 8 * 8 + 8 + 8 + 1


def test_a_fresh_process_measures_its_own_memory() -> None:
    ballast = np.ones(5 * 10**7)  # 400 MB that a child does not have
    found = in_fresh_process(peak_memory)
    assert 10**7 < found < peak_memory() - ballast.nbytes / 2


def test_the_table_holds_sizes_and_slopes() -> None:
    console = Console(width=130)
    with console.capture() as capture:
        console.print(growth_table(measure_growth(TINY, apply=counted)))
    text = capture.get()
    assert text.count("slope") == 4  # of three sweeps, and in the title
    for words in ("G V s", "memory MB", "1.00 (1.00)", "nan (nan)"):
        assert words in text


def test_defaults_vary_five_sizes_around_the_fixed_ones() -> None:
    settings = GrowthSettings()
    for varied in ("rows", "parameters", "rank"):
        steps = settings.steps(varied)
        assert len(steps) == 5
        assert settings.steps("rows")[1] in steps


def test_versions_of_the_step_agree() -> None:
    small = StepSettings((6, 6), 40, 8, 10)
    steps = {version: take_step(version, small) for version in ("published", "columns", "rows")}
    errors = [step.relative_l2 for step in steps.values()]
    assert errors == pytest.approx([errors[0]] * 3, rel=1e-6)
    found = [StepMeasurement(version, step, 2, 1) for version, step in steps.items()]
    assert len(step_table(found).rows) == 5
