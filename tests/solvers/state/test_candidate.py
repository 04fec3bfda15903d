"""States of a network that moves on: they are evaluated where they were, and move nothing."""

from __future__ import annotations

import weakref

import pytest
import torch
from solver_cases import heat, started

from pdelsr.networks import MLP, ModuleNetwork, Network, closure
from pdelsr.solvers.state.candidate import Candidate

X = torch.linspace(0, 1, 14, dtype=torch.float64).reshape(7, 2)
INDICES = closure(((2, 0), (0, 1)))


def hard_network() -> Network:
    """u = g + D N of a problem with hard conditions."""
    return started(heat(), "lsr", hard=True).network


def module() -> Network:
    inner = torch.nn.Sequential(torch.nn.Linear(2, 5), torch.nn.Tanh(), torch.nn.Linear(5, 1))
    return ModuleNetwork(inner.double(), 2, 1)


NETWORKS = {"mlp": lambda: MLP(2, 1, (5, 5)), "hard": hard_network, "module": module}


@pytest.mark.parametrize("refined", [False, True])
@pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)
def test_a_predictor_leaves_the_network_where_it_is(make, refined: bool) -> None:
    network = make()
    theta = network.get_vector()
    candidate = Candidate(network, theta, torch.full_like(theta, 0.1) if refined else None)
    with torch.no_grad():
        there = candidate.predictor()(X, INDICES)
        network.set_vector(2 * theta)
        found = candidate.predictor()(X, INDICES)
    assert torch.equal(found, there)  # a copy has the same bits
    assert torch.equal(network.get_vector(), 2 * theta)


def test_nothing_is_copied_where_the_network_has_not_moved() -> None:
    network = MLP(2, 1, (5, 5))
    candidate = Candidate.of_network(network)
    assert candidate.at_theta() is network
    assert candidate.predictor() is network


def test_a_copy_lives_no_longer_than_what_is_made_of_it() -> None:
    network = MLP(2, 1, (5, 5))
    candidate = Candidate.of_network(network)
    network.set_vector(torch.zeros_like(candidate.theta))
    predictor = candidate.predictor()
    copied = weakref.ref(predictor)
    assert copied() is not network
    del predictor
    assert copied() is None


def test_a_network_is_moved_where_that_is_asked_for() -> None:
    network = MLP(2, 1, (5, 5))
    candidate = Candidate.of_network(network)
    network.set_vector(torch.zeros_like(candidate.theta))
    candidate.move_network()
    assert torch.equal(network.get_vector(), candidate.theta)
