"""Positions drawn at random, the same on every device."""

from __future__ import annotations

import torch
from jaxtyping import Int
from torch import Tensor


def drawn(
    total: int, count: int, generator: torch.Generator, device: torch.device
) -> Int[Tensor, " count"]:
    """Some of the positions from 0 to `total` − 1, each at most once, in rising order.

    Args:
        total: positions to draw from.
        count: positions to take.
        generator: of the CPU, so that all devices draw the same.
        device: where they are used.
    """
    order = torch.randperm(total, generator=generator, device="cpu")
    return order[:count].sort().values.to(device)


def spread(total: int, count: int, device: torch.device) -> Int[Tensor, " count"]:
    """`count` positions spread over 0 … total − 1 (all of them where fewer exist).

    They are random, because a regular stride through a Sobol sequence covers only a part of the
    domain.
    """
    if count >= total:
        return torch.arange(total, device=device)
    generator = torch.Generator().manual_seed(total)
    return drawn(total, count, generator, device)
