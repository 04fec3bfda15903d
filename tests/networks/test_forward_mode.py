"""Derivatives along θ: written out as by torch's forward mode, and nothing that others see."""

from __future__ import annotations

import copy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from network_cases import INDEX_SETS, NETWORKS, assert_close, normal, points
from torch import Tensor, nn

from pdelsr.networks import MLP, ModuleNetwork, Network, UserActivation, closure
from pdelsr.networks.copies import own_containers
from pdelsr.networks.forward_mode import jvp
from pdelsr.networks.index_set import IndexSet


@pytest.mark.parametrize("indices", INDEX_SETS.values(), ids=INDEX_SETS)
@pytest.mark.parametrize("build", NETWORKS.values(), ids=NETWORKS)
def test_written_out_as_by_torch(build: Callable[[], Network], indices: IndexSet) -> None:
    network, x = build(), points(6)
    direction = normal(network.parameter_count)
    own = network.tangent_jet(x, indices, direction)
    by_torch = Network.tangent_jet(network, x, indices, direction)
    for found, expected in zip(own, by_torch, strict=True):
        assert_close(found, expected, 1e-12)
        assert not found.requires_grad


def test_frozen_parameters_do_not_move() -> None:
    network, x, indices = MLP(2, 1, (5, 4)), points(6), INDEX_SETS["heat"]
    network.affine_layers()[1].weight.requires_grad_(False)
    network.last.bias.requires_grad_(False)
    direction = normal(network.parameter_count)
    found = network.tangent_jet(x, indices, direction)[1]
    assert_close(found, Network.tangent_jet(network, x, indices, direction)[1], 1e-12)


def test_an_activation_with_too_few_derivatives_is_left_to_torch() -> None:
    cubic: list[Callable[[Tensor], Tensor]] = [
        lambda z: z**3,
        lambda z: 3 * z**2,
        lambda z: 6 * z,
    ]
    x, indices = points(6), INDEX_SETS["heat"]
    short, whole = (
        MLP(2, 1, (5, 4), activation=UserActivation([*cubic, *more]))
        for more in ((), (lambda z: 6 * torch.ones_like(z),))
    )
    direction = normal(short.parameter_count)
    found, expected = (n.tangent_jet(x, indices, direction)[1] for n in (short, whole))
    assert_close(found, expected, 1e-12)


class Doubled(MLP):
    """A subclass that is another function."""

    def forward(self, x: Tensor, indices: IndexSet | None = None) -> Tensor:
        return 2 * super().forward(x, indices)


def test_a_subclass_may_be_another_function() -> None:
    plain, doubled = MLP(2, 1, (5, 4)), Doubled(2, 1, (5, 4))
    direction = normal(plain.parameter_count)
    found, expected = (
        n.tangent_jet(points(6), INDEX_SETS["heat"], direction)[1] for n in (doubled, plain)
    )
    assert_close(found, 2 * expected, 1e-12)


def test_own_containers_share_the_tensors() -> None:
    module = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    module.append(module[0])
    own = own_containers(module)
    assert own is not module
    assert own[2] is own[0]
    for mine, theirs in zip(own.state_dict().values(), module.state_dict().values(), strict=True):
        assert mine.data_ptr() == theirs.data_ptr()


def test_nested_forward_mode() -> None:
    slope: Any = lambda x: jvp(torch.sin, (x,), (torch.ones_like(x),))[1]  # noqa: E731
    x = points(3)
    assert_close(jvp(slope, (x,), (torch.ones_like(x),))[1], -torch.sin(x), 1e-14)


KINDS: dict[str, Callable[[], Network]] = {
    "mlp": lambda: MLP(2, 1, (6, 5)),
    "subclass": lambda: Doubled(2, 1, (6, 5)),
    "module": lambda: ModuleNetwork(
        nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 1)).double(), 2
    ),
}


@pytest.mark.parametrize("build", KINDS.values(), ids=KINDS)
def test_every_way_to_use_a_network_beside_the_others(build: Callable[[], Network]) -> None:
    network, x, indices = build(), points(9), closure(((2, 0), (0, 1)))
    direction, seeds = normal(network.parameter_count), normal(len(indices), 9, 1)
    ways: list[Callable[[], Tensor]] = [
        lambda: network.tangent_jet(x, indices, direction)[1],
        lambda: network(x, indices).detach(),
        lambda: network(x).detach(),
        lambda: network.rows(x, indices, seeds),
        lambda: copy.deepcopy(network).get_vector(),
    ]
    torch.get_num_threads()
    alone = [way() for way in ways]
    with ThreadPoolExecutor(8, initializer=torch.get_num_threads) as pool:
        together = list(pool.map(lambda i: ways[i % len(ways)](), range(60)))
    for i, found in enumerate(together):
        assert torch.equal(found, alone[i % len(ways)])
