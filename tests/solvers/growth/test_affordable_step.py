"""The next step of a search among untrained networks, from times, sizes and limits alone."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from pdelsr.solvers.growth.affordable_step import (
    ALIGNMENT,
    LEAST_GROWTH,
    LEAST_POINTS,
    MARGIN,
    MORE_POINTS,
    POWERS,
    USUAL_POWER,
    WIDENING,
    Kind,
    Situation,
    next_step,
    power_of,
    wanted_step,
    widening,
)
from pdelsr.solvers.run.network_maker import Gains

NOW = Situation(
    parameters=1000,
    most=5000,
    seconds=1.0,
    power=3.0,
    left=math.inf,
    pays=True,
    enough=False,
    done=False,
)


def test_without_a_time_limit_networks_double_while_that_pays() -> None:
    step = next_step(NOW)
    assert (step.kind, step.parameters) == (Kind.GROW, 2000)
    assert next_step(replace(NOW, pays=False)).kind is Kind.ALIGN
    assert next_step(replace(NOW, pays=False, enough=True)).kind is Kind.STOP


def test_growth_goes_as_far_as_limit_and_memory_allow() -> None:
    step = next_step(replace(NOW, parameters=4000))
    assert (step.kind, step.parameters) == (Kind.GROW, 5000)
    assert next_step(replace(NOW, parameters=4900)).kind is Kind.ALIGN
    assert next_step(replace(NOW, parameters=4900, enough=True)).kind is Kind.STOP


def test_what_is_at_rounding_ends() -> None:
    for now in (NOW, replace(NOW, left=100.0), replace(NOW, enough=True)):
        assert next_step(replace(now, done=True)).kind is Kind.STOP
        assert wanted_step(replace(now, done=True)) is None


@pytest.mark.parametrize("power", POWERS)
@pytest.mark.parametrize("left", [2.0, 3.0, 4.0])
def test_a_growth_takes_the_time_that_is_left(left: float, power: float) -> None:
    step = next_step(replace(NOW, left=left, power=power))
    assert step.kind is Kind.GROW
    assert LEAST_GROWTH <= step.parameters / NOW.parameters <= 2
    assert 0.98 * left <= step.seconds <= left


def test_the_growth_rises_with_the_time() -> None:
    sizes = [
        next_step(replace(NOW, left=MARGIN * factor**3)).parameters
        for factor in (1.2, 1.5, 1.9, 2.5, 10)
    ]
    assert sizes == pytest.approx([1200, 1500, 1900, 2000, 2000], abs=1)


def test_a_growth_takes_what_would_be_too_little_for_another_network() -> None:
    for factor, found in ((2.1, 2.1), (2.15, 2.15), (2.3, 2.0)):
        step = next_step(replace(NOW, left=MARGIN * factor**NOW.power))
        assert step.parameters == pytest.approx(1000 * found, abs=1)


@pytest.mark.parametrize("enough", [False, True])
def test_without_time_for_a_growth_another_network_is_tried(enough: bool) -> None:
    for left in (0.25, 0.5, 1.0, 1.5):
        step = next_step(replace(NOW, left=left, enough=enough))
        assert (step.kind, step.parameters) == (Kind.AGAIN, 1000)
        assert step.points == pytest.approx(left / MARGIN)
        assert step.seconds <= left * (1 + 1e-12)
    assert next_step(replace(NOW, left=0.9 * LEAST_POINTS)).kind is Kind.STOP


def test_what_pays_no_more_is_tried_again_or_aligned() -> None:
    stalled = replace(NOW, left=100.0, pays=False)
    assert next_step(stalled).kind is Kind.ALIGN
    step = next_step(replace(stalled, enough=True))
    assert (step.kind, step.points) == (Kind.AGAIN, MORE_POINTS)


def test_of_no_time_nothing_is_made() -> None:
    for left in (0.0, -1.0):
        assert next_step(replace(NOW, left=left)).kind is Kind.STOP


def test_less_than_a_sixth_of_the_time_is_left_over() -> None:
    """From any limit on that leaves time for a second refinement."""
    for limit in (3, 5, 8, 12, 20, 30, 60):
        now, spent = replace(NOW, seconds=0.3, left=limit - 1.3), 1.3
        while True:
            step = next_step(now)
            if step.kind is Kind.STOP:
                break
            spent += step.seconds
            grown = step.parameters / now.parameters
            now = replace(
                now,
                parameters=step.parameters,
                seconds=now.seconds * grown**now.power,
                left=limit - spent,
                pays=grown > 1 or now.pays,
                enough=step.parameters >= 4300,
            )
        assert 0.85 * limit <= spent <= limit


def test_the_power_of_the_time_is_learned() -> None:
    assert power_of([]) == USUAL_POWER
    assert power_of([(1000, 1.0)]) == USUAL_POWER
    assert power_of([(1000, 1.0), (2000, 2**2.5)]) == pytest.approx(2.5)
    assert power_of([(1000, 1.0), (2000, 2.1)]) == POWERS[0]
    assert power_of([(1000, 1.0), (2000, 100.0)]) == POWERS[1]
    assert power_of([(1000, 1.0), (2000, 5.0), (2000, 6.0)]) == pytest.approx(math.log2(6))
    assert power_of([(1000, 5.0), (2000, 4.0)]) == USUAL_POWER  # times that are noise


def time_for(factor: float, alignments: float = 0) -> float:
    """Seconds that a growth of `NOW` takes, with alignments after it."""
    return MARGIN * (1 + alignments * ALIGNMENT) * factor**NOW.power


def test_an_alignment_comes_before_a_growth_that_gains_less() -> None:
    now = replace(NOW, left=time_for(1.5))
    assert next_step(now).kind is Kind.GROW
    aligning = replace(now, gains=Gains(alignment=100.0, doubling=20.0))
    assert next_step(aligning).kind is Kind.ALIGN
    assert next_step(replace(aligning, gains=Gains(3.0, 20.0))).kind is Kind.GROW
    assert next_step(replace(aligning, enough=True)).kind is Kind.GROW
    assert next_step(replace(aligning, left=math.inf)).kind is Kind.GROW


def test_the_last_growth_leaves_time_for_an_alignment() -> None:
    now = replace(NOW, left=time_for(1.5, 1), gains=Gains(alignment=100.0, doubling=20.0))
    step = next_step(now)
    assert (step.kind, step.parameters) == (Kind.GROW, pytest.approx(1500, abs=1))
    alone = next_step(replace(now, gains=Gains(2.0, 1000.0)))
    assert (alone.kind, alone.parameters) == (Kind.GROW, 2000)


def test_an_alignment_of_a_few_steps_is_worth_nothing() -> None:
    aligning = replace(NOW, gains=Gains(alignment=100.0, doubling=2.0))
    assert next_step(replace(aligning, left=1.5)).kind is Kind.AGAIN


def test_what_would_come_next_is_told_with_its_time() -> None:
    step = wanted_step(replace(NOW, parameters=2450, seconds=2.0, left=1.0))
    assert step is not None
    assert str(step) == "a larger untrained network with 4,900 parameters, about 18 s"
    assert wanted_step(replace(NOW, pays=False)) is None
    assert wanted_step(replace(NOW, parameters=4900)) is None


@pytest.mark.parametrize("power", [2.0, 3.0])
def test_aligned_networks_grow_by_a_fixed_factor_until_the_last_growth(power: float) -> None:
    one = MARGIN * 10 * WIDENING**power  # an iteration after that growth
    assert widening(10.0, power, math.inf) == WIDENING
    assert widening(0.0, power, 100.0) == WIDENING  # no iteration was timed
    assert widening(10.0, power, 3 * one) == WIDENING
    left = one * (1 + LEAST_GROWTH**power)
    for share in (0.99, 0.5, 0.25, 0.1):
        factor = widening(10.0, power, share * left)
        needed = MARGIN * 10 * factor**power
        assert needed == pytest.approx(share * left) or factor == 2
        assert needed <= share * left * (1 + 1e-12)
    assert widening(10.0, power, -1.0) == 0
