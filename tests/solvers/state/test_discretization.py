"""A discretization goes on with other networks and plans, and where it was cut."""

from __future__ import annotations

import torch
from solver_cases import poisson, started

from pdelsr.networks import MLP
from pdelsr.solvers.state.candidate import Candidate


def test_it_returns_to_an_earlier_network_and_its_plan() -> None:
    found = started(poisson()).discretization
    plan, network, before = found.plan, found.network, Candidate.of_network(found.network)
    found.replace_network(MLP(1, 1, (3,)), plan.scaled(2))
    assert found.plan is not plan
    assert found.heldout.network is found.network is not network
    network.set_vector(torch.zeros_like(before.theta))
    found.return_to(before, plan)
    assert found.plan is plan
    assert found.heldout.network is found.network is network
    assert torch.equal(network.get_vector(), before.theta)
    found.replace_network(MLP(1, 1, (3,)))
    assert found.plan is plan


def test_points_of_an_earlier_fit_are_taken_up() -> None:
    found = started(poisson()).discretization
    first = found.fresh_residual()
    assert found.fresh_residual() is found.training is not first
    found.take_up(first)
    assert found.training is first


def test_it_goes_on_where_it_was_cut() -> None:
    whole, cut = (started(poisson()).discretization for _ in range(2))
    whole.fresh_residual()
    torch.rand(3, generator=whole.generator)
    state = whole.generator.get_state()
    cut.resume(whole.plan, whole.training, whole.rounds, state)
    assert cut.training is whole.training
    draws = [torch.rand(5, generator=each.generator) for each in (whole, cut)]
    assert torch.equal(*draws)
    points = [each.fresh_residual().blocks[0].sites[0] for each in (whole, cut)]
    assert torch.equal(*points)
