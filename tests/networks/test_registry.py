"""Settings that bring a network back."""

from __future__ import annotations

import json

import pytest
import torch
from network_cases import BOX, FORM, assert_close, points
from torch import nn

from pdelsr.errors import SettingsError
from pdelsr.networks import (
    MLP,
    FeatureNetwork,
    HardConditions,
    ModifiedMLP,
    ModuleNetwork,
    Network,
    UserActivation,
    build_network,
    network_settings,
)

BUILT_IN = {
    "plain": lambda: MLP(2, 1, (5, 4)),
    "everything": lambda: MLP(
        2,
        3,
        [5, 4],
        "gelu",
        bounds=BOX,
        periodic={1: 3.0},
        harmonics=2,
        fourier=3,
        fourier_scale=2.0,
        initialization="he",
        weight_scale=1.7,
        seed=11,
    ),
    "modified": lambda: ModifiedMLP(2, 1, (5, 5), "sin", bounds=torch.tensor(BOX).tolist()),
}


@pytest.mark.parametrize("build", BUILT_IN.values(), ids=BUILT_IN)
def test_settings_survive_json(build) -> None:
    network: FeatureNetwork = build()
    settings = json.loads(json.dumps(network_settings(network)))
    again = build_network(settings)
    assert type(again) is type(network)
    assert network_settings(again) == network_settings(network)
    assert_close(again(points(3)), network(points(3)), 0.0)


def test_dtype_is_chosen_when_building() -> None:
    network = build_network({"kind": "mlp", "in_features": 2}, dtype=torch.float32)
    assert network(points(3, dtype=torch.float32)).dtype == torch.float32


UNSAVABLE: dict[str, Network] = {
    "ModuleNetwork": ModuleNetwork(nn.Linear(2, 1), 2),
    "HardConditions": HardConditions(MLP(2, 1, (5,)), [FORM]),
}


@pytest.mark.parametrize("network", UNSAVABLE.values(), ids=UNSAVABLE)
def test_other_networks_cannot_be_written(network: Network) -> None:
    with pytest.raises(SettingsError, match=f"{type(network).__name__} cannot be written"):
        network_settings(network)


def test_user_activation_cannot_be_written() -> None:
    network = MLP(2, 1, (5,), UserActivation((torch.sin, torch.cos), name="wave"))
    with pytest.raises(SettingsError, match="activation 'wave' is code"):
        network_settings(network)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"in_features": 2}, "kind None is not known: choose one of mlp, modified_mlp"),
        ({"kind": "resnet"}, "kind 'resnet' is not known"),
        ({"kind": "mlp", "in_features": 2, "hiden": [5]}, "'hiden': did you mean 'hidden'"),
        ({"kind": "mlp", "in_features": 2, "dtype": "f4"}, "no setting 'dtype'"),
    ],
    ids=["no kind", "kind", "typing error", "dtype"],
)
def test_wrong_settings(settings: dict, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        build_network(settings)
