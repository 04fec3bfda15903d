"""The closed form of a kink under diffusion against its Fourier series."""

import numpy as np
import pytest

from pdelsr.reference.kink import Kink


@pytest.mark.parametrize("diffusion", [1e-3, 1e-1, 3.0], ids="D={}".format)
def test_matches_its_fourier_series(diffusion):
    kink = Kink(jump=4.0, diffusion=diffusion, rate=-1.5, seam=1.0, period=2.0)
    x, t = np.random.default_rng(0).uniform([-1, 0.05], [3, 1], (200, 2)).T
    # the periodic |z|/2 - z²/4 is 1/6 - Σ 2/(π k)² /2 · cos(π k z), by its second derivative
    k = np.pi * np.arange(1, 400)
    decay = np.exp(-diffusion * np.outer(t, k**2))
    series = 1 / 6 - (np.cos(np.outer(x - 1, k)) * decay / k**2).sum(axis=1)
    assert np.allclose(kink(x, t), 4 * np.exp(-1.5 * t) * series, atol=1e-13)


def test_starts_with_its_jump_of_slope():
    kink, h = Kink(4.0, 0.1, 0.0, -1.0, 2.0), 1e-6
    left, middle, right = kink(np.array([-1 - h, -1, -1 + h]), np.zeros(3))
    assert (right - middle) / h - (middle - left) / h == pytest.approx(4.0, abs=1e-5)
