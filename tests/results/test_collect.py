"""What a solution says of its own error."""

from __future__ import annotations

import pytest
import torch

from pdelsr.results.collect import relative_distance


def test_distances_of_unknowns_that_are_zero() -> None:
    one = torch.ones(9, dtype=torch.float64)
    none = torch.zeros_like(one)

    def apart(a: list[torch.Tensor], b: list[torch.Tensor]) -> float:
        return relative_distance(torch.stack(a, dim=1), torch.stack(b, dim=1))

    assert apart([none], [none]) == 0
    assert apart([one, none], [one, none]) == 0
    assert apart([one, none], [1.5 * one, none]) == pytest.approx(0.5)
    assert apart([one, 1e-16 * one], [one, -1e-16 * one]) < 1e-7  # rounding counts for nothing
    assert apart([one, 1e-3 * one], [one, none]) == pytest.approx(1.0)
