"""The kernel of layered operators: products of rows of J, without the rows."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import pdelsr as pl
from pdelsr.lstsq import kernel_ridge
from pdelsr.operators import DeepONet, MultiONet
from pdelsr.operators.networks import Operator

F64 = torch.float64
X = torch.linspace(-1, 1, 9, dtype=F64)[:, None]
OPERATORS = [
    lambda: DeepONet(7, X, [6, 5, 6], "tanh"),
    lambda: DeepONet(7, X, [6, 6], "relu", activates_trunk=True),
    lambda: MultiONet(7, X, [6, 5], "tanh-sin"),
    lambda: MultiONet(7, X, [6, 5], "tanh", learns_weights=True, activates_trunk=True),
]


def drawn(operator: Operator) -> Operator:
    """With parameters that are all different from zero."""
    torch.manual_seed(1)
    for p in operator.parameters():
        nn.init.normal_(p)
    return operator


@pytest.mark.parametrize("make", OPERATORS)
def test_it_is_the_product_of_jacobians(make) -> None:
    operator = drawn(make())
    a = torch.randn(70, 7, dtype=F64)  # more than one block
    modes = torch.linalg.qr(torch.randn(9, 3, dtype=F64)).Q
    rows = []
    for i in range(len(a)):
        for u in (operator(a[i : i + 1]) @ modes)[0]:
            slopes = torch.autograd.grad(u, list(operator.parameters()), retain_graph=True)
            rows.append(torch.cat([s.flatten() for s in slopes]))
    J = torch.stack(rows)
    torch.testing.assert_close(operator.kernel(modes)(a), J @ J.T, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("rows", [64, 1000])  # 5 components of 9, and all of them
@pytest.mark.parametrize("residual", ["absolute", "relative"])
@pytest.mark.parametrize("make", OPERATORS)
def test_fits_with_and_without_the_kernel_agree(
    make, residual: str, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel_ridge, "CLOSER", 0)  # of which rounding decides how many there are
    operator = drawn(make())
    a = torch.randn(12, 7, dtype=F64)
    u = operator(a).detach() + 0.1 * torch.randn(12, 9, dtype=F64)
    solver = pl.KernelRidge((1e-2, 1e-4), most_rows=rows)
    options = {"rank": operator_size(operator), "lstsq": solver, "smoothing": None}
    options["residual"] = residual
    fast = pl.refine(operator, a, u, **options)
    slow = pl.refine(Plain(operator), a, u, **options)
    torch.testing.assert_close(fast(a), slow(a), rtol=1e-6, atol=1e-8)
    assert (fast(a) - u).norm() < (operator(a) - u).norm()


def test_closest_fits_with_and_without_the_kernel_are_as_close() -> None:
    operator = drawn(OPERATORS[0]())
    a = torch.randn(12, 7, dtype=F64)
    u = operator(a).detach() + 0.1 * torch.randn(12, 9, dtype=F64)
    options = {"rank": operator_size(operator), "lstsq": pl.KernelRidge((1e-2, 1e-4))}
    found = [pl.refine(one, a, u, smoothing=None, **options) for one in (operator, Plain(operator))]
    left, other = (torch.linalg.vector_norm(one(a) - u).item() for one in found)
    assert left == pytest.approx(other, rel=0.3)
    assert left < 0.7 * torch.linalg.vector_norm(operator(a) - u).item()


class Plain(nn.Module):
    """An operator whose factors nobody sees."""

    def __init__(self, operator: Operator) -> None:
        super().__init__()
        self.operator = operator

    def forward(self, a: torch.Tensor) -> torch.Tensor:
        return self.operator(a)


def operator_size(operator: Operator) -> int:
    return sum(p.numel() for p in operator.parameters())


def test_frozen_parameters_stay() -> None:
    operator = drawn(DeepONet(7, X, [6, 6], "tanh"))
    for p in operator.trunk_network.parameters():
        p.requires_grad_(False)
    a = torch.randn(12, 7, dtype=F64)
    u = operator(a).detach() + 0.1 * torch.randn(12, 9, dtype=F64)
    count = sum(p.numel() for p in operator.parameters() if p.requires_grad)
    solver = pl.KernelRidge((1e-2, 1e-3), most_rows=64)
    fast = pl.refine(operator, a, u, rank=count, lstsq=solver, smoothing=None)
    slow = pl.refine(Plain(operator), a, u, rank=count, lstsq=solver, smoothing=None)
    assert fast.delta.numel() == count
    torch.testing.assert_close(fast(a), slow(a), rtol=1e-6, atol=1e-8)


def test_operators_are_refined_by_their_kernel_unless_something_else_is_asked_for() -> None:
    operator = DeepONet(7, X, [8, 8], "tanh")
    a = torch.randn(60, 7, dtype=F64, generator=torch.Generator().manual_seed(0))
    u = a[:, :1] * X.T + a[:, 1:2]
    found = pl.refine(operator, a, u)
    assert found.rank == operator_size(operator)  # fewer than rows
    assert found.damping > 0
    assert all(score.rank in (0, found.rank) for score in found.history)
    operator.bias.requires_grad_(False)
    for plain, options in [
        (operator, {}),
        (DeepONet(7, X, [8, 8], "tanh"), {"basis": "output"}),
        (DeepONet(7, X, [8, 8], "tanh"), {"residual": lambda q, t: q - t}),
        (DeepONet(7, X, [8, 8], "tanh"), {"parameter_fraction": 0.5}),
        (Plain(DeepONet(7, X, [8, 8], "tanh")), {}),
    ]:
        other = pl.refine(plain, a, u, **options)
        assert len({score.rank for score in other.history}) > 3
        other.at_rank(2)


class Scaled(DeepONet):
    """A branch of its own, which the kernel of layers does not know."""

    def branch(self, a: torch.Tensor) -> torch.Tensor:
        return 2 * super().branch(a)


def test_only_plain_layers_have_the_kernel() -> None:
    plain = DeepONet(7, X, [6, 6], "tanh")
    assert plain.has_kernel
    assert MultiONet(7, X, [6, 6], "tanh", learns_weights=True).has_kernel
    assert not Scaled(7, X, [6, 6], "tanh").has_kernel
    tied = DeepONet(7, X, [6, 6], "tanh")
    tied.branch_network.layers[1].weight = tied.trunk_network.layers[1].weight
    assert not tied.has_kernel
    normed = DeepONet(7, X, [6, 6], "tanh")
    nn.utils.parametrizations.weight_norm(normed.branch_network.layers[0])
    assert not normed.has_kernel


def test_more_points_than_components_are_taken_of_go_to_streaming_qr() -> None:
    points = torch.linspace(0, 1, 4097, dtype=F64)[:, None]
    a = torch.randn(10, 3, dtype=F64, generator=torch.Generator().manual_seed(0))
    found = pl.refine(DeepONet(3, points, [4], "tanh"), a, a[:, :1] * points.T)
    assert len({score.rank for score in found.history}) > 2
