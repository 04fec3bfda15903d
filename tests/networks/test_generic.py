"""Wrapping arbitrary torch modules."""

from __future__ import annotations

import pytest
import torch
from network_cases import INDEX_SETS, assert_close, normal, points
from torch import Tensor, nn

from pdelsr.errors import SettingsError
from pdelsr.networks import ModuleNetwork, closure


def plain(outputs: int = 2) -> nn.Sequential:
    torch.manual_seed(0)
    layers = [nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 5), nn.GELU(), nn.Linear(5, outputs)]
    return nn.Sequential(*layers).double()


class Polynomial(nn.Module):
    """a x² y + b y³, a field without an output axis; b is a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.tensor(2.0, dtype=torch.float64))
        self.register_buffer("b", torch.tensor(3.0, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return self.a * x[:, 0] ** 2 * x[:, 1] + self.b * x[:, 1] ** 3


class Centered(nn.Module):
    """Subtracts the mean over the points."""

    def forward(self, x: Tensor) -> Tensor:
        return x - x.mean(dim=0)


class Transposed(nn.Module):
    """Gives (k, n)."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros(1, x.shape[0], dtype=x.dtype)


def test_jet_of_a_polynomial() -> None:
    network, x = ModuleNetwork(Polynomial(), 2), points(4)
    found = network.jet(x, [(0, 0), (2, 0), (2, 1), (0, 3), (1, 1), (3, 0)])[..., 0]
    first, second = x.T
    expected = [
        2 * first**2 * second + 3 * second**3,
        4 * second,
        4 + 0 * first,
        18 + 0 * first,
        4 * first,
        0 * first,
    ]
    assert_close(found.detach(), torch.stack(expected), 1e-13)


def test_rows_of_a_polynomial_hold_only_its_parameter() -> None:
    network, x = ModuleNetwork(Polynomial(), 2), points(4)
    indices = closure(((2, 0),))
    seeds = torch.zeros(3, 4, 1, dtype=torch.float64)
    seeds[2] = 1.0
    assert network.parameter_count == 1
    assert_close(network.rows(x, indices, seeds), 2 * x[:, 1:], 1e-13)


def test_number_of_fields_is_found() -> None:
    assert ModuleNetwork(plain(3), 2).out_features == 3
    assert ModuleNetwork(Polynomial(), 2).out_features == 1


def test_training_moves_the_wrapped_module() -> None:
    module = plain()
    network = ModuleNetwork(module, 2)
    network.set_vector(torch.zeros(network.parameter_count, dtype=torch.float64))
    assert (module[0].weight == 0).all()


def test_batch_norm_in_evaluation_mode() -> None:
    module = nn.Sequential(plain(4), nn.BatchNorm1d(4).double(), nn.Linear(4, 1).double())
    module[1].running_mean.fill_(0.3)
    network, x, indices = ModuleNetwork(module.eval(), 2), points(5), INDEX_SETS["heat"]
    seeds, v = normal(len(indices), 5, 1), normal(network.parameter_count)
    tangent = network.tangent_jet(x, indices, v)[1]
    assert_close(network.rows(x, indices, seeds) @ v, (tangent * seeds).sum(dim=(0, 2)))


@pytest.mark.parametrize("layer", [nn.Dropout(0.5), nn.BatchNorm1d(2)], ids=lambda m: str(m)[:7])
def test_chance_is_refused(layer: nn.Module) -> None:
    module = nn.Sequential(plain(), layer.double())
    with pytest.raises(SettingsError, match=r"'1' in training mode.*call module.eval\(\) first"):
        ModuleNetwork(module, 2)
    network = ModuleNetwork(module.eval(), 2)
    network.train()
    with pytest.raises(SettingsError, match="in training mode"):
        network(points(3))


@pytest.mark.parametrize(
    ("module", "outputs", "message"),
    [
        (plain(), 3, r"gives 2 field\(s\), not out_features=3"),
        (nn.Linear(3, 1).double(), None, r"must map \(n, 2\) to \(n, k\)"),
        (Transposed(), None, r"to \(1, 2\): it must give \(n, k\)"),
        (Centered(), None, "mixes points"),
    ],
    ids=["fields", "coordinates", "shape", "mixing"],
)
def test_unfit_modules_are_refused(module: nn.Module, outputs: int | None, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        ModuleNetwork(module, 2, outputs)


class Recurrent(nn.Module):
    """A GRU that reads each point as a sequence of one element."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.last = nn.GRU(2, 4, batch_first=True), nn.Linear(4, 1)
        self.double()

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.inner(x[:, None])[0][:, -1])


def test_rows_of_recurrent_layers_are_refused_in_words() -> None:
    network = ModuleNetwork(Recurrent(), in_features=2)
    indices = INDEX_SETS["heat"]
    x = points(5, 2)
    with pytest.raises(SettingsError, match=r"Recurrent for many points at once.*GRU"):
        network.rows(x, indices, torch.ones(len(indices), 5, 1, dtype=torch.float64))
