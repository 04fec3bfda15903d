"""Jets by Taylor propagation against nested forward mode, which knows nothing of Taylor."""

from __future__ import annotations

import pytest
import torch
from network_cases import INDEX_SETS, NETWORKS, assert_close, normal, points

from pdelsr.networks import (
    ACTIVATIONS,
    MLP,
    IndexSet,
    ModifiedMLP,
    ModuleNetwork,
    UserActivation,
    closure,
)

IN_DIMENSIONS = {
    1: closure(((4,),)),
    2: closure(((4, 0), (2, 2), (1, 3))),
    3: closure(((2, 1, 1), (0, 0, 4))),
    4: closure(((1, 1, 1, 1), (0, 2, 0, 2))),
    5: closure(((2, 0, 0, 0, 0), (0, 0, 2, 0, 2), (0, 1, 0, 1, 0))),
}


@pytest.mark.parametrize("indices", INDEX_SETS.values(), ids=INDEX_SETS)
@pytest.mark.parametrize("name", NETWORKS)
def test_taylor_agrees_with_nested_forward_mode(name: str, indices: IndexSet) -> None:
    network, x = NETWORKS[name](), points(3)
    assert_close(network(x, indices), ModuleNetwork(network, 2)(x, indices))


@pytest.mark.parametrize("d", IN_DIMENSIONS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_to_order_four_in_up_to_five_dimensions(activation: str, d: int) -> None:
    network = MLP(d, 1, (6, 5), activation=activation, weight_scale=1.5, seed=d)
    x = points(3, d)
    assert_close(network(x, IN_DIMENSIONS[d]), ModuleNetwork(network, d)(x, IN_DIMENSIONS[d]))


def test_user_activation() -> None:
    cubic = UserActivation(
        (lambda z: z**3, lambda z: 3 * z**2, lambda z: 6 * z, lambda z: 6 + 0 * z)
    )
    network, x = ModifiedMLP(2, 1, (5, 5), activation=cubic), points(3)
    indices = closure(((2, 0), (1, 1)))
    assert_close(network(x, indices), ModuleNetwork(network, 2)(x, indices))


@pytest.mark.parametrize("name", NETWORKS)
def test_value_of_the_jet_is_the_plain_forward(name: str) -> None:
    network, x = NETWORKS[name](), points(4)
    values = network(x)
    assert values.shape == (4, network.out_features)
    assert_close(network(x, INDEX_SETS["heat"])[0], values, 1e-14)


@pytest.mark.parametrize("name", NETWORKS)
def test_jet_gives_exactly_the_entries_asked_for(name: str) -> None:
    network, x = NETWORKS[name](), points(4)
    asked = [(0, 2), (1, 0), (0, 2)]
    full = network(x, closure(tuple(asked)))
    positions = closure(tuple(asked)).positions
    torch.testing.assert_close(network.jet(x, asked), full[[positions[i] for i in asked]])


@pytest.mark.parametrize("name", [name for name in NETWORKS if "periodic" in name])
def test_periodic_networks_repeat_in_every_derivative(name: str) -> None:
    network, x, indices = NETWORKS[name](), points(4), INDEX_SETS["mixed"]
    shifted = x.clone()
    for axis, period in network.settings()["periodic"].items():
        shifted[:, axis] += period
    assert_close(network(shifted, indices), network(x, indices), 1e-11)


@pytest.mark.parametrize("name", NETWORKS)
def test_training_on_jets_reaches_every_parameter(name: str) -> None:
    network, x, indices = NETWORKS[name](), points(4), INDEX_SETS["heat"]
    generic = ModuleNetwork(network, 2)
    weights = normal(len(indices), 4, network.out_features)
    parameters = list(network.parameters())
    fast = torch.autograd.grad((network(x, indices) * weights).sum(), parameters)
    slow = torch.autograd.grad((generic(x, indices) * weights).sum(), parameters)
    for a, b in zip(fast, slow, strict=True):
        assert_close(a, b)


def test_second_derivatives_by_parameters() -> None:
    network, x, indices = MLP(2, 1, (5, 4)), points(3), INDEX_SETS["heat"]
    direction = normal(network.parameter_count)

    def curvature(jet_of) -> torch.Tensor:
        parameters = list(network.parameters())
        loss = jet_of(x, indices).square().sum()
        slopes = torch.autograd.grad(loss, parameters, create_graph=True)
        slope = torch.cat([s.reshape(-1) for s in slopes]) @ direction
        return torch.cat([g.reshape(-1) for g in torch.autograd.grad(slope, parameters)])

    assert_close(curvature(network), curvature(ModuleNetwork(network, 2)))


def test_nested_forward_mode_through_a_jet() -> None:
    network, x, indices = ModifiedMLP(2, 1, (5, 5)), points(3), INDEX_SETS["first"]
    axis = torch.zeros_like(x)
    axis[:, 0] = 1.0

    def slope(x: torch.Tensor) -> torch.Tensor:
        return torch.func.jvp(lambda x: network(x, indices)[1], (x,), (axis,))[1]

    third = torch.func.jvp(slope, (x,), (axis,))[1]
    assert_close(third, network.jet(x, [(3, 0)])[0])


@pytest.mark.parametrize("name", NETWORKS)
def test_single_precision(name: str) -> None:
    network, indices = NETWORKS[name](), INDEX_SETS["heat"]
    exact = network(points(4), indices)
    jet = network.to(torch.float32)(points(4, dtype=torch.float32), indices)
    assert jet.dtype == torch.float32
    assert_close(jet.double(), exact, 1e-4)
