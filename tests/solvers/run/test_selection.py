"""Which of two assessed states is the better one, by their residuals at the held-out points."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from pdelsr.networks import ModuleNetwork
from pdelsr.solvers.run.assessed import Assessed
from pdelsr.solvers.run.selection import Selection, certainty, is_doubtless
from pdelsr.solvers.state.candidate import Candidate

N = 2000
FLOOR = 1e-8
GENERATOR = torch.Generator().manual_seed(0)
NETWORK = ModuleNetwork(nn.Linear(1, 1, dtype=torch.float64), 1, 1)


def noise() -> Tensor:
    return torch.randn(N, generator=GENERATOR, dtype=torch.float64)


def state(residual: Tensor, iteration: int = 1, refined: bool = True) -> Assessed:
    theta = NETWORK.get_vector()
    squares = residual.square() / N
    size = squares.sum().sqrt().item()
    size = size if math.isfinite(size) else math.inf
    candidate = Candidate(NETWORK, theta, torch.ones_like(theta) if refined else None)
    return Assessed(candidate, size, {"equation": size}, iteration, squares)


def offered(*states: Assessed) -> Selection:
    selection = Selection()
    for found in states:
        selection.offer(found, FLOOR)
    return selection


def test_a_tenth_less_at_all_points_is_better() -> None:
    f = noise()
    first, second = state(f), state(0.9 * f, 2)
    assert offered(first, second).best is second
    assert offered(second, first).best is second


def test_two_draws_of_the_same_residual_do_not_replace_each_other() -> None:
    states = [state(noise(), i + 1) for i in range(20)]
    assert offered(*states).best is states[0]


def test_a_corner_does_not_hide_a_gain_everywhere_else() -> None:
    f = noise()
    corner = torch.zeros_like(f)
    corner[:3] = 1.0
    first, second = state(f + 50 * corner), state(0.7 * f + 60 * corner, 2)
    assert second.objective > first.objective
    assert offered(first, second).best is second


def test_a_loss_beyond_doubt_is_no_gain_elsewhere() -> None:
    f = noise()
    layer = torch.zeros_like(f)
    layer[: N // 20] = 10.0
    assert not is_doubtless(state(0.7 * f + layer), state(f))


@pytest.mark.parametrize(("ratio", "kept"), [(0.5, True), (0.7, False), (1.1, False)])
def test_near_the_floor_only_a_large_fall_counts(ratio: float, kept: bool) -> None:
    f = 0.5 * FLOOR * noise()
    first, second = state(f), state(ratio * f, 2)
    assert (offered(first, second).best is second) == kept


@pytest.mark.parametrize(("ratio", "kept"), [(0.45, True), (0.2, False)])
def test_at_rounding_only_a_very_large_fall_counts(ratio: float, kept: bool) -> None:
    """A third network for the wave equation had 0.45 of the residual, and 1.7 of the error."""
    first, second, selection = (
        state(1e-11 * noise()),
        state(1e-11 * ratio * noise(), 2),
        Selection(),
    )
    for found in (first, second):
        selection.offer(found, FLOOR, 1e-10)
    assert (selection.best is first) is kept


def test_a_fall_near_the_floor_that_another_state_confirms_counts() -> None:
    f = 0.5 * FLOOR * noise()
    first, second, third, larger = (state(r * f, i) for i, r in enumerate((1, 0.8, 0.7, 0.9), 1))
    assert offered(first, second).best is first
    assert offered(first, second, larger).best is first
    assert offered(first, second, third).best is third


def test_a_state_above_the_floor_never_replaces_one_below() -> None:
    low, high = state(0.1 * FLOOR * noise()), state(10 * FLOOR * noise(), 2)
    assert offered(low, high).best is low


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_what_is_not_finite_never_wins(bad: float) -> None:
    f = noise()
    broken = torch.full_like(f, bad)
    first = state(f)
    assert offered(first, state(broken, 2)).best is first
    second = state(f, 1)
    assert offered(state(broken, 0, refined=False), second).best is second


def test_networks_in_training_go_by_their_residual_alone() -> None:
    f = noise()
    first, second = state(f, 1, refined=False), state(0.9999 * f, 2, refined=False)
    assert offered(first, second).best is second


def test_certainty_is_in_standard_errors() -> None:
    assert certainty(torch.zeros(5, dtype=torch.float64)) == 0.0
    assert certainty(torch.ones(25, dtype=torch.float64)) == pytest.approx(5.0)
    assert abs(certainty(noise())) < 4


def test_a_few_points_tell_as_well() -> None:
    """The certainty of n points is at most the root of n."""
    f = torch.tensor([3.0, 2.0, 1.0, 2.0], dtype=torch.float64)
    first, second = state(f), state(1e-6 * f, 2)
    assert offered(first, second).best is second
    assert offered(second, first).best is second


def blocks(objective: float, equation: float, boundary: float, iteration: int) -> Assessed:
    """A state with given root mean squares of two blocks."""
    rms = {"equation": equation, "boundary": boundary}
    found = state(objective * torch.ones(N, dtype=torch.float64), iteration)
    return replace(found, objective=objective, rms=rms)


def test_the_tolerance_comes_before_the_residual() -> None:
    selection = Selection(tolerance=0.5)
    for found, better in (
        (blocks(1.0, 0.1, 0.9, 1), True),
        (blocks(2.0, 0.4, 0.4, 2), True),
        (blocks(0.9, 0.1, 0.6, 3), False),
        (blocks(0.8, 0.1, 0.3, 4), True),
    ):
        assert selection.offer(found, FLOOR) is better
        assert (selection.best is found) is better
        assert selection.is_met is (selection.best is not None and selection.best.iteration > 1)


def test_a_state_that_is_kept_by_doubt_is_told(caplog: pytest.LogCaptureFixture) -> None:
    f = 0.5 * FLOOR * noise()
    with caplog.at_level("INFO", logger="pdelsr"):
        offered(state(f), state(0.9 * f, 2))
    assert "may be chance: the state of iteration 1 is kept" in caplog.text
