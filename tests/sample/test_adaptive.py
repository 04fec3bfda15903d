"""Residual-adaptive refinement."""

from __future__ import annotations

import numpy as np
import pytest

from pdelsr.errors import SettingsError
from pdelsr.sample import refine_by_residual

CANDIDATES = np.linspace(0, 1, 1000)[:, None]
PEAK = np.exp(-(((CANDIDATES[:, 0] - 0.5) / 0.05) ** 2))


def share_at_the_peak(**settings):
    chosen = refine_by_residual(CANDIDATES, PEAK, 200, **settings)
    return (np.abs(CANDIDATES[chosen, 0] - 0.5) < 0.1).mean()


def test_points_crowd_where_the_residual_is_large():
    flat, mild, strong = (
        share_at_the_peak(power=power, offset=offset)
        for power, offset in [(0.0, 1.0), (1.0, 1.0), (2.0, 0.1)]
    )
    assert flat == pytest.approx(0.2, abs=0.08)
    assert flat + 0.1 < mild < strong


def test_choices_differ_and_repeat_by_seed():
    chosen = refine_by_residual(CANDIDATES, -PEAK, 300, seed=1)
    assert len(set(chosen.tolist())) == 300
    assert (chosen == refine_by_residual(CANDIDATES, PEAK, 300, seed=1)).all()
    assert (chosen != refine_by_residual(CANDIDATES, PEAK, 300, seed=2)).any()


@pytest.mark.parametrize("scale", [0.0, 1e-300, 1e300], ids=["zero", "tiny", "huge"])
def test_scale_does_not_matter(scale):
    chosen = refine_by_residual(CANDIDATES, scale * PEAK, 1000, power=3.0)
    assert sorted(chosen) == list(range(1000))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"residual": PEAK[:-1]}, r"residuals of shape \(999,\) for 1000 candidates"),
        ({"n": 0}, "got n=0, expected 1 to 1000"),
        ({"n": 1001}, "got n=1001, expected 1 to 1000"),
        ({"power": -1.0}, "expected power >= 0"),
        ({"offset": 0.0}, "offset > 0"),
        ({"residual": np.where(PEAK > 0.99, np.nan, PEAK)}, "the residual of candidate .* is nan"),
    ],
    ids=["shape", "none", "too many", "power", "offset", "nan"],
)
def test_refusals(change, message):
    with pytest.raises(SettingsError, match=message):
        refine_by_residual(**{"candidates": CANDIDATES, "residual": PEAK, "n": 10, **change})
