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
        count: of them to take.
        generator: of the CPU, where the draw is made, so that all devices have the same.
        device: where they are used.
    """
    order = torch.randperm(total, generator=generator, device="cpu")
    return order[:count].sort().values.to(device)
