"""Operators into whose networks a user has put other parts."""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

import pdelsr as pl
from pdelsr.operators import DeepONet, MultiONet
from pdelsr.regression.separable import is_separable

F64 = torch.float64
POINTS = torch.linspace(0, 1, 12, dtype=F64)[:, None]


class Doubled(nn.Module):
    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return 2 * weight


class Sum(nn.Linear):
    """A layer with a second, low-rank part, as LoRA has it."""

    def __init__(self) -> None:
        super().__init__(6, 10, dtype=F64)
        self.low = nn.Parameter(torch.randn(6, dtype=F64))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) + (x @ self.low)[:, None]


class Twice(DeepONet):
    def branch(self, a: torch.Tensor) -> torch.Tensor:
        return 2 * super().branch(a)


def with_prelu(one: DeepONet) -> None:
    one.branch_network.activations[0] = nn.PReLU(dtype=F64)


def with_softmax(one: DeepONet) -> None:
    one.branch_network.activations[0] = nn.Softmax(dim=1)


def with_parametrization(one: DeepONet) -> None:
    parametrize.register_parametrization(one.trunk_network.layers[0], "weight", Doubled())


def with_hook(one: DeepONet) -> None:
    one.branch_network.layers[0].register_forward_hook(lambda layer, x, y: 3 * y)


def with_hook_on_all(one: DeepONet) -> None:
    one.register_forward_hook(lambda module, x, y: 3 * y)


def with_subclass(one: DeepONet) -> None:
    one.branch_network.layers[0] = Sum()


def with_norm(one: DeepONet) -> None:
    layer = one.branch_network.layers[0]
    one.branch_network.layers[0] = nn.Sequential(layer, nn.LayerNorm(10, dtype=F64))


def with_tied_layers(one: DeepONet) -> None:
    one.trunk_network.layers[1].weight = one.branch_network.layers[1].weight


def with_a_shared_layer(one: DeepONet) -> None:
    one.trunk_network.layers[1] = one.branch_network.layers[1]


def with_a_method(one: DeepONet) -> None:
    one.branch = MethodType(lambda self, a: 2 * DeepONet.branch(self, a), one)


CHANGES = [
    with_prelu,
    with_softmax,
    with_parametrization,
    with_hook,
    with_hook_on_all,
    with_subclass,
    with_norm,
    with_tied_layers,
    with_a_shared_layer,
    with_a_method,
]


@pytest.mark.parametrize("change", [*CHANGES, None])
def test_derivatives_are_those_of_torch(change: Callable[[DeepONet], None] | None) -> None:
    torch.manual_seed(0)
    operator = (DeepONet if change else Twice)(6, POINTS, (10, 10))
    if change:
        change(operator)
    assert not (is_separable(operator) and operator.has_kernel)
    a = torch.randn(60, 6, dtype=F64)
    u = torch.sin(a.sum(dim=1, keepdim=True) + 3 * POINTS[:, 0])
    options = {"rank": 80, "basis": "coordinate"}
    plain = pl.refine(operator, a, u, products="rows", **options)
    found = pl.refine(operator, a, u, **options)
    torch.testing.assert_close(found(a), plain(a), rtol=1e-6, atol=1e-6)
    size = (found(a) - u).square().sum(dim=1).mean().sqrt().item()
    assert found.history[-1].train == pytest.approx(size, rel=1e-6)


@pytest.mark.parametrize("make", [DeepONet, MultiONet])
def test_known_activations_keep_the_fast_way(make: type[DeepONet | MultiONet]) -> None:
    operator = make(6, POINTS, (10, 10), "relu")
    assert operator.has_kernel
    operator.branch_network.activations[0] = nn.LeakyReLU()
    assert operator.has_kernel
    assert operator.branch_network.is_plain
    with_prelu(operator)
    assert not operator.has_kernel


class Pair(pl.operators.Separable):
    """A user's operator with tied weights in the branch."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("points", POINTS)
        self.first, self.second, self.last = (nn.Linear(k, 6, dtype=F64) for k in (6, 6, 1))
        self.second.weight = self.first.weight

    def branch(self, a: torch.Tensor) -> torch.Tensor:
        return self.second(torch.tanh(self.first(a)))

    def trunk(self, points: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.last(points))

    def offset(self, points: torch.Tensor) -> torch.Tensor:
        return 0 * points[:, :1]


def test_tied_weights_of_a_users_operator() -> None:
    torch.manual_seed(0)
    operator = Pair()
    a = torch.randn(40, 6, dtype=F64)
    u = torch.sin(a.sum(dim=1, keepdim=True) + 3 * POINTS[:, 0])
    found, plain = (
        pl.refine(operator, a, u, rank=40, basis="coordinate", products=way)
        for way in ("auto", "rows")
    )
    torch.testing.assert_close(found(a), plain(a), rtol=1e-6, atol=1e-6)


def test_other_networks_have_no_kernel() -> None:
    operator = DeepONet(6, POINTS, (10, 10))
    operator.branch_network = nn.Sequential(nn.Linear(6, 10, dtype=F64))
    assert not operator.has_kernel
