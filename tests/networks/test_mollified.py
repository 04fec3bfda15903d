"""Rectifiers convolved with a Gaussian, and modules that have them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from pdelsr.networks.mollified import (
    MollifiedReLU,
    mollified,
    mollified_widths,
    rectifier_inputs,
)

F64 = torch.float64


@pytest.mark.parametrize("slope", [0.0, 0.2])
def test_it_is_the_convolution(slope: float) -> None:
    z = torch.linspace(-3, 3, 13, dtype=F64)
    t = torch.linspace(-8, 8, 40_001, dtype=F64)
    weights = torch.exp(-0.5 * t**2)
    plain = nn.functional.leaky_relu(z[:, None] + 0.7 * t, slope)
    wanted = (plain * weights).sum(1) / weights.sum()
    torch.testing.assert_close(MollifiedReLU(0.7, slope)(z), wanted, rtol=1e-6, atol=1e-6)


def test_narrow_ones_are_rectifiers_also_far_away() -> None:
    z = torch.tensor([-1e6, -1.0, 1.0, 1e6], dtype=F64)
    torch.testing.assert_close(MollifiedReLU(1e-3)(z), torch.relu(z))
    assert (MollifiedReLU(0.5)(torch.linspace(-30, 30, 99, dtype=F64)) >= 0).all()


class Reused(nn.Module):
    """One rectifier at two places, and one that is never called."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(2, 3), nn.Linear(3, 3)
        self.act = self.again = nn.ReLU()
        self.idle = nn.LeakyReLU(0.1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.again(self.second(self.act(self.first(x))))


def test_rectifiers_are_replaced_in_a_copy() -> None:
    module = nn.Sequential(
        nn.Linear(2, 3), nn.ReLU(), nn.Sequential(nn.LeakyReLU(0.3, inplace=True))
    )
    x = torch.randn(50, 2)
    sizes = rectifier_inputs(module, (x,))
    assert set(sizes) == {"1", "2.0"}
    z = module[0](x).detach()
    assert sizes["1"] == pytest.approx(z.square().mean().sqrt().item(), rel=1e-6)
    found = mollified(module, {"1": 0.5, "2.0": 0.25})
    assert mollified_widths(found) == {"1": 0.5, "2.0": 0.25}
    assert mollified_widths(module) == {}
    tensors = {k for k, v in found.state_dict().items() if isinstance(v, torch.Tensor)}
    assert tensors == module.state_dict().keys()
    assert found.state_dict()["1._extra_state"] == {"width": 0.5, "slope": 0.0}
    wanted = MollifiedReLU(0.25, 0.3)(MollifiedReLU(0.5)(z))
    torch.testing.assert_close(found(x), wanted)


def test_a_rectifier_at_two_places_has_one_width_for_both() -> None:
    module, x = Reused(), torch.randn(50, 2)
    sizes = rectifier_inputs(module, (x,))
    assert set(sizes) == {"act", "again"}
    assert sizes["act"] == sizes["again"]
    found = mollified(module, {name: 0.3 for name in sizes})
    smooth = MollifiedReLU(0.3)
    torch.testing.assert_close(found(x), smooth(module.second(smooth(module.first(x)))))


def test_measuring_leaves_no_trace() -> None:
    module = Reused()
    rectifier_inputs(module, (torch.randn(4, 2),))
    assert not any(part._forward_pre_hooks for part in module.modules())
    with pytest.raises(KeyError):
        mollified(module, {"first": 0.1})
