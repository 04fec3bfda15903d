"""The pseudo-time residual and the signs that make it stable."""

from __future__ import annotations

import pytest
import torch
from solver_cases import heat, poisson, poisson_2d, started, system

from pdelsr.linearize import RefinedPredictor
from pdelsr.solvers.descent.pseudo_time import pseudo_time_residual, stable_signs


@pytest.mark.parametrize("hard", [False, True], ids=["soft", "hard"])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("problem", "sign", "expected"),
    [
        (poisson, -1, 1),
        (poisson, 1, -1),
        (poisson_2d, -1, 1),
        (poisson_2d, 1, -1),
        (heat, 1, 1),
        (heat, -1, -1),
    ],
    ids=["-u''", "u''", "-Δu", "Δu", "u_t - u_xx", "u_xx - u_t"],
)
def test_signs_of_both_orientations(problem, sign, expected, seed: int, hard: bool) -> None:
    context = started(problem(sign), "tsonn", seed=seed, hard=hard)
    signs = stable_signs(context.heldout, context.discretization.generator)
    kinds = [b.block.kind for b in context.heldout.blocks]
    assert signs == tuple(expected if kind == "equation" else 0 for kind in kinds)


def test_signs_leave_the_network_alone() -> None:
    context = started(heat(), "tsonn")
    theta = context.network.get_vector()
    stable_signs(context.heldout, context.discretization.generator)
    assert torch.equal(context.network.get_vector(), theta)


def test_the_loss_at_the_previous_state_is_that_of_the_residual() -> None:
    context = started(heat(), "tsonn")
    residual = context.fresh_residual()
    signs = stable_signs(residual, context.discretization.generator)
    step = pseudo_time_residual(residual, context.network, 0.3, signs)
    loss = step.loss()()
    assert loss.item() == pytest.approx(residual.evaluate().square().sum().item())


@pytest.mark.parametrize("problem", [heat, system], ids=["heat", "system"])
def test_the_loss_is_the_formula(problem) -> None:
    context = started(problem(), "tsonn")
    residual, network = context.fresh_residual(), context.network
    signs = tuple(-1 if b.block.kind == "equation" else 0 for b in residual.blocks)
    previous = RefinedPredictor(network, torch.full((network.parameter_count,), 0.01).double())
    loss = pseudo_time_residual(residual, previous, 0.5, signs).loss()().item()
    expected, equation = 0.0, 0
    with torch.no_grad():
        for bound, jet in zip(residual.blocks, residual.jets(), strict=True):
            F = bound.block.value(bound.columns, jet)
            if bound.block.kind == "equation":
                x = bound.sites[0]
                zero = residual.blocks[0].site_entries[0].indices
                change = (network(x, zero) - previous(x, zero))[0, :, equation]
                F, equation = change / 0.5 - F, equation + 1
            expected += (bound.scale * F).square().sum().item()
    assert loss == pytest.approx(expected)
