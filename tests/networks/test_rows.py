"""Rows of the parameter Jacobian against autograd, reverse passes and forward mode."""

from __future__ import annotations

import pytest
import torch
from network_cases import INDEX_SETS, NETWORKS, assert_close, normal, points
from torch import Tensor

from pdelsr.errors import SettingsError
from pdelsr.networks import MLP, IndexSet, ModifiedMLP, ModuleNetwork, Network
from pdelsr.networks.layers import RECORDING

PATHS = {"own": lambda network: network, "generic": lambda network: ModuleNetwork(network, 2)}
CASES = [(name, path) for path in PATHS for name in NETWORKS]
IDS = [f"{name}, {path}" for name, path in CASES]


def case(name: str, path: str, n: int = 3) -> tuple[Network, Tensor]:
    return PATHS[path](NETWORKS[name]()), points(n)


def seeds_for(network: Network, indices: IndexSet, n: int) -> Tensor:
    return normal(len(indices), n, network.out_features)


def autograd_rows(network: Network, x: Tensor, indices: IndexSet, seeds: Tensor) -> Tensor:
    """Row i by its own reverse pass through nested forward mode."""
    generic = ModuleNetwork(network, 2)
    parameters = [p for p in network.parameters() if p.requires_grad]
    seeded = (generic(x, indices) * seeds).sum(dim=(0, 2))
    rows = [torch.autograd.grad(value, parameters, retain_graph=True) for value in seeded]
    return torch.stack([torch.cat([g.reshape(-1) for g in row]) for row in rows])


@pytest.mark.parametrize("indices", INDEX_SETS.values(), ids=INDEX_SETS)
@pytest.mark.parametrize("name", NETWORKS)
def test_rows_are_the_jacobian(name: str, indices: IndexSet) -> None:
    network, x = case(name, "own")
    seeds = seeds_for(network, indices, 3)
    assert_close(network.rows(x, indices, seeds), autograd_rows(network, x, indices, seeds))


@pytest.mark.parametrize("indices", [INDEX_SETS["heat"]], ids=["heat"])
@pytest.mark.parametrize("name", NETWORKS)
def test_generic_rows_agree(name: str, indices: IndexSet) -> None:
    network, x = case(name, "own")
    seeds = seeds_for(network, indices, 3)
    generic = ModuleNetwork(network, 2)
    assert_close(generic.rows(x, indices, seeds), network.rows(x, indices, seeds))


@pytest.mark.parametrize(("name", "path"), CASES, ids=IDS)
def test_rows_add_up_to_the_reverse_pass(name: str, path: str) -> None:
    network, x = case(name, path, 20)
    indices = INDEX_SETS["heat"]
    seeds = seeds_for(network, indices, 20)
    gradient = torch.autograd.grad((network(x, indices) * seeds).sum(), list(network.parameters()))
    total = network.rows(x, indices, seeds).sum(dim=0)
    assert_close(total, torch.cat([g.reshape(-1) for g in gradient]))


@pytest.mark.parametrize(("name", "path"), CASES, ids=IDS)
def test_tangent_jet_is_rows_times_direction(name: str, path: str) -> None:
    network, x = case(name, path, 6)
    indices = INDEX_SETS["mixed"]
    seeds, v = seeds_for(network, indices, 6), normal(network.parameter_count, seed=1)
    jet, tangent = network.tangent_jet(x, indices, v)
    assert not jet.requires_grad
    assert not tangent.requires_grad
    assert_close(jet, network(x, indices).detach(), 1e-13)
    assert_close((tangent * seeds).sum(dim=(0, 2)), network.rows(x, indices, seeds) @ v)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("frozen", ["inner.0.weight", "inner.1.bias", "last.weight", "inner.1"])
def test_frozen_parameters_stay_out_of_the_rows(frozen: str, path: str) -> None:
    network, x, indices = MLP(2, 1, (5, 4)), points(3), INDEX_SETS["heat"]
    seeds = seeds_for(network, indices, 3)
    names = [name for name, p in network.named_parameters() for _ in range(p.numel())]
    full = network.rows(x, indices, seeds)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(not name.startswith(frozen))
    kept = torch.tensor([not name.startswith(frozen) for name in names])
    subject = PATHS[path](network)
    assert subject.parameter_count == kept.sum()
    assert_close(subject.rows(x, indices, seeds), full[:, kept], 1e-12)
    v = normal(subject.parameter_count)
    tangent = subject.tangent_jet(x, indices, v)[1]
    assert_close((tangent * seeds).sum(dim=(0, 2)), full[:, kept] @ v)


@pytest.mark.parametrize(("name", "path"), CASES, ids=IDS)
def test_some_columns_of_the_rows(name: str, path: str) -> None:
    network, x = case(name, path, 5)
    next(network.parameters()).requires_grad_(False)
    indices = INDEX_SETS["heat"]
    seeds = seeds_for(network, indices, 5)
    generator = torch.Generator().manual_seed(0)
    some = torch.randperm(network.parameter_count, generator=generator)[:40]
    for only in (some, some[:1], some[:20].sort().values):
        assert_close(
            network.rows(x, indices, seeds, only), network.rows(x, indices, seeds)[:, only], 1e-13
        )


def test_rows_work_without_grad_mode_and_leave_no_trace() -> None:
    network, x, indices = ModifiedMLP(2, 1, (5, 5)), points(3), INDEX_SETS["heat"]
    with torch.no_grad():
        rows = network.rows(x, indices, seeds_for(network, indices, 3))
    assert not rows.requires_grad
    assert all(p.grad is None for p in network.parameters())
    assert RECORDING.get() is None


def test_many_points_need_several_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    network, x, indices = MLP(2, 1, (8, 8)), points(50), INDEX_SETS["heat"]
    seeds = seeds_for(network, indices, 50)
    whole = network.rows(x, indices, seeds)
    whole_generic = ModuleNetwork(network, 2).rows(x, indices, seeds)
    monkeypatch.setattr("pdelsr.networks.layers.CACHE_BYTES", 3000)
    monkeypatch.setattr("pdelsr.networks.reverse_mode.CHUNK_BYTES", 5000)
    assert_close(network.rows(x, indices, seeds), whole, 1e-14)
    assert_close(ModuleNetwork(network, 2).rows(x, indices, seeds), whole_generic, 1e-14)


@pytest.mark.parametrize(("name", "path"), CASES, ids=IDS)
def test_single_precision(name: str, path: str) -> None:
    network, x = case(name, path)
    indices = INDEX_SETS["heat"]
    seeds = seeds_for(network, indices, 3)
    exact = network.rows(x, indices, seeds)
    rows = network.to(torch.float32).rows(x.float(), indices, seeds.float())
    assert rows.dtype == torch.float32
    assert_close(rows.double(), exact, 1e-4)


@pytest.mark.parametrize("path", PATHS)
def test_nothing_to_train_is_refused(path: str) -> None:
    network, x, indices = MLP(2, 1, (5,)).requires_grad_(False), points(3), INDEX_SETS["heat"]
    subject = PATHS[path](network)
    with pytest.raises(SettingsError, match="no trainable parameter"):
        subject.rows(x, indices, seeds_for(subject, indices, 3))
