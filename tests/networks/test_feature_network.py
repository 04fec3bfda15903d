"""Construction of the built-in networks: weights, dtypes, features, refusals."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from network_cases import BOX, assert_close, points
from torch import Tensor

from pdelsr.errors import SettingsError
from pdelsr.networks import MLP, FeatureNetwork, ModifiedMLP, closure

CLASSES = [MLP, ModifiedMLP]


@pytest.mark.parametrize("cls", CLASSES)
def test_both_precisions_start_from_the_same_weights(cls: type[FeatureNetwork]) -> None:
    double = cls(2, 1, (6, 6), fourier=3, seed=5)
    single = cls(2, 1, (6, 6), fourier=3, seed=5, dtype=torch.float32)
    assert double.get_vector().dtype == torch.float64
    assert single.get_vector().dtype == torch.float32
    assert torch.equal(single.get_vector(), double.get_vector().float())
    assert torch.equal(single.features.waves, double.features.waves.float())


def test_the_default_dtype_of_torch_does_not_matter() -> None:
    expected = MLP(2, 1, (6,), seed=3).get_vector()
    torch.set_default_dtype(torch.float64)
    try:
        assert torch.equal(MLP(2, 1, (6,), seed=3).get_vector(), expected)
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("cls", CLASSES)
def test_device(cls: type[FeatureNetwork]) -> None:
    with torch.device("meta"):
        assert cls(2, 1, (6, 6), fourier=3).last.weight.is_meta
        here = cls(2, 1, (6, 6), fourier=3, device="cpu")
    assert torch.equal(here.get_vector(), cls(2, 1, (6, 6), fourier=3).get_vector())


@pytest.mark.parametrize("cls", CLASSES)
def test_seed_decides_the_weights(cls: type[FeatureNetwork]) -> None:
    first, again, other = (cls(2, 1, (6, 6), seed=s).get_vector() for s in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("cls", CLASSES)
def test_weight_scale_multiplies_all_layers_but_the_last(cls: type[FeatureNetwork]) -> None:
    one, two = cls(2, 1, (6, 6)), cls(2, 1, (6, 6), weight_scale=2.0)
    for a, b in zip(one.affine_layers()[:-1], two.affine_layers()[:-1], strict=True):
        torch.testing.assert_close(b.weight, 2 * a.weight)
        torch.testing.assert_close(b.bias, 2 * a.bias)
    torch.testing.assert_close(two.last.weight, one.last.weight)


@pytest.mark.parametrize(
    ("scheme", "deviation"),
    [("torch", 1 / (3 * 200) ** 0.5), ("xavier", (2 / 400) ** 0.5), ("he", (2 / 200) ** 0.5)],
)
def test_initialization(scheme: str, deviation: float) -> None:
    layer = MLP(2, 1, (200, 200), initialization=scheme).affine_layers()[1]
    assert layer.weight.std().item() == pytest.approx(deviation, rel=0.02)
    assert (layer.bias.abs().max().item() > 0) == (scheme == "torch")


@pytest.mark.parametrize("cls", CLASSES)
def test_last_layer_ends_the_parameter_vector(cls: type[FeatureNetwork]) -> None:
    network = cls(2, 3, (6, 6))
    count = network.last.weight.numel() + network.last.bias.numel()
    with torch.no_grad():
        network.last.weight.fill_(7.0)
        network.last.bias.fill_(7.0)
    vector = network.get_vector()
    assert (vector[-count:] == 7.0).all()
    assert (vector[:-count] != 7.0).all()


@pytest.mark.parametrize("cls", CLASSES)
def test_vector_round_trip(cls: type[FeatureNetwork]) -> None:
    network, other = cls(2, 1, (6, 6), seed=0), cls(2, 1, (6, 6), seed=1)
    other.set_vector(network.get_vector())
    assert torch.equal(other(points(3)), network(points(3)))


def test_inputs_have_zero_mean_and_unit_variance() -> None:
    features = MLP(2, 1, (3,), bounds=BOX).features
    x = points(20000) * torch.tensor([1.0, 3.0]) + torch.tensor([0.0, -1.0])
    found = features(x)
    assert_close(found.mean(dim=0), torch.zeros(2, dtype=torch.float64), 0.03)
    assert_close(found.std(dim=0), torch.ones(2, dtype=torch.float64), 0.03)


def test_periodic_coordinate_appears_only_through_its_harmonics() -> None:
    network = MLP(2, 1, (3,), bounds=BOX, periodic={1: 3.0}, harmonics=2)
    x = points(5)
    angle = 2 * torch.pi * (x[:, 1] + 1.0) / 3.0
    waves = [torch.cos(angle), torch.cos(2 * angle), torch.sin(angle), torch.sin(2 * angle)]
    assert_close(network.features(x)[:, 1:], torch.stack(waves, dim=1), 1e-13)


def test_fourier_features_leave_periodic_coordinates_alone() -> None:
    network = MLP(2, 1, (3,), bounds=BOX, periodic={0: 1.0}, fourier=5)
    assert (network.features.waves[1:, 0] == 0).all()
    assert (network.features.waves[1:, 1] != 0).all()


def test_modified_mlp_is_the_published_formula() -> None:
    network, z = ModifiedMLP(2, 1, (6, 6)), points(4)

    def affine(layer: torch.nn.Module, h: Tensor) -> Tensor:
        return h @ layer.weight.T + layer.bias

    h = network.features(z)
    P, Q = (torch.tanh(affine(encoder, h)) for encoder in network.encoders)
    for layer in network.inner:
        o = torch.tanh(affine(layer, h))
        h = o * P + (1 - o) * Q
    assert_close(network(z), affine(network.last, h), 1e-14)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "activation": ({"activation": "relu"}, "activation 'relu' is not known"),
    "initialization": ({"initialization": "glorot"}, "initialization 'glorot' is not known"),
    "width": ({"hidden": (5, 0)}, "hidden has width 0: give whole numbers"),
    "no field": ({"out_features": 0}, "out_features has width 0"),
    "harmonics": ({"harmonics": 0}, "harmonics=0 .*at least one harmonic"),
    "fourier": ({"fourier": -1}, "fourier=-1: .*from 0 on"),
    "bounds in number": ({"bounds": [(0.0, 1.0)]}, r"1 pair\(s\) for 2 coordinate\(s\)"),
    "inverted bounds": ({"bounds": [(0.0, 1.0), (1.0, -1.0)]}, r"bounds\[1\] is \(1.0, -1.0\)"),
    "infinite bounds": ({"bounds": [(0.0, 1.0), (0.0, float("inf"))]}, "finite numbers"),
    "periodic coordinate": ({"periodic": {2: 1.0}}, "periodic names coordinate 2: there are 2"),
    "period": ({"periodic": {0: 0.0}}, r"periodic\[0\] is 0.0"),
}


@pytest.mark.parametrize(("arguments", "message"), REFUSED.values(), ids=REFUSED)
def test_refusals(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        MLP(2, **arguments)


@pytest.mark.parametrize("hidden", [(), (5, 6)], ids=["none", "unequal"])
def test_modified_mlp_needs_equal_widths(hidden: tuple[int, ...]) -> None:
    with pytest.raises(SettingsError, match="give one or more equal widths"):
        ModifiedMLP(2, 1, hidden)


@pytest.mark.parametrize("cls", CLASSES)
def test_first_inputs_thins_out_every_layer_that_reads_the_features(
    cls: type[FeatureNetwork],
) -> None:
    network = cls(5, 1, (40, 40), first_inputs=2)
    for layer in network.input_layers():
        assert ((layer.weight != 0).sum(dim=1) == 2).all()
    dense, thin = (cls(5, 1, (4000, 4000)[:1], first_inputs=k) for k in (None, 2))
    rms = [n.input_layers()[0].weight.square().mean().item() for n in (dense, thin)]
    assert rms[1] == pytest.approx(rms[0], rel=0.1)  # neurons keep their variance
    assert network.settings()["first_inputs"] == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"first_inputs": 3}, "first_inputs is 3, and the network has 2 input feature"),
        ({"first_inputs": 0}, "first_inputs has width 0"),
        ({"first_inputs": 1, "hidden": ()}, "hidden is empty"),
    ],
)
def test_first_inputs_that_cannot_be_are_refused(options, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        MLP(2, 1, **options)


def test_widened_networks_are_the_same_function_with_a_larger_tangent_space() -> None:
    network = MLP(2, 2, (5, 4), bounds=((0, 1), (-1, 2)), activation="sin", weight_scale=1.5)
    wide = network.widened((8, 9), seed=7)
    x = torch.rand(30, 2, dtype=torch.float64)
    indices = closure(((2, 1),))
    torch.testing.assert_close(wide(x, indices), network(x, indices), rtol=1e-12, atol=1e-12)
    seeds = torch.zeros(len(indices), 30, 2, dtype=torch.float64)
    seeds[0, :, 0] = 1.0
    small, large = (n.rows(x, indices, seeds) for n in (network, wide))
    # every column of the small Jacobian is a column of the large one
    gaps = (
        torch.cdist(small.T, large.T, compute_mode="donot_use_mm_for_euclid_dist").min(dim=1).values
    )
    assert gaps.max() < 1e-10
