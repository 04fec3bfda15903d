"""Networks, index sets and points that the network tests share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pdelsr.networks import MLP, HardConditions, Index, IndexSet, ModifiedMLP, Network, closure

BOX = [(0.0, 1.0), (-1.0, 2.0)]


@dataclass(frozen=True)
class ProductForm:
    """g = exp(a·x) and D = sin(b·x): every derivative is known."""

    a: tuple[float, ...]
    b: tuple[float, ...]

    def lift_jet(self, x: Tensor, indices: tuple[Index, ...]) -> Tensor:
        g = torch.exp(x @ x.new_tensor(self.a))
        return torch.stack([_power(self.a, index) * g for index in indices])

    def factor_jet(self, x: Tensor, indices: tuple[Index, ...]) -> Tensor:
        angle = x @ x.new_tensor(self.b)
        return torch.stack(
            [_power(self.b, i) * torch.sin(angle + sum(i) * torch.pi / 2) for i in indices]
        )


def _power(base: tuple[float, ...], index: Index) -> float:
    value = 1.0
    for factor, order in zip(base, index, strict=True):
        value *= factor**order
    return value


FORM = ProductForm((0.3, -0.5), (0.7, 0.4))

NETWORKS: dict[str, Callable[[], Network]] = {
    "mlp": lambda: MLP(2, 1, (7, 6, 5), bounds=BOX),
    "mlp, two fields": lambda: MLP(2, 2, (6, 5), bounds=BOX, seed=1),
    "mlp, no hidden layer": lambda: MLP(2, 1, (), bounds=BOX, fourier=3),
    "mlp, periodic": lambda: MLP(2, 1, (6, 5), bounds=BOX, periodic={0: 1.0}, harmonics=2),
    "mlp, all periodic": lambda: MLP(2, 1, (6, 5), bounds=BOX, periodic={1: 3.0, 0: 1.0}),
    "mlp, fourier": lambda: MLP(2, 1, (6, 5), bounds=BOX, fourier=4, fourier_scale=0.7),
    "modified mlp": lambda: ModifiedMLP(2, 2, (6, 6, 6), bounds=BOX, weight_scale=1.5),
    "modified mlp, periodic": lambda: ModifiedMLP(2, 1, (5, 5), bounds=BOX, periodic={1: 3.0}),
    "hard mlp": lambda: HardConditions(MLP(2, 2, (6, 5), bounds=BOX), [FORM, None]),
    "hard modified mlp": lambda: HardConditions(ModifiedMLP(2, 1, (5, 5), bounds=BOX), [FORM]),
}

INDEX_SETS: dict[str, IndexSet] = {
    "value": closure(((0, 0),)),
    "first": closure(((1, 0), (0, 1))),
    "heat": closure(((2, 0), (0, 1))),
    "mixed": closure(((1, 1), (1, 2))),
    "biharmonic": closure(((4, 0), (2, 2), (0, 4))),
}


def points(n: int, d: int = 2, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    """Random points of the unit cube."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(n, d, dtype=torch.float64, generator=generator).to(dtype)


def normal(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    """Random numbers, for seeds and directions."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator).to(dtype)


def assert_close(actual: Tensor, expected: Tensor, relative: float = 1e-10) -> None:
    """Compare against the largest expected entry: what fp64 jets promise."""
    assert actual.shape == expected.shape
    scale = max(1.0, expected.abs().max().item())
    assert (actual - expected).abs().max().item() <= relative * scale
