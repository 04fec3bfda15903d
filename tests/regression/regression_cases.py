"""Small modules and data for refinements."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

F64 = torch.float64


def bumps(n: int = 400, seed: int = 0) -> tuple[Tensor, Tensor]:
    """sin(πx) sin(πy) at random points of the square."""
    x = 2 * torch.rand(n, 2, dtype=F64, generator=torch.Generator().manual_seed(seed)) - 1
    return x, torch.sin(math.pi * x[:, :1]) * torch.sin(math.pi * x[:, 1:])


def network(seed: int = 0, outputs: int = 1) -> nn.Module:
    """2-16-16-k tanh."""
    torch.manual_seed(seed)
    layers = [nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, outputs)]
    return nn.Sequential(*layers).to(F64)


class TwoInputs(nn.Module):
    """A residual block on two inputs, with a frozen layer, batch norm in eval mode and dropout."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.first, self.second = nn.Linear(2, 12), nn.Linear(1, 12)
        self.frozen = nn.Linear(12, 12).requires_grad_(False)
        self.norm, self.drop = nn.BatchNorm1d(12), nn.Dropout(0.5)
        self.last = nn.Linear(12, 2)
        self.norm.running_mean = torch.linspace(-0.1, 0.1, 12)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        h = torch.tanh(self.first(x) + self.second(t))
        return self.last(h + self.drop(self.norm(torch.tanh(self.frozen(h)))))
