"""Networks of a user's own: slow rows and tangents come with the values, mistakes are told."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from network_cases import BOX, INDEX_SETS, assert_close, normal, points
from torch import Tensor, nn

from pdelsr.errors import SettingsError
from pdelsr.networks import (
    MLP,
    Affine,
    FeatureNetwork,
    IndexSet,
    ModuleNetwork,
    Network,
    compose,
    network_settings,
)
from pdelsr.networks.contract import require_contract
from pdelsr.networks.registry import KINDS, build_network

HEAT = INDEX_SETS["heat"]


class Wave(Network):
    """a sin(b·x), whose derivatives are written out."""

    def __init__(self) -> None:
        super().__init__()
        self.in_features, self.out_features = 2, 1
        self.a = nn.Parameter(torch.tensor([1.5], dtype=torch.float64))
        self.b = nn.Parameter(torch.tensor([0.7, -1.1], dtype=torch.float64))

    def forward(self, x: Tensor, indices: IndexSet | None = None) -> Tensor:
        if indices is None:
            return (self.a * torch.sin(x @ self.b))[:, None]
        return torch.stack([self.derivative(x, alpha)[:, None] for alpha in indices.indices])

    def derivative(self, x: Tensor, alpha: tuple[int, ...]) -> Tensor:
        factor = self.b[0] ** alpha[0] * self.b[1] ** alpha[1]
        return self.a * factor * torch.sin(x @ self.b + sum(alpha) * torch.pi / 2)


class Layered(FeatureNetwork):
    """A multilayer perceptron, in a user's words."""

    def add_hidden_layers(self, widths: list[int]) -> None:
        self.inner = nn.ModuleList(Affine(a, b) for a, b in pairwise(widths))

    def connected(self, a: Tensor, indices: IndexSet | None, applied: Any) -> Tensor:
        for layer in self.inner:
            a = compose(self.activation, applied(layer, a), indices)
        return applied(self.last, a)


class Loose(Layered):
    """With a trainable parameter that is in no affine layer."""

    def add_hidden_layers(self, widths: list[int]) -> None:
        super().add_hidden_layers(widths)
        self.gain = nn.Parameter(torch.tensor(0.8, dtype=torch.float64))

    def connected(self, a: Tensor, indices: IndexSet | None, applied: Any) -> Tensor:
        return self.gain * super().connected(a, indices, applied)


OWN: dict[str, Callable[[], Network]] = {
    "jets": Wave,
    "layers": lambda: Layered(2, 1, (6, 5), bounds=BOX),
    "loose": lambda: Loose(2, 1, (6, 5), bounds=BOX),
}


@pytest.mark.parametrize("build", OWN.values(), ids=OWN)
@pytest.mark.parametrize("indices", INDEX_SETS.values(), ids=INDEX_SETS)
def test_own_networks_have_the_rows_of_their_values(build: Any, indices: IndexSet) -> None:
    network, x = build(), points(4)
    require_contract(network, x, indices)
    m, slow = network.parameter_count, ModuleNetwork(network, 2)
    seeds, direction = normal(len(indices), 4, 1), normal(m, seed=1)
    rows = network.rows(x, indices, seeds)
    assert_close(rows, slow.rows(x, indices, seeds))
    jet, tangent = network.tangent_jet(x, indices, direction)
    assert_close(jet, slow(x, indices))
    assert_close(rows @ direction, (tangent * seeds).sum(dim=(0, 2)))
    some = torch.tensor([m - 1, 0])
    assert_close(network.rows(x, indices, seeds, some), rows[:, some])


def test_layers_alone_are_taped() -> None:
    assert Layered(2, 1, (4,)).is_taped
    assert not Loose(2, 1, (4,)).is_taped
    frozen = Loose(2, 1, (4,))
    frozen.gain.requires_grad_(False)
    assert frozen.is_taped


class NoJet(Wave):
    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(x)


class FlatJet(Wave):
    def forward(self, x: Tensor, indices: IndexSet | None = None) -> Tensor:
        found = super().forward(x, indices)
        return found if indices is None else found[..., 0]


class WrongSlope(Wave):
    def derivative(self, x: Tensor, alpha: tuple[int, ...]) -> Tensor:
        return super().derivative(x, alpha) * (1.01 if sum(alpha) == 2 else 1)


class Mixing(Wave):
    def forward(self, x: Tensor, indices: IndexSet | None = None) -> Tensor:
        found = super().forward(x, indices)
        return found - found.mean(dim=-2, keepdim=True)


class WrongRows(Wave):
    def rows(self, x: Tensor, indices: IndexSet, seeds: Tensor, only: Any = None) -> Tensor:
        return 2 * super().rows(x, indices, seeds, only)


class NarrowRows(Wave):
    def rows(self, x: Tensor, indices: IndexSet, seeds: Tensor, only: Any = None) -> Tensor:
        return super().rows(x, indices, seeds, only)[:, :2]


class WrongTangent(Wave):
    def tangent_jet(self, x: Tensor, indices: IndexSet, direction: Tensor) -> tuple[Tensor, Tensor]:
        jet, tangent = super().tangent_jet(x, indices, direction)
        return jet, -tangent


class Twice(Layered):
    """One layer is applied two times."""

    def connected(self, a: Tensor, indices: IndexSet | None, applied: Any) -> Tensor:
        first, second = self.inner
        a = compose(self.activation, applied(first, a), indices)
        for _ in range(2):
            a = compose(self.activation, applied(second, a), indices)
        return applied(self.last, a)


class Direct(Layered):
    """Layers are called, not applied."""

    def connected(self, a: Tensor, indices: IndexSet | None, applied: Any) -> Tensor:
        return super().connected(a, indices, lambda layer, a: layer(a))


WRONG: dict[str, tuple[Callable[[], Network], str]] = {
    "no indices": (NoJet, r"NoJet: forward\(x, indices\) fails with TypeError"),
    "shape": (FlatJet, r"returned \(4, 3\); expected a tensor \(4, 3, 1\): an entry for each"),
    "derivative": (WrongSlope, r"the derivative \(2, 0\) is off by .* of what forward\(x\) has"),
    "mixing": (Mixing, "Mixing mixes points"),
    "rows": (WrongRows, r"WrongRows: rows\(x, indices, seeds\) is off by"),
    "width of rows": (NarrowRows, r"returned \(3, 2\); expected a tensor \(3, 3\)"),
    "tangent": (WrongTangent, r"WrongTangent: tangent_jet\(x, indices, direction\) is off by"),
    "layer twice": (
        lambda: Twice(2, 1, (5, 5)),
        "a FeatureNetwork applies each affine layer exactly once",
    ),
    "layer called": (
        lambda: Direct(2, 1, (5, 5)),
        r"a FeatureNetwork calls applied\(layer, a\), not layer\(a\)",
    ),
}


@pytest.mark.parametrize(("build", "message"), WRONG.values(), ids=WRONG)
def test_what_breaks_the_contract_is_refused(build: Any, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        require_contract(build(), points(3), HEAT)


class ByNumpy(Wave):
    """Values that torch cannot differentiate, beside jets that are written out."""

    def forward(self, x: Tensor, indices: IndexSet | None = None) -> Tensor:
        if indices is None:
            return torch.as_tensor(super().forward(x).detach().numpy())
        return super().forward(x, indices)


def test_what_torch_cannot_differentiate_is_not_compared() -> None:
    require_contract(ByNumpy(), points(3), HEAT)
    with pytest.raises(RuntimeError):
        ModuleNetwork(ByNumpy(), 2)(points(3), HEAT)


def test_single_precision_is_not_taken_for_a_mistake() -> None:
    network = Layered(2, 1, (8, 8), weight_scale=2.0).to(torch.float32)
    found = require_contract(network, points(4, dtype=torch.float32), INDEX_SETS["biharmonic"])
    assert found is None


def test_a_subclass_is_not_written_as_the_class_that_it_derives_from() -> None:
    class Doubled(MLP):
        def connected(self, a: Tensor, indices: IndexSet | None, applied: Any) -> Tensor:
            return 2 * super().connected(a, indices, applied)

    with pytest.raises(SettingsError, match="Doubled cannot be written as settings"):
        network_settings(Doubled(2, 1, (4,)))


def test_one_entry_of_the_registry_brings_a_network_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "layered", Layered)
    network = Layered(2, 1, (6, 5), "sin", bounds=BOX, seed=4)
    again = build_network(network_settings(network))
    assert type(again) is Layered
    assert_close(again(points(3)), network(points(3)), 0.0)
