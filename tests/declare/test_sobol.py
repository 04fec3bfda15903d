"""Sobol points are those of scipy, to the bit."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import qmc

from pdelsr.declare.sobol import MOST, sobol


@pytest.mark.parametrize("dim", [0, 1, 2, 7, MOST, MOST + 1])
@pytest.mark.parametrize("n", [1, 2, 1000, 2**12])
def test_points_are_those_of_scipy(n: int, dim: int) -> None:
    theirs = qmc.Sobol(dim, seed=5).random_base2((n - 1).bit_length())[:n]
    assert np.array_equal(sobol(n, dim, 5), theirs)


def test_a_generator_gives_a_child_as_to_scipy() -> None:
    ours, theirs = np.random.default_rng(3), np.random.default_rng(3)
    for _ in range(2):
        expected = qmc.Sobol(4, seed=theirs).random_base2(6)
        assert np.array_equal(sobol(64, 4, ours), expected)
    assert ours.random() == theirs.random()
