"""Operators, their data, and the separable form of J V."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import sympy as sp
import torch

import pdelsr as pl
from pdelsr.linearize import Identity
from pdelsr.operators import DeepONet, MultiONet, Separable, periodic_burgers, train
from pdelsr.operators.burgers import at_points, initial_modes
from pdelsr.regression.model import Model
from pdelsr.regression.products import JacobianTimes
from pdelsr.regression.separable import SeparableTimes

GRID = torch.linspace(-1, 1, 9, dtype=torch.float64)[:, None]
OPERATORS = [DeepONet, MultiONet]


def operator(kind: type, activation: str = "tanh") -> pl.operators.Separable:
    return kind(5, GRID, (7, 6), activation, seed=2)


def functions(n: int = 11) -> torch.Tensor:
    return torch.randn(n, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("kind", OPERATORS)
@pytest.mark.parametrize("activation", ["relu", "tanh", "tanh-sin"])
def test_the_output_is_the_sum_of_products(kind, activation) -> None:
    net, a = operator(kind, activation), functions()
    layers = zip(net.branch_network(a), net.trunk_network(GRID), strict=True)
    products = [b @ t.T for b, t in layers]
    expected = products[-1] if kind is DeepONet else sum(products) / 2
    torch.testing.assert_close(net(a), expected + net.bias)
    other = net.at(GRID[:3])
    torch.testing.assert_close(other(a), net(a)[:, :3])
    assert other.bias is net.bias


@pytest.mark.parametrize("kind", OPERATORS)
@pytest.mark.parametrize("share", [1.0, 0.4])
@pytest.mark.parametrize("rank", [None, 8])
def test_the_separable_product_is_that_of_rows(kind, share, rank) -> None:
    a = functions()
    model = Model(operator(kind), share, torch.Generator().manual_seed(0))
    V = Identity(model.size) if rank is None else torch.randn(model.size, rank, dtype=torch.float64)
    expected = JacobianTimes(model, V, "rows", (a,))((a,))
    for budget in (None, 2000):
        times = SeparableTimes(model, V, (a,), budget)
        assert times.rank == expected.shape[2]
        torch.testing.assert_close(times((a,)), expected, rtol=1e-10, atol=1e-12)
        narrow = times.narrowed(3)
        assert narrow.rank == 3
        torch.testing.assert_close(narrow((a,)), expected[..., :3], rtol=1e-10, atol=1e-12)


class Plain(Separable):
    """Without a way of its own to move directions, and with a frozen layer."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.register_buffer("points", GRID)
        self.first = torch.nn.Linear(5, 4).double().requires_grad_(False)
        self.second = torch.nn.Linear(4, 3).double()
        self.third = torch.nn.Linear(1, 3).double()

    def branch(self, a: torch.Tensor) -> torch.Tensor:
        return self.second(torch.tanh(self.first(a)))

    def trunk(self, points: torch.Tensor) -> torch.Tensor:
        return torch.sin(self.third(points))

    def offset(self, points: torch.Tensor) -> torch.Tensor:
        return self.third.bias[:1].expand(len(points), 1)


@pytest.mark.parametrize("share", [1.0, 0.6])
@pytest.mark.parametrize("rank", [None, 4])
def test_other_separable_modules_go_the_general_way(share: float, rank: int | None) -> None:
    a = functions()
    model = Model(Plain(), share, torch.Generator().manual_seed(0))
    V = Identity(model.size) if rank is None else torch.randn(model.size, rank, dtype=torch.float64)
    times = SeparableTimes(model, V, (a,))
    expected = JacobianTimes(model, V, "rows", (a,))((a,))
    torch.testing.assert_close(times((a,)), expected, rtol=1e-10, atol=1e-12)
    narrow = times.narrowed(2)
    torch.testing.assert_close(narrow((a,)), expected[..., :2], rtol=1e-10, atol=1e-12)


def test_a_frozen_layer_of_an_operator_does_not_move() -> None:
    net = operator(MultiONet)
    net.branch_network.layers[0].requires_grad_(False)
    net.trunk_network.layers[1].weight.requires_grad_(False)
    a = functions()
    model = Model(net, 1.0, torch.Generator())
    V = torch.randn(model.size, 6, dtype=torch.float64)
    expected = JacobianTimes(model, V, "columns", (a,))((a,))
    torch.testing.assert_close(SeparableTimes(model, V, (a,))((a,)), expected)


class Doubled(DeepONet):
    """No longer the sum of products that its factors tell."""

    def forward(self, a: torch.Tensor) -> torch.Tensor:
        return 2 * super().forward(a)


def test_a_forward_of_its_own_is_not_taken_apart() -> None:
    net, a = Doubled(5, GRID, (4, 4)), functions(30)
    targets = a[:, :1] * GRID[:, 0]
    one, other = (pl.refine(net, a, targets, rank=20, products=w) for w in ("auto", "rows"))
    torch.testing.assert_close(one(a), other(a), rtol=0.0, atol=1e-9)
    with pytest.raises(pl.SettingsError, match="needs a Separable module with its own forward"):
        pl.refine(net, a, targets, rank=3, products="separable")


@pytest.mark.parametrize("kind", OPERATORS)
def test_refined_operators_are_the_same_by_either_way(kind) -> None:
    a = functions(40)
    targets = torch.sin(a[:, :1] * GRID[:, 0]) + 0.1 * a[:, 1:2]
    one, other = (
        pl.refine(operator(kind), a, targets, rank=60, products=way)
        for way in ("separable", "rows")
    )
    torch.testing.assert_close(one(a), other(a), rtol=0.0, atol=1e-9)
    assert one.history[-1].train < 0.3 * one.history[0].train


def test_other_modules_are_not_separable() -> None:
    net = torch.nn.Linear(5, 9).double()
    with pytest.raises(pl.SettingsError, match="needs a Separable module"):
        pl.refine(net, functions(), functions()[:, :1].expand(-1, 9), rank=3, products="separable")


def test_training_lowers_the_loss_and_repeats() -> None:
    a = functions(64)
    targets = a[:, :1] * GRID[:, 0]
    seen: list[int] = []
    losses = []
    for _ in range(2):
        net = operator(DeepONet)
        found = train(net, a, targets, 30, 16, 1e-2, callback=lambda e, loss: seen.append(e))
        losses.append(found)
    assert losses[0] == losses[1]
    assert losses[0][-1] < 0.5 * losses[0][0]
    assert seen == [*range(30)] * 2
    relative = train(operator(DeepONet), a, targets, 30, 16, 1e-2, loss="relative")
    assert relative[-1] < 0.5 * relative[0] < 2.0
    with pytest.raises(pl.SettingsError, match="loss is 'huber': choose one of mse, absolute, "):
        train(operator(DeepONet), a, targets, 1, loss="huber")
    with pytest.raises(pl.SettingsError, match="64 inputs and 3 targets"):
        train(operator(DeepONet), a, targets[:3], 1)
    with pytest.raises(pl.SettingsError, match="the loss is not finite in epoch 0"):
        train(operator(DeepONet), a, targets * torch.nan, 1)


@pytest.mark.slow
def test_the_data_solve_the_equation() -> None:
    """Against the Fourier reference, from an initial value given as an expression."""
    data = periodic_burgers(3, points=16, nu=0.1, modes=48, steps=500, seed=4, odd=False)
    v = initial_modes(3, 16, 48, np.random.default_rng(4), False, 1.0)[1]
    x = sp.Symbol("x", real=True)
    angles = [sp.pi * k * (x + 1) for k in range(8)]
    terms = [
        2 * (float(c.real) * sp.cos(a) - float(c.imag) * sp.sin(a))
        for a, c in zip(angles, v[:8], strict=True)
    ]
    start = sum(terms[1:], float(v[0].real))
    reference = pl.reference.burgers(0.1, start, x=(-1, 1), t=(0, 1), panels=256)
    points = np.column_stack([data.points[:, 0].numpy(), np.ones(16)])
    assert np.abs(reference(points) - data.outputs[1].numpy()).max() < 1e-8


def test_the_data_have_converged() -> None:
    usual, finer = (
        periodic_burgers(5, modes=m, steps=s, seed=1) for m, s in ((192, 800), (256, 1600))
    )
    assert torch.equal(usual.inputs, finer.inputs)
    assert (usual.outputs - finer.outputs).abs().max() < 1e-8
    assert len(usual) == 5


@pytest.mark.parametrize("odd", [False, True])
@pytest.mark.parametrize("interval", [1.0, 2.0])
def test_the_initial_values_have_the_stated_distribution(odd: bool, interval: float) -> None:
    v = initial_modes(4000, 128, 64, np.random.default_rng(0), odd, interval)
    deviation = 49 / ((2 * np.pi / interval * np.arange(64)) ** 2 + 49)
    found = 2 * np.sqrt((np.abs(v) ** 2).mean(axis=0) / (1 if odd else 2))
    np.testing.assert_allclose(found[1:], deviation[1:], rtol=0.05)
    np.testing.assert_allclose(v[:, 0].real.std(), 0 if odd else 1 / np.sqrt(2), rtol=0.05)
    coarse, fine = at_points(v[:2], 128), at_points(v[:2], 256)
    np.testing.assert_allclose(coarse, fine[:, ::2], atol=1e-12)
    if odd:
        np.testing.assert_allclose(coarse[:, 1:], -coarse[:, :0:-1], atol=1e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DeepONet(5, GRID[:, 0]), "expected \\(p, d\\)"),
        (lambda: DeepONet(0, GRID), "expected positive widths"),
        (lambda: DeepONet(5, GRID, (4,), "step"), "activation 'step' is not known"),
        (lambda: periodic_burgers(0), "must be positive"),
        (lambda: periodic_burgers(1, points=900), "192 modes for 900 points"),
    ],
)
def test_bad_input_is_named(make, message) -> None:
    with pytest.raises(pl.SettingsError, match=message):
        make()


def test_operators_can_be_copied() -> None:
    net = operator(MultiONet)
    assert torch.equal(copy.deepcopy(net)(functions()), net(functions()))


def test_data_that_do_not_fit_are_told_by_the_training() -> None:
    operator = DeepONet(7, torch.linspace(0, 1, 9, dtype=torch.float64)[:, None], (6, 6))
    a, u = torch.zeros(5, 7, dtype=torch.float64), torch.zeros(5, 9, dtype=torch.float64)
    with pytest.raises(pl.SettingsError, match=r"DeepONet fails on inputs of shape \(5, 6\)"):
        train(operator, a[:, 1:], u, 1)
    with pytest.raises(pl.SettingsError, match=r"gives \(5, 9\) .* and the targets are \(5, 8\)"):
        train(operator, a, u[:, 1:], 1)
