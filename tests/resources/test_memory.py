"""How many rows a memory budget allows."""

from __future__ import annotations

import pytest
import torch

from pdelsr.resources.free_memory import free_bytes
from pdelsr.resources.memory import LARGEST_DEFAULT, chunk_bytes, points_per_chunk


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


@pytest.mark.parametrize(
    ("free", "expected"),
    [(2**40, LARGEST_DEFAULT), (2**29, LARGEST_DEFAULT), (300 * 2**20, 2**24), (0, 2**20)],
    ids=["much", "just enough", "rounded down", "none"],
)
def test_chunks_are_powers_of_two(
    free: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pdelsr.resources.free_memory.free_on_host", lambda: free)
    assert chunk_bytes(torch.device("cpu")) == expected
