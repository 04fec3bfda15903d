"""How many rows a memory budget allows."""

from __future__ import annotations

import pytest
import torch

from pdelsr.linearize.free_memory import free_bytes
from pdelsr.linearize.memory import LARGEST_DEFAULT, points_per_chunk


@pytest.mark.parametrize(
    ("budget", "dtype", "expected"),
    [
        (8000, torch.float64, 10),
        (8000, torch.float32, 20),
        (8799, torch.float64, 10),
        (1, torch.float64, 1),
    ],
    ids=["double", "single", "rounded down", "at least one"],
)
def test_rows_within_the_budget(budget: int, dtype: torch.dtype, expected: int) -> None:
    assert points_per_chunk(100, torch.empty(0, dtype=dtype), budget) == expected


def test_default_is_a_share_of_the_free_memory() -> None:
    like = torch.empty(0, dtype=torch.float64)
    assert free_bytes(like.device) > 0
    assert 1 <= points_per_chunk(1, like, None) <= LARGEST_DEFAULT // 8
